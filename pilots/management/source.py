"""Where does a command read a file from that it must be able to read twice?"""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from django.core.management.base import CommandError


@contextmanager
def opened(name: str) -> Iterator[BinaryIO]:
    """The file, or for `-` what standard input has; that lies, nameless, on the disk meanwhile."""
    try:
        if name == "-":
            with tempfile.TemporaryFile() as copy:
                shutil.copyfileobj(sys.stdin.buffer, copy)
                copy.seek(0)
                yield copy
        else:
            with open(name, "rb") as file:
                yield file
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error}") from error
