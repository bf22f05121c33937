"""Turns SIGINT, SIGTERM and SIGHUP into one exception, but never between starting a thing and noting how to undo it."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stopped(BaseException):
    """Somebody asked this program to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


_held = False
_waiting: int | None = None


def install() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _receive)


@contextmanager
def held() -> Iterator[None]:
    """Let a signal wait until the block has ended."""
    global _held
    if _held:
        yield
        return
    _held = True
    try:
        yield
    finally:
        _held = False
    if _waiting is not None:
        raise Stopped(_waiting)


def hold_for_good() -> None:
    """From here on everything is being undone, and a second Ctrl-C must not stop that half-way."""
    global _held
    _held = True


def _receive(number: int, _frame: FrameType | None) -> None:
    global _waiting
    _waiting = number
    if not _held:
        raise Stopped(number)
