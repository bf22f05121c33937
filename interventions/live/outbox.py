"""What waits to be sent over one socket, and when is it too much?"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

MAX_COUNT = 2000
MAX_BYTES = 8 * 1024 * 1024


@dataclass(slots=True)
class Frame:
    """A text to send, or how to make it when its turn comes; `sent` is called once it has gone out."""

    text: str | Callable[[], str]
    size: int
    sent: Callable[[], None] | None = None


class Outbox:
    """Bounded in count and bytes: what does not fit is never dropped silently, the one who puts it is told."""

    def __init__(self) -> None:
        # A deque takes from its left in no time, and 760 bytes while it is empty, as it nearly always is.
        self._frames: list[Frame] = []
        self._bytes = 0
        # There while somebody waits: thousands of sockets are idle.
        self._roomy: asyncio.Event | None = None

    def put(self, frame: Frame) -> bool:
        """False where it is full. What is put before that fits, whatever its size: replies may be large."""
        if len(self._frames) >= MAX_COUNT or self._bytes > MAX_BYTES:
            return False
        self._frames.append(frame)
        self._bytes += frame.size
        return True

    def take(self) -> Frame | None:
        """The oldest frame; None where nothing waits."""
        if not self._frames:
            return None
        frame = self._frames.pop(0)
        self._bytes -= frame.size
        self._note_room()
        return frame

    async def room(self) -> None:
        """Returns when it is at most half full: for a sender that can wait."""
        if self._is_crowded():
            self._roomy = self._roomy or asyncio.Event()
            await self._roomy.wait()

    def clear(self) -> None:
        self._frames.clear()
        self._bytes = 0
        self._note_room()

    def _note_room(self) -> None:
        if self._roomy is not None and not self._is_crowded():
            self._roomy.set()
            self._roomy = None

    def _is_crowded(self) -> bool:
        return self._bytes > MAX_BYTES // 2 or len(self._frames) > MAX_COUNT // 2
