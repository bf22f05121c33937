"""How do the processes' hubs tell each other? Groups of the channel layer, where there is a Redis; else not at all.

Nothing here raises for want of Redis: what is not told arrives a second later by comparing the logs.
"""

import asyncio
import contextvars
import hashlib
import logging
import time
import uuid
from collections.abc import Callable
from typing import Any

import orjson
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import connection

from interventions.live.news import News

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 0.5
# After a failure Redis is left alone for so long, so that an outage costs each request nothing.
BREAK_SECONDS = 1.0
# A larger commit is only announced, and the others read it from the log.
MAX_MESSAGE_BYTES = 256 * 1024

# So many times in a row a log was found ahead of what Redis had told: its connection has died without a word.
MAX_MISSES = 3

type Message = dict[str, Any]
type Heard = Callable[[int, str, int, list[News]], None]
type Overheard = Callable[[Message], None]


def group_of(organization_id: int) -> str:
    """Redis keeps the channels of all who use it in one place, whatever database number they name."""
    database = hashlib.sha256(str(connection.settings_dict["NAME"]).encode()).hexdigest()[:12]
    return f"{database}.organization.{organization_id}"


def message_of(organization_id: int, epoch: str, items: list[News]) -> Message:
    """What one process tells the others: how far an organization's log is and, unless it is long, what is new."""
    body = orjson.dumps([[item.event, item.intervention] for item in items])
    return {
        "type": "news",
        "organization_id": organization_id,
        "epoch": epoch,
        "seq": items[-1].seq,
        "items": body if len(body) <= MAX_MESSAGE_BYTES else b"[]",
    }


def channel_layer() -> Any:
    """The layer behind REDIS_URL."""
    return get_channel_layer()


class Breaker:
    """Open for a moment after each failure."""

    def __init__(self) -> None:
        self._until = 0.0

    @property
    def is_open(self) -> bool:
        return time.monotonic() < self._until

    def trip(self, what: str, error: BaseException) -> None:
        logger.warning("Redis: %s failed: %s", what, error or type(error).__name__)
        self._until = time.monotonic() + BREAK_SECONDS


class Link:
    """This loop's membership in the groups of the organizations it serves."""

    def __init__(self, heard: Heard, overheard: Overheard) -> None:
        self._heard = heard
        self._overheard = overheard
        self._breaker = Breaker()
        self._joined: set[int] = set()
        self._misses = 0
        self._channel = f"hub.{uuid.uuid4().hex}"
        self._receiving: asyncio.Task[None] | None = None

    async def join(self, organization_id: int) -> None:
        if not settings.REDIS_URL or self._breaker.is_open:
            return
        if self._receiving is None:
            loop = asyncio.get_running_loop()
            self._receiving = loop.create_task(self._receive(), context=contextvars.Context())
            # Its first step makes the channel known to the layer; only then can it join a group.
            await asyncio.sleep(0)
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await channel_layer().group_add(group_of(organization_id), self._channel)
            self._joined.add(organization_id)
        except Exception as error:
            self._breaker.trip("joining a group", error)

    async def part(self, organization_id: int) -> None:
        if organization_id not in self._joined:
            return
        self._joined.discard(organization_id)
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await channel_layer().group_discard(group_of(organization_id), self._channel)
        except Exception as error:
            self._breaker.trip("leaving a group", error)

    async def mend(self, organization_ids: list[int]) -> None:
        """Joins what could not be joined before."""
        for organization_id in organization_ids:
            if organization_id not in self._joined:
                await self.join(organization_id)

    async def missed(self, organization_ids: list[int]) -> None:
        """These logs were found ahead. Where Redis should have told of it, again and again, it is connected anew."""
        if not self._joined.intersection(organization_ids):
            return
        self._misses += 1
        if self._misses < MAX_MISSES:
            return
        logger.warning("Redis: nothing is heard any more; connecting anew")
        self._misses = 0
        self._joined.clear()
        receiving, self._receiving = self._receiving, None
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await channel_layer().flush()
        except Exception as error:
            self._breaker.trip("connecting anew", error)
        if receiving is not None:
            receiving.cancel()

    async def _receive(self) -> None:
        # Never under a timeout: a `receive` that is cancelled takes its channel out of the layer.
        layer = channel_layer()
        while True:
            try:
                self._hear(await layer.receive(self._channel))
            except Exception as error:
                # Only the first call asks Redis for something; the groups are joined on their own.
                self._breaker.trip("receiving", error)

    def _hear(self, message: Message) -> None:
        self._misses = 0
        if message["type"] != "news":
            self._overheard(message)
            return
        organization_id = message["organization_id"]
        pairs = orjson.loads(message["items"])
        items = [News(organization_id, event, intervention) for event, intervention in pairs]
        self._heard(organization_id, message["epoch"], message["seq"], items)
