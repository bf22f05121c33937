"""A file of lines that are on disk before what they tell of is removed."""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from pilots.durable import keep_names
from pilots.errors import InvalidInput


class ArchiveFile:
    """Appends to a file that only its owner may read. What does not fit on the disk leaves no half of itself."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = -1

    def __enter__(self) -> Self:
        """Raises InvalidInput where lines cannot be added to what is there."""
        try:
            self._handle = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            keep_names(self._path.parent)
        except BlockingIOError as error:
            self._close()
            raise InvalidInput(f"{self._path} is being written by another command.") from error
        except OSError as error:
            self._close()
            raise InvalidInput(f"{self._path} cannot be written: {error.strerror}.") from error
        size = os.fstat(self._handle).st_size
        if size and os.pread(self._handle, 1, size - 1) != b"\n":
            self._close()
            raise InvalidInput(f"{self._path} does not end with a whole line; choose another file.")
        return self

    def __exit__(self, *_error: object) -> None:
        self._close()

    def write(self, lines: Iterable[bytes]) -> None:
        rest = memoryview(b"".join(lines))
        while rest:
            rest = rest[os.write(self._handle, rest) :]
        os.fsync(self._handle)

    @contextmanager
    def batch(self) -> Iterator[None]:
        size = os.fstat(self._handle).st_size
        try:
            yield
        except BaseException:
            with suppress(OSError):
                os.ftruncate(self._handle, size)
            raise

    def _close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
