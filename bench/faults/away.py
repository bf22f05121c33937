"""A client that follows the log through a network that goes away: a process of its own, as clients are, so that what it
has missed does not wait for what the load does meanwhile.

Told over stdin what becomes of its network: `cut`, and `mend HEAD`, answered when it has heard all up to there.
"""

import asyncio
import sys
import time
from asyncio.subprocess import PIPE, Process
from dataclasses import dataclass
from typing import Any, Self

import orjson

from bench import cluster
from bench.cluster import ROOT, Cluster
from bench.load import Follower

# Then it will not come any more.
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Return:
    """`heard`: of the events since its network went, before that came back; then its position, how many seconds that
    took, and what did not follow."""

    heard: int
    position: int
    took: float
    complaints: list[str]


class Away:
    """The client, from the load's side."""

    def __init__(self, process: Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, running: Cluster, key: str) -> Self:
        command = [sys.executable, "-m", "bench.faults.away", running.addresses[0], key]
        return cls(
            await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, cwd=ROOT, env=running.environment)
        )

    async def cut(self) -> int:
        """Its position then."""
        position: int = await self._say("cut")
        return position

    async def mend(self, head: int) -> Return:
        return Return(**await self._say(f"mend {head}"))

    async def end(self) -> None:
        self._process.kill()
        await self._process.wait()

    async def _say(self, words: str) -> Any:
        to, of = self._process.stdin, self._process.stdout
        if to is None or of is None:
            raise RuntimeError("it was started without pipes")
        to.write(f"{words}\n".encode())
        await to.drain()
        return orjson.loads(await of.readline())


async def follow(address: str, key: str) -> None:
    from interventions.tests.processes import Proxy  # noqa: PLC0415 -- the settings are known only now

    proxy = Proxy(address)
    follower = Follower([proxy.url.replace("@", "")], key)
    following = asyncio.create_task(follower.run())
    before = 0
    while words := (await asyncio.to_thread(sys.stdin.readline)).split():
        if words[0] == "cut":
            proxy.cut()
            before = follower.position or 0
            said: object = before
        else:
            said = await _catch_up(proxy, follower, before, int(words[1]))
        print(orjson.dumps(said).decode(), flush=True)
    following.cancel()


async def _catch_up(proxy: Any, follower: Follower, before: int, head: int) -> Return:
    heard, began = (follower.position or 0) - before, time.monotonic()
    proxy.mend()
    while (follower.position or 0) < head and time.monotonic() - began < PATIENCE_SECONDS:
        await asyncio.sleep(0.02)
    return Return(heard, follower.position or 0, time.monotonic() - began, follower.complaints)


if __name__ == "__main__":
    cluster.django()
    asyncio.run(follow(*sys.argv[1:]))
