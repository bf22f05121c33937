"""Who in this process waits for what happens in an organization, and how do they hear of it at once, in order?

One hub per event loop. It follows the log of each organization that somebody here listens to. News comes from three
sides: handed over by this process's own commits, sent by other processes through the channel layer, and, since both
may fail, read from the log wherever it is found to be ahead.
"""

import asyncio
import contextvars
import logging
import threading
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from interventions.live import layer, news
from interventions.live.database import in_organization, in_thread
from interventions.live.feed import Feed, Watch
from interventions.live.news import News

logger = logging.getLogger(__name__)

# How long news that came too early waits for what is missing before the log is read.
PATIENCE_SECONDS = 0.05
TICK_SECONDS = 1.0
# A feed nobody listens to is kept a little: the next long poll of a quiet organization then begins at once.
IDLE_SECONDS = 30.0
PAGE = 500
# Further behind than this, everybody is told to fetch anew instead.
MAX_BEHIND = 20_000
# While the server is going whoever still comes to wait does so no longer: not at all, and they would ask without pause.
LEAVING_SECONDS = 1.0


class Hub:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.is_leaving = False
        self._feeds: dict[int, Feed] = {}
        self._ticking: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._link = layer.Link(self._heard, self._overheard)

    @asynccontextmanager
    async def watch(self, organization_id: int, request_id: str | None = None) -> AsyncIterator[Watch]:
        """Enter, read the database, and if it is not there yet wait for `changed`, then read again."""
        watch = Watch()
        async with self.following(organization_id) as feed:
            feed.watches.setdefault(request_id, set()).add(watch)
            try:
                yield watch
            finally:
                feed.watches[request_id].discard(watch)
                if not feed.watches[request_id]:
                    del feed.watches[request_id]

    @asynccontextmanager
    async def following(self, organization_id: int) -> AsyncIterator[Feed]:
        """The organization's feed, kept up to date at least until the block ends.

        An event committed after entering is applied after entering: the position was read, or stood, before.
        """
        feed = self._feeds.get(organization_id)
        if feed is None:
            feed = self._feeds[organization_id] = Feed(organization_id)
            feed.opening = self._spawn(self._open(feed))
        feed.users += 1
        try:
            if feed.opening is not None:
                # Shielded: one caller that gives up must not take the feed from the others.
                await asyncio.shield(feed.opening)
            yield feed
        finally:
            feed.users -= 1
            feed.idle_since = time.monotonic()

    def leave(self) -> None:
        """The server is going: wakes everybody who waits, so that they answer what there is and are asked elsewhere."""
        self.is_leaving = True
        for feed in self._feeds.values():
            feed.wake_all()

    def patience(self, seconds: float) -> float:
        """How long somebody may wait here who would wait so many seconds."""
        return max(0.0, min(seconds, LEAVING_SECONDS) if self.is_leaving else seconds)

    def serves(self, organization_id: int) -> bool:
        """Whether somebody here listens; may be asked from any thread."""
        return organization_id in self._feeds

    def hand_over(self, organization_id: int, epoch: str, items: list[News]) -> None:
        """Applies what was just committed; may be called from any thread, and never waits."""
        try:
            self.loop.call_soon_threadsafe(self.accept, organization_id, epoch, items)
        except RuntimeError:
            logger.debug("the loop was closed before the news could be handed over")

    def accept(self, organization_id: int, epoch: str, items: list[News]) -> None:
        """Applies news in the order of the log, whatever order it arrives in."""
        feed = self._feeds.get(organization_id)
        if feed is None:
            return
        if feed.position is None:
            feed.unplaced.append((epoch, items))
        elif feed.epoch != epoch:
            # Begun or restored, or of somebody else who shares our Redis: only the log itself can say.
            self._heal(feed)
        else:
            self._place(feed, items)

    def _place(self, feed: Feed, items: list[News]) -> None:
        feed.early |= {item.seq: item for item in items}
        self._apply_in_order(feed)
        if feed.early and feed.timer is None:
            feed.timer = self.loop.call_later(PATIENCE_SECONDS, self._heal, feed)

    def _heard(self, organization_id: int, epoch: str, seq: int, items: list[News]) -> None:
        """From another process; without items it only says how far the log is."""
        self.accept(organization_id, epoch, items)
        feed = self._feeds.get(organization_id)
        if feed is not None and not items and feed.position is not None and feed.position < seq:
            self._heal(feed)

    def _overheard(self, message: dict[str, Any]) -> None:
        """No news, but of interest to whoever here shares it with the other processes."""
        feed = self._feeds.get(message["organization_id"])
        hear = feed.hearers.get(message["type"]) if feed is not None else None
        if hear is not None:
            hear(message)

    def _apply_in_order(self, feed: Feed) -> None:
        position = feed.position or 0
        while (item := feed.early.pop(position + 1, None)) is not None:
            position += 1
            feed.apply(item)
        if feed.early:
            feed.early = {seq: item for seq, item in feed.early.items() if seq > position}

    async def _open(self, feed: Feed) -> None:
        # First the group, then the position: what happens in between is heard, and dropped where it is old.
        await self._link.join(feed.organization_id)
        await self._read_position(feed)
        feed.opening = None
        if self._ticking is None:
            self._ticking = self._spawn(self._tick())

    async def _read_position(self, feed: Feed) -> None:
        try:
            head = await in_thread(news.head, feed.organization_id)
        except Exception:
            # Whoever waits here reads the database anyway, and the next tick tries again.
            logger.warning("the log of organization %s cannot be read now", feed.organization_id, exc_info=True)
            return
        feed.epoch, feed.position = head.epoch, head.last_seq
        unplaced, feed.unplaced = feed.unplaced, []
        for epoch, items in unplaced:
            self.accept(feed.organization_id, epoch, items)

    async def _tick(self) -> None:
        """Each second: is a log ahead of what was told? Ends when nobody has listened to anything for a while."""
        try:
            while self._feeds:
                await asyncio.sleep(TICK_SECONDS)
                try:
                    await self._drop_idle()
                    await self._compare()
                    await self._link.mend(list(self._feeds))
                except Exception:
                    # Whatever it was, the next second must find this loop alive.
                    logger.exception("the logs could not be compared")
        finally:
            self._ticking = None

    async def _drop_idle(self) -> None:
        long_ago = time.monotonic() - IDLE_SECONDS
        for feed in list(self._feeds.values()):
            if not feed.users and feed.opening is None and feed.idle_since < long_ago:
                del self._feeds[feed.organization_id]
                await self._link.part(feed.organization_id)

    async def _compare(self) -> None:
        feeds = list(self._feeds.values())
        try:
            heads = await in_thread(news.heads, [feed.organization_id for feed in feeds])
        except Exception:
            logger.warning("the logs cannot be compared now", exc_info=True)
            return
        behind = []
        for feed in feeds:
            head = heads.get(feed.organization_id, news.EMPTY)
            if feed.position is None:
                # Between the two moments anything may have happened.
                feed.unplaced.clear()
                feed.restart(head.epoch, head.last_seq)
            elif feed.position < head.last_seq or feed.epoch != head.epoch:
                behind.append(feed.organization_id)
                self._heal(feed)
        await self._link.missed(behind)

    def _heal(self, feed: Feed) -> None:
        if feed.timer is not None:
            feed.timer.cancel()
            feed.timer = None
        if feed.healing is None and feed.position is not None:
            feed.healing = self._spawn(self._read_log(feed))

    async def _read_log(self, feed: Feed) -> None:
        """Applies what the log has beyond the feed's position."""
        try:
            while await self._read_page(feed):
                pass
        except Exception:
            logger.warning("the log of organization %s cannot be read now", feed.organization_id, exc_info=True)
        finally:
            feed.healing = None

    async def _read_page(self, feed: Feed) -> bool:
        """One page; True while there is more."""
        position = feed.position or 0
        head = await in_thread(news.head, feed.organization_id)
        feed.epoch = feed.epoch or head.epoch
        follows = feed.epoch == head.epoch and head.first_seq <= position + 1
        if not follows or head.last_seq < position or head.last_seq - position > MAX_BEHIND:
            feed.restart(head.epoch, head.last_seq)
            return False
        items = await in_organization(feed.organization_id, news.read, feed.organization_id, position, PAGE)
        # What arrived meanwhile the other way is the same news.
        feed.early = {item.seq: item for item in items} | feed.early
        self._apply_in_order(feed)
        return (feed.position or 0) < head.last_seq and bool(items)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        # In a context of its own: it outlives the request that happened to start it.
        task = self.loop.create_task(work, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}
_lock = threading.Lock()


def get_hub() -> Hub:
    """The hub of the running loop."""
    loop = asyncio.get_running_loop()
    hub = _hubs.get(loop)
    if hub is None:
        with _lock:
            for other in [other for other in _hubs if other.is_closed()]:
                del _hubs[other]
            hub = _hubs[loop] = Hub(loop)
    return hub


def hubs() -> list[Hub]:
    """Every hub of this process; may be asked from any thread."""
    with _lock:
        return [hub for loop, hub in _hubs.items() if not loop.is_closed()]
