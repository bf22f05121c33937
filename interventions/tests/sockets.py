"""A client's end of a socket: speaks to the real application, with a generous patience that no test ever waits out."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import wait
from typing import Any
from urllib.parse import urlencode

import orjson
from asgiref.sync import async_to_sync
from channels.testing import WebsocketCommunicator

from chameleon.asgi import application
from conftest import World
from interventions import actions
from interventions.content import draft_of
from interventions.live import database
from interventions.live.database import in_thread

PATIENCE = 15.0
DRAFT = {"uow_id": "uow-1", "intervention_type": "clarification", "title": "Which vendor is it?"}


def run(test: Callable[[], Awaitable[None]]) -> None:
    """Runs it to its end and what it left to the database's threads too: after the test they may not use it."""
    try:
        async_to_sync(test)()
    finally:
        threads = database.THREADS._max_workers
        together = threading.Barrier(threads)
        wait([database.THREADS.submit(together.wait) for _ in range(threads)])


async def create(world: World, key: str = "agent", **fields: Any) -> str:
    asked = await in_thread(actions.create, world.key(key), draft_of(DRAFT | fields))
    return asked.row.request_id


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.005)


class Client:
    def __init__(
        self, path: str = "/ws/interventions", headers: dict[str, str] | None = None, client: str = "", **query: str
    ) -> None:
        raw = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
        self.socket = WebsocketCommunicator(application, f"{path}?{urlencode(query)}", headers=raw)
        self.socket.scope["client"] = [client, 50000] if client else None
        self.frames: list[dict[str, Any]] = []

    async def open(self) -> "Client":
        accepted, code = await self.socket.connect(timeout=PATIENCE)
        assert accepted, f"refused with {code}"
        return self

    async def handshake(self) -> dict[str, Any]:
        """The server's first word, whatever it is."""
        self.socket.scope["extensions"] = {"websocket.http.response": {}}
        await self.socket.send_input({"type": "websocket.connect"})
        return await self.socket.receive_output(PATIENCE)

    async def say(self, type: str, **fields: Any) -> None:
        await self.socket.send_to(text_data=orjson.dumps({"type": type, **fields}).decode())

    async def ask(self, type: str, **fields: Any) -> dict[str, Any]:
        """The reply; pushes that come before it stay to be read."""
        await self.say(type, id="asked", **fields)
        return await self.frame(lambda frame: frame.get("id") == "asked")

    async def frame(self, wanted: Callable[[dict[str, Any]], bool] = lambda _: True) -> dict[str, Any]:
        """The next frame of this kind; others stay to be read."""
        for frame in self.frames:
            if wanted(frame):
                self.frames.remove(frame)
                return frame
        while True:
            frame = orjson.loads(await self.socket.receive_from(PATIENCE))
            if wanted(frame):
                return frame
            self.frames.append(frame)

    async def push(self) -> dict[str, Any]:
        """The next event pushed."""
        return await self.frame(lambda frame: "seq" in frame)

    async def pushes(self, count: int) -> list[dict[str, Any]]:
        return [await self.push() for _ in range(count)]

    async def closed(self) -> int:
        """The code the server closes with; what comes before it stays to be read."""
        while True:
            message = await self.socket.receive_output(PATIENCE)
            if message["type"] == "websocket.close":
                return message["code"]
            self.frames.append(orjson.loads(message["text"]))

    async def leave(self) -> None:
        await self.socket.disconnect(timeout=PATIENCE)


@contextlib.asynccontextmanager
async def connected(world: World, who: str, path: str = "/ws/interventions") -> AsyncIterator[Client]:
    """A program with the credentials of this pilot or key."""
    token = (await in_thread(world.bearer, who))["Authorization"].removeprefix("Bearer ")
    client = await Client(path, token=token).open()
    try:
        yield client
    finally:
        await client.leave()
