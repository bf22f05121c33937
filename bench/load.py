"""Agents, pilots and followers at work on a cluster, each as a well-written client does: what was not answered is asked
again until it is, at whichever server answers.
"""

import asyncio
import itertools
import random
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from bench.journal import Journal, Operation
from interventions.validation.following import Follower as Following

AGAIN_SECONDS = 0.1
ANSWER_SECONDS = 10.0


class Door:
    """HTTP to whichever server answers, as through a proxy that tries the next one."""

    def __init__(self, addresses: Sequence[str], bearer: str) -> None:
        self._client = httpx.AsyncClient(headers={"Authorization": f"Bearer {bearer}"}, timeout=ANSWER_SECONDS)
        self._addresses = itertools.cycle(addresses)
        self._address = next(self._addresses)

    async def ask(self, method: str, path: str, body: Any = None, timeout: float = ANSWER_SECONDS) -> httpx.Response:
        """One try. Raises httpx.HTTPError where there is no answer; the next one goes to another server."""
        try:
            return await self._client.request(method, f"{self._address}{path}", json=body, timeout=timeout)
        except httpx.HTTPError:
            self._address = next(self._addresses)
            raise

    def turn(self) -> None:
        self._address = next(self._addresses)

    async def close(self) -> None:
        await self._client.aclose()


async def until_known(door: Door, operation: Operation, path: str, *, by: float) -> None:
    """Asks until the answer is a definite one, or `by` (monotonic seconds) has passed; then it stays unknown."""
    operation.end("unknown")
    while time.monotonic() < by:
        with suppress(httpx.HTTPError):
            answer = await door.ask("POST", path, operation.asked)
            if answer.status_code < 500 and answer.status_code != 429:
                operation.end(
                    "ok" if answer.is_success else "refused", answer.status_code, orjson.loads(answer.content)
                )
                return
            door.turn()
        await asyncio.sleep(AGAIN_SECONDS)


@dataclass
class Follower(Following):
    """Follows the log from the beginning; notes what each request has come to, and what does not follow."""

    states: dict[str, str] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    times: dict[int, float] = field(default_factory=dict)

    def take(self, frame: dict[str, Any]) -> None:
        if frame["type"] == "resync":
            self.complaints.append(f"told to fetch anew at {self.position}")
        elif "seq" in frame:
            if self.position is None or frame["seq"] != self.position + 1:
                self.complaints.append(f"{frame['seq']} came after {self.position}")
            self.times[frame["seq"]] = time.monotonic()
            self._note(frame["type"], frame["data"])
        super().take(frame)

    def _note(self, kind: str, data: dict[str, Any]) -> None:
        if kind == "new_request":
            self.states[data["request_id"]] = data["status"]
        elif kind == "status_changed":
            self.states[data["request_id"]] = data["new_status"]
        elif kind == "action_completed":
            self.states[data["request_id"]] = "COMPLETED"


class Load:
    """Agents that ask and wait, pilots that decide what is open, and followers, until the block ends."""

    def __init__(
        self, addresses: Sequence[str], key: str, pilots: dict[str, str], *, agents: int = 8, pause: float = 0.2
    ) -> None:
        self.journal = Journal()
        self._addresses, self._key, self._pilots = addresses, key, pilots
        self._agents, self._pause = agents, pause
        self.followers = [Follower(addresses, key) for _ in range(2)]
        self._tasks: list[asyncio.Task[None]] = []
        self._deciding: list[asyncio.Task[None]] = []
        self._following: list[asyncio.Task[None]] = []
        self._asking = True
        self._numbers = itertools.count(1)
        self._stack = AsyncExitStack()
        self._name = f"{random.randrange(16**6):06x}"  # noqa: S311 -- a name

    async def __aenter__(self) -> "Load":
        self._following = [asyncio.create_task(each.run()) for each in self.followers]
        self._tasks = [asyncio.create_task(self._agent(self._door(self._key))) for _ in range(self._agents)]
        self._deciding = [
            asyncio.create_task(self._pilot(name, self._door(token))) for name, token in self._pilots.items()
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        tasks = [*self._tasks, *self._deciding, *self._following]
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        await self._stack.aclose()
        for end in ends:
            if isinstance(end, Exception):
                raise end

    def stop_asking(self) -> None:
        self._asking = False

    async def answered(self) -> None:
        """What was asked is decided and heard, or its agent has given up."""
        await asyncio.gather(*self._tasks)

    def _door(self, bearer: str) -> Door:
        door = Door(self._addresses, bearer)
        self._stack.push_async_callback(door.close)
        return door

    async def _agent(self, door: Door) -> None:
        while self._asking:
            number = next(self._numbers)
            request_id = f"load-{self._name}-{number}"
            asked = {"request_id": request_id, "uow_id": f"uow-{number}", "title": f"May {request_id} go on?"}
            operation = self.journal.begin(
                "create", request_id, asked | {"intervention_type": "clarification"}, "key:load"
            )
            await until_known(door, operation, "/api/interventions", by=time.monotonic() + 120)
            if operation.outcome == "ok":
                await self._hear(door, request_id)
            await asyncio.sleep(self._pause)

    async def _hear(self, door: Door, request_id: str) -> None:
        """Waits for the outcome as an agent does, through whatever happens meanwhile."""
        operation = self.journal.begin("hear", request_id, {}, "key:load")
        end = time.monotonic() + 180
        while time.monotonic() < end:
            asked = time.monotonic()
            with suppress(httpx.HTTPError):
                answer = await door.ask("GET", f"/api/interventions/{request_id}/decision?wait=5", timeout=15)
                told = orjson.loads(answer.content) if answer.is_success else {}
                if told.get("status") not in (None, "PENDING", "IN_PROGRESS"):
                    operation.end("ok", answer.status_code, told)
                    return
                # What is open and comes back early was sent away, by a server that drains.
                if not answer.is_success or time.monotonic() - asked < 4:
                    door.turn()
                    await asyncio.sleep(AGAIN_SECONDS)
                continue
            await asyncio.sleep(AGAIN_SECONDS)
        operation.end("unknown")

    async def _pilot(self, name: str, door: Door) -> None:
        while True:
            with suppress(httpx.HTTPError):
                answer = await door.ask("GET", "/api/interventions/pending?limit=100")
                if not answer.is_success:
                    door.turn()
                # What a fault asks besides is the fault's own to decide.
                elif waiting := [each["request_id"] for each in orjson.loads(answer.content) if self._is_ours(each)]:
                    await self._decide(name, door, random.choice(waiting[:5]))  # noqa: S311 -- no secret
                    continue
            await asyncio.sleep(self._pause)

    def _is_ours(self, shown: dict[str, Any]) -> bool:
        return shown["request_id"].startswith(f"load-{self._name}-")

    async def _decide(self, name: str, door: Door, request_id: str) -> None:
        verdict = random.choice(("approve", "reject"))  # noqa: S311 -- no secret
        reason = {"action_reason": f"{verdict} by {name}, {next(self._numbers)}"}
        operation = self.journal.begin(verdict, request_id, reason, name)
        await until_known(door, operation, f"/api/interventions/{request_id}/{verdict}", by=time.monotonic() + 120)
