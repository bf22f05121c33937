"""What waits to be sent over one socket, and when is it too much?"""

import asyncio
from collections import deque
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
        self._frames: deque[Frame] = deque()
        self._bytes = 0
        self._filled = asyncio.Event()
        self._roomy = asyncio.Event()
        self._roomy.set()

    def put(self, frame: Frame) -> bool:
        """False where it is full. What is put before that fits, whatever its size: replies may be large."""
        if len(self._frames) >= MAX_COUNT or self._bytes > MAX_BYTES:
            return False
        self._frames.append(frame)
        self._bytes += frame.size
        self._note_room()
        self._filled.set()
        return True

    async def next(self) -> Frame:
        """The oldest frame; waits for one."""
        while not self._frames:
            self._filled.clear()
            await self._filled.wait()
        frame = self._frames.popleft()
        self._bytes -= frame.size
        self._note_room()
        return frame

    async def room(self) -> None:
        """Returns when it is at most half full: for a sender that can wait."""
        await self._roomy.wait()

    def clear(self) -> None:
        self._frames.clear()
        self._bytes = 0
        self._note_room()

    def _note_room(self) -> None:
        if self._bytes > MAX_BYTES // 2 or len(self._frames) > MAX_COUNT // 2:
            self._roomy.clear()
        else:
            self._roomy.set()
