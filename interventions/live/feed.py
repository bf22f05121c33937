"""How far has one loop told of an organization's log, and who hears of it next?"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from interventions.live.news import News


class Subscriber(Protocol):
    """Hears every event of an organization in order. Called on the hub's loop; must not wait and must not raise."""

    def take(self, item: News) -> None: ...

    def resync(self, seq: int, epoch: str) -> None:
        """The order was broken off; it goes on after `seq` of `epoch`."""


class Watch:
    """Waits for the next event of one request, or of the whole organization."""

    def __init__(self) -> None:
        self._happened = asyncio.Event()

    def wake(self) -> None:
        self._happened.set()

    async def changed(self, timeout_seconds: float) -> bool:
        """True as soon as an event was applied since entering or since the last call; False at the timeout."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._happened.wait()
        except TimeoutError:
            return False
        self._happened.clear()
        return True


@dataclass(eq=False)
class Feed:
    """One organization's log as far as this loop has told of it. `position` None: the log could not be read yet."""

    organization_id: int
    epoch: str = ""
    position: int | None = None
    # What came before the position was known, and what came before its turn.
    unplaced: list[tuple[str, list[News]]] = field(default_factory=list)
    early: dict[int, News] = field(default_factory=dict)
    subscribers: set[Subscriber] = field(default_factory=set)
    watches: dict[str | None, set[Watch]] = field(default_factory=dict)
    # What the feed's listeners make once for all of them, by how it is made.
    shared: dict[Any, Any] = field(default_factory=dict)
    # Who hears what other processes say besides news, by the type of the message.
    hearers: dict[str, Callable[[dict[str, Any]], None]] = field(default_factory=dict)
    users: int = 0
    idle_since: float = 0.0
    opening: asyncio.Task[None] | None = None
    healing: asyncio.Task[None] | None = None
    timer: asyncio.TimerHandle | None = None

    def apply(self, item: News) -> None:
        self.position = item.seq
        for key in (item.request_id, None):
            for watch in self.watches.get(key, ()):
                watch.wake()
        for subscriber in tuple(self.subscribers):
            subscriber.take(item)

    def wake_all(self) -> None:
        for watches in self.watches.values():
            for watch in watches:
                watch.wake()

    def restart(self, epoch: str, position: int) -> None:
        """Begins anew at a position that does not follow from the last one, and says so to everybody."""
        self.epoch, self.position = epoch, position
        self.early.clear()
        self.wake_all()
        for subscriber in tuple(self.subscribers):
            subscriber.resync(position, epoch)
