"""Who is told of a commit, at once? The hubs of this process, and through Redis those of the others.

Through Redis the processes also tell each other what is no commit (`tell_others`).
"""

import asyncio
import contextvars
import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from django.conf import settings

from interventions import wire
from interventions.events import Entry
from interventions.live import layer
from interventions.live.hub import hubs
from interventions.live.news import News

# While Redis is slow no more than this waits to be sent; the other processes read the rest from the log.
MAX_QUEUED = 1000
# Events of one commit, as of a sweep, that are sent as they are.
MAX_TOLD = 100


def publish(organization_id: int, epoch: str, entries: list[Entry], **_: Any) -> None:
    """Hears `events.committed`, in whatever thread committed, which it never keeps waiting."""
    here = hubs()
    loop = here[0].loop if here else _publisher_loop()
    listening = [hub for hub in here if hub.serves(organization_id)]
    to_others = bool(settings.REDIS_URL) and loop is not None
    if not listening and not to_others:
        return
    # What would be too long a message is not made into one: the last event says to the others how far to read.
    told = entries if listening or len(entries) <= MAX_TOLD else entries[-1:]
    items = [
        News(organization_id, wire.event(entry.event), wire.intervention(entry.row)) for entry in told if entry.event
    ]
    for hub in listening:
        hub.hand_over(organization_id, epoch, items)
    if to_others and loop is not None:
        _on(loop, lambda: _courier(loop, "news").send(lambda: layer.message_of(organization_id, epoch, items)))


def tell_others(message: layer.Message) -> None:
    """Sends from the running loop what other processes may miss: nothing here says whether it arrived."""
    if settings.REDIS_URL:
        _courier(asyncio.get_running_loop(), message["type"]).send(lambda: message)


class Courier:
    """Sends to the other processes from one loop, in the order given, and gives up quickly while Redis is away."""

    def __init__(self) -> None:
        self._queue: deque[Callable[[], layer.Message]] = deque(maxlen=MAX_QUEUED)
        self._breaker = layer.Breaker()
        self._sending: asyncio.Task[None] | None = None

    def send(self, make: Callable[[], layer.Message]) -> None:
        """The message is made when its turn comes."""
        if self._breaker.is_open:
            return
        self._queue.append(make)
        if self._sending is None:
            self._sending = asyncio.get_running_loop().create_task(self._drain(), context=contextvars.Context())

    async def _drain(self) -> None:
        try:
            while self._queue:
                message = self._queue.popleft()()
                try:
                    await _group_send(message)
                except Exception:
                    # After a restart of Redis the first use of an old connection fails, and only that.
                    await _group_send(message)
        except Exception as error:
            self._queue.clear()
            self._breaker.trip("telling the other processes", error)
        finally:
            self._sending = None


async def _group_send(message: layer.Message) -> None:
    async with asyncio.timeout(layer.TIMEOUT_SECONDS):
        await layer.channel_layer().group_send(layer.group_of(message["organization_id"]), message)


# For each type of message one: news never waits behind anything else.
_couriers: dict[tuple[asyncio.AbstractEventLoop, str], Courier] = {}


def _courier(loop: asyncio.AbstractEventLoop, kind: str) -> Courier:
    courier = _couriers.get((loop, kind))
    if courier is None:
        for other in [other for other in _couriers if other[0].is_closed()]:
            _couriers.pop(other, None)
        courier = _couriers[loop, kind] = Courier()
    return courier


def _on(loop: asyncio.AbstractEventLoop, send: Callable[[], None]) -> None:
    try:
        loop.call_soon_threadsafe(send)
    except RuntimeError:
        # The loop was closed meanwhile; the other processes find out by themselves.
        return


_publisher: tuple[int, asyncio.AbstractEventLoop] | None = None
_starting = threading.Lock()


def start_publisher() -> None:
    """Gives a process that has no loop of its own one to publish from: a connection to Redis belongs to a loop."""
    global _publisher
    with _starting:
        if not settings.REDIS_URL or _publisher_loop() is not None:
            return
        loop = asyncio.new_event_loop()
        threading.Thread(target=loop.run_forever, name="live-publisher", daemon=True).start()
        _publisher = (os.getpid(), loop)


def _publisher_loop() -> asyncio.AbstractEventLoop | None:
    """A fork does not inherit the thread that runs it."""
    return _publisher[1] if _publisher and _publisher[0] == os.getpid() else None
