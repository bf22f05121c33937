"""Where in the log is a socket, and how does it get from there to now without a gap or a repeat?"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from interventions import listing
from interventions.errors import LogTruncated
from interventions.live import news
from interventions.live.database import in_organization
from interventions.live.feed import Feed
from interventions.live.news import News
from interventions.live.sockets import SERVER_ERROR, Socket
from pilots.caller import Caller

logger = logging.getLogger(__name__)

PAGE = 200


@dataclass(frozen=True, slots=True)
class Place:
    """Where a subscription begins; `resync` says that it cannot be where the client asked for."""

    begin: int
    head: int
    epoch: str
    resync: bool = False


def place(caller: Caller, since: int | None, epoch: str | None) -> Place:
    """The place `since` of `epoch`; None: the end of the log as it is now."""
    head = news.begun(caller.organization.pk)
    if since is None:
        return Place(head.last_seq, head.last_seq, head.epoch)
    try:
        listing.log(caller, after=since, epoch=epoch, limit=0)
    except LogTruncated as error:
        return Place(error.seq, error.seq, error.epoch, resync=True)
    return Place(since, head.last_seq, head.epoch)


class Subscription:
    """Tells one socket every event after its position, in order: first from the log, then as they happen.

    It is registered with the feed from the start and ignores it until it has read up to the feed's own position; that
    comparison and going live happen in one step of the loop, so that no event can fall in between.
    """

    def __init__(
        self,
        socket: Socket,
        feed: Feed,
        deliver: Callable[[News], None],
        announce_resync: Callable[[int, str], None],
    ) -> None:
        self._socket = socket
        self._feed = feed
        self._deliver = deliver
        self._announce_resync = announce_resync
        self._position = 0
        self._live = False
        self._catching_up: asyncio.Task[None] | None = None

    @property
    def is_active(self) -> bool:
        return self in self._feed.subscribers

    def begin(self, at: Place) -> None:
        self.stop()
        if at.resync:
            self._announce_resync(at.head, at.epoch)
        self._position = at.begin
        self._live = (self._feed.position or 0) <= self._position
        self._feed.subscribers.add(self)
        if not self._live:
            self._catching_up = asyncio.create_task(self._catch_up())

    def stop(self) -> None:
        self._feed.subscribers.discard(self)
        self._live = False
        if self._catching_up is not None:
            self._catching_up.cancel()
            self._catching_up = None

    def take(self, item: News) -> None:
        if not self._live or item.seq <= self._position:
            return
        self._position = item.seq
        try:
            self._deliver(item)
        except Exception:
            # One event that cannot be told must not keep the others from hearing of it, nor leave a hole here.
            logger.exception("event %s cannot be told", item.seq)
            self._socket.close(SERVER_ERROR)

    def resync(self, seq: int, epoch: str) -> None:
        if self._catching_up is not None:
            self._catching_up.cancel()
            self._catching_up = None
        self._position, self._live = seq, True
        self._announce_resync(seq, epoch)

    async def _read(self) -> list[News]:
        organization_id = self._feed.organization_id
        return await in_organization(organization_id, news.read, organization_id, self._position, PAGE)

    async def _catch_up(self) -> None:
        try:
            while self._position < (self._feed.position or 0):
                items = await self._read()
                if not items or items[0].seq != self._position + 1:
                    # Pruned under our hands.
                    self.resync(self._feed.position or 0, self._feed.epoch)
                    return
                for item in items:
                    await self._socket.room()
                    self._position = item.seq
                    self._deliver(item)
            self._live = True
            self._catching_up = None
        except Exception:
            logger.exception("a socket could not catch up")
            self._socket.close(SERVER_ERROR)
