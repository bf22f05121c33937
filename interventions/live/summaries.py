"""The figures of an organization, told to all who listen at most once a second and made once for them all."""

import asyncio
import contextvars
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from interventions.live.database import in_organization
from interventions.live.feed import Feed
from interventions.live.news import News

logger = logging.getLogger(__name__)

# At most this often when something changed, and at least this often though nothing did: time moves figures too.
CHANGED_SECONDS = 1.0
REGULAR_SECONDS = 30.0

type Make = Callable[[int], str]
type Tell = Callable[[str], None]


class Summary:
    """One text about an organization. Who joins is told at once; a subscriber of the feed while anybody listens."""

    def __init__(self, feed: Feed, make: Make) -> None:
        self._feed = feed
        self._make = make
        self._listeners: dict[object, Tell] = {}
        self._newcomers: dict[object, Tell] = {}
        self._changed = False
        self._wake = asyncio.Event()
        self._telling: asyncio.Task[None] | None = None
        self._told_at = 0.0

    def join(self, tell: Tell) -> object:
        """A ticket for `leave`."""
        ticket = object()
        self._newcomers[ticket] = tell
        self._wake.set()
        self._feed.subscribers.add(self)
        if self._telling is None:
            self._told_at = time.monotonic()
            self._telling = asyncio.get_running_loop().create_task(self._keep_telling(), context=contextvars.Context())
        return ticket

    def leave(self, ticket: object) -> None:
        self._newcomers.pop(ticket, None)
        self._listeners.pop(ticket, None)
        if not self._newcomers and not self._listeners:
            self._feed.subscribers.discard(self)
            if self._telling is not None:
                self._telling.cancel()
                self._telling = None

    def take(self, _item: News) -> None:
        self._changed = True
        self._wake.set()

    def resync(self, _seq: int, _epoch: str) -> None:
        self._changed = True
        self._wake.set()

    async def _keep_telling(self) -> None:
        organization_id = self._feed.organization_id
        while True:
            await self._next_occasion()
            newcomers, self._newcomers = self._newcomers, {}
            self._listeners |= newcomers
            due = self._is_due()
            if due:
                self._changed, self._told_at = False, time.monotonic()
            try:
                text = await in_organization(organization_id, self._make, organization_id)
            except Exception:
                logger.warning("figures cannot be made now", exc_info=True)
                self._changed = True
                continue
            for ticket, tell in list((self._listeners if due else newcomers).items()):
                # It may have left meanwhile.
                if ticket in self._listeners:
                    tell(text)

    def _is_due(self) -> bool:
        age = time.monotonic() - self._told_at
        return age >= (CHANGED_SECONDS if self._changed else REGULAR_SECONDS)

    async def _next_occasion(self) -> None:
        while not self._newcomers and not self._is_due():
            self._wake.clear()
            wait = (CHANGED_SECONDS if self._changed else REGULAR_SECONDS) - (time.monotonic() - self._told_at)
            try:
                async with asyncio.timeout(max(wait, 0.001)):
                    await self._wake.wait()
            except TimeoutError:
                continue


@contextmanager
def listening(feed: Feed, make: Make, tell: Tell) -> Iterator[None]:
    """Told of the summary until the block ends."""
    summary = of(feed, make)
    ticket = summary.join(tell)
    try:
        yield
    finally:
        summary.leave(ticket)


def of(feed: Feed, make: Make) -> Summary:
    """The feed's summary of this kind; everybody who listens shares it."""
    summary: Summary = feed.shared.setdefault(make, Summary(feed, make))
    return summary
