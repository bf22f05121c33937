"""One event to all sockets of one process: from asking for it until the last socket has it.

The floor is `websockets.broadcast` of a text as long, in a process of its own, asked for over one of its sockets.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bench.cluster import Process, Server
from bench.speed import sockets
from bench.speed.arena import PRODUCT, Arena, agent, draft, loop_computed
from bench.speed.figures import Figure
from bench.speed.wire import Listener, close_all, open_all

SOCKETS = 1000
# Between two events: the figures, which follow an event within a second, are through by then.
PAUSE_SECONDS = 2.0
PATIENCE_SECONDS = 60.0


class Count:
    """Hears for all sockets; knows when the last of them has had the frame that contains `mark`."""

    def __init__(self, sockets: int) -> None:
        self._sockets = sockets
        self.size = 0
        self.expect(b"\0")

    def expect(self, mark: bytes) -> None:
        self._mark, self._left = mark, self._sockets
        self.first = self.last = 0.0
        self._all = asyncio.Event()

    def hear(self, payload: bytes) -> None:
        if self._mark not in payload:
            return
        self.first = self.first or time.perf_counter()
        self._left -= 1
        if self._left == 0:
            self.last, self.size = time.perf_counter(), len(payload)
            self._all.set()

    async def heard(self) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._all.wait()


@dataclass(frozen=True, slots=True)
class Told:
    """Of one event: ms until the first and until the last socket had it, and ms that the server's loop computed."""

    first: float
    last: float
    computed: float


async def measure(arena: Arena) -> list[Figure]:
    number, at = arena.options.sockets or SOCKETS, await arena.stage("fan-out")
    ours, theirs = Count(number), Count(number)
    with arena.serve(PRODUCT) as server, arena.plain() as (plain, port):
        programs = [sockets.program(at, ours.hear) for _ in range(number)]
        others = [sockets.bare(theirs.hear) for _ in range(number)]
        await _subscribe(server, programs, ours)
        await open_all(port, others)
        teller = await sockets.bare().open(port)
        asking = agent(server, at)

        async def ask(name: str) -> None:
            await asking.ask("POST", "/api/interventions", draft(name))

        async def tell(name: str) -> None:
            teller.say(f'{{"request_id":"{name}"'.encode().ljust(ours.size))

        mine, floors = [], []
        for round_ in range(arena.options.rounds + 1):
            mine.append(await _one(server, ours, ask, f"event-{round_}."))
            floors.append(await _one(plain, theirs, tell, f"event-{round_}."))
        close_all([*programs, *others, teller])
    return _figures(f"one event of {ours.size} bytes to {number} sockets", mine[1:], floors[1:])


async def _subscribe(server: Server, programs: list[Listener], count: Count) -> None:
    await open_all(server.port, programs)
    count.expect(b'"subscribed"')
    for each in programs:
        each.say(sockets.SUBSCRIBE)
    await count.heard()


async def _one(server: Process, count: Count, begin: Callable[[str], Awaitable[None]], name: str) -> Told:
    await asyncio.sleep(PAUSE_SECONDS)
    count.expect(f'"{name}"'.encode())
    spent, began = loop_computed(server), time.perf_counter()
    await begin(name)
    await count.heard()
    return Told((count.first - began) * 1000, (count.last - began) * 1000, (loop_computed(server) - spent) * 1000)


def _figures(what: str, mine: list[Told], floors: list[Told]) -> list[Figure]:
    def figure(name: str, of: Callable[[Told], float], goal: str = "") -> Figure:
        return Figure(f"{what}: {name}", "ms", [*map(of, mine)], [*map(of, floors)], goal)

    return [
        figure("until the last", lambda each: each.last, "≤ 2 × the floor"),
        figure("from the first to the last", lambda each: each.last - each.first),
        figure("the loop computed", lambda each: each.computed),
    ]
