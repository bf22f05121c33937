"""A program that follows an organization's log over a socket, and after each loss of it goes on where it was."""

import asyncio
import itertools
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import orjson
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from interventions.simulation.client import is_local
from interventions.validation.line import BEHIND_PROXY

# Between a lost socket and the next: random, so that not all come at once.
PAUSES = (0.05, 0.15)
OPEN_SECONDS = 5


@dataclass
class Follower:
    """`position` None: it begins where the log ends when it first comes."""

    addresses: Sequence[str]
    token: str
    position: int | None = 0
    epoch: str = ""
    connections: int = 0

    async def run(self) -> None:
        """Until it is cancelled."""
        for address in itertools.cycle(self.addresses):
            with suppress(OSError, WebSocketException):
                await self._follow(address)
            await asyncio.sleep(random.uniform(*PAUSES))  # noqa: S311 -- no secret

    async def _follow(self, address: str) -> None:
        headers = BEHIND_PROXY | {"Authorization": f"Bearer {self.token}"}
        async with connect(
            f"{address.replace('http', 'ws', 1)}/ws",
            additional_headers=headers,
            open_timeout=OPEN_SECONDS,
            max_size=None,
            proxy=None if is_local(address) else True,
        ) as socket:
            self.connections += 1
            place = {} if self.position is None else {"since": self.position}
            await socket.send(
                orjson.dumps({"type": "subscribe"} | place | ({"epoch": self.epoch} if self.epoch else {})).decode()
            )
            async for text in socket:
                self.take(orjson.loads(text))

    def take(self, frame: dict[str, Any]) -> None:
        """Notes where it is; whoever wants to know more of a frame overrides this."""
        if frame["type"] == "subscribed":
            self.epoch = frame["data"]["epoch"]
            if self.position is None:
                self.position = frame["data"]["seq"]
        elif frame["type"] == "resync":
            self.position, self.epoch = frame["data"]["seq"], frame["data"]["epoch"]
        elif "seq" in frame:
            self.position = frame["seq"]


@dataclass
class Listener(Follower):
    """Tells when it hears what somebody waits for: a request by its id, and the status that it has come to."""

    position: int | None = None
    # News that came twice or out of order, which nobody should ever see.
    disorder: int = 0
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    _expected: dict[tuple[str, str], "asyncio.Future[float]"] = field(default_factory=dict)

    def expect(self, request_id: str, status: str) -> "asyncio.Future[float]":
        """Resolves to the moment, by the monotonic clock, at which this is heard."""
        return self._expected.setdefault((request_id, status), asyncio.get_running_loop().create_future())

    def forget(self, request_id: str, *statuses: str) -> None:
        for status in statuses:
            future = self._expected.pop((request_id, status), None)
            if future is not None:
                future.cancel()

    def take(self, frame: dict[str, Any]) -> None:
        # A key with limits sees gaps; what came before must not come again.
        if "seq" in frame and self.position is not None and frame["seq"] <= self.position:
            self.disorder += 1
        super().take(frame)
        if frame["type"] == "subscribed":
            self.begun.set()
        elif frame["type"] == "new_request":
            self._hear(frame["data"]["request_id"], "PENDING")
        elif frame["type"] == "status_changed":
            self._hear(frame["data"]["request_id"], frame["data"]["new_status"])

    def _hear(self, request_id: str, status: str) -> None:
        future = self._expected.get((request_id, status))
        if future is not None and not future.done():
            future.set_result(monotonic())
