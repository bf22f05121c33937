"""Where does a command write what is long: to a file that is there whole or not at all, or to standard output?"""

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from django.core.management.base import CommandError

from pilots.durable import keep_names


@contextmanager
def standard() -> Iterator[BinaryIO]:
    """Standard output; raises CommandError where its reader goes away."""
    try:
        yield sys.stdout.buffer
        sys.stdout.flush()
    except BrokenPipeError as error:
        # Or Python would complain once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise CommandError("The reader went away: what it has is not whole.") from error


@contextmanager
def whole(target: Path, *, replace: bool = False) -> Iterator[BinaryIO]:
    """A file for the owner's eyes only, which has its name once it is whole and on the disk: until then what had that
    name stays as it is. Raises CommandError where that cannot be; without `replace` also where there is one.

    What a killed command leaves, `target.part`, is written over by the next one.
    """
    if target.exists() and not replace:
        raise CommandError(f"{target} is there already; choose another name.")
    part = target.with_name(f"{target.name}.part")
    try:
        with _held(part) as out:
            try:
                yield out
                out.flush()
                os.fsync(out.fileno())
                part.rename(target)
            except BaseException:
                with suppress(OSError):
                    part.unlink()
                raise
        keep_names(target.parent)
    except OSError as error:
        raise CommandError(f"{target} cannot be written: {error}") from error


@contextmanager
def _held(part: Path) -> Iterator[BinaryIO]:
    """The file, empty and ours alone."""
    handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb", closefd=True) as out:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Between opening and locking its writer may have given it its name: then it is not to be touched.
            ours = part.stat().st_ino == os.fstat(handle).st_ino
        except (BlockingIOError, FileNotFoundError):
            ours = False
        if not ours:
            raise CommandError(f"{part} is being written by another command: wait for it.")
        os.fchmod(handle, 0o600)
        os.ftruncate(handle, 0)
        yield out
