"""A closed loop of clients, in turns on the product and on its floor: each asks again as soon as it is answered."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.cluster import Server
from bench.speed.arena import Options, computed
from bench.speed.figures import Figure, percentile
from bench.speed.wire import Connection

WARM_UP = 20

type Request = tuple[str, str, bytes]


@dataclass(frozen=True, slots=True)
class Side:
    """Whom to ask as whom, and what next."""

    server: Server
    connect: Callable[[], Connection]
    request: Callable[[], Request]


@dataclass(frozen=True, slots=True)
class Run:
    """Times in ms, answers per second, and ms of the server's process per answer."""

    times: list[float]
    per_second: float
    computed: float


@dataclass(frozen=True, slots=True)
class Goals:
    per_second: str = ""
    p95: str = ""


async def in_turns(what: str, options: Options, ours: Side, theirs: Side, at_once: int, goals: Goals) -> list[Figure]:
    """Who begins changes from round to round: whatever grows or warms up hits both."""
    runs: tuple[list[Run], list[Run]] = ([], [])
    for number in range(options.rounds):
        for turn in (0, 1) if number % 2 else (1, 0):
            runs[turn].append(await run((ours, theirs)[turn], at_once, options.seconds))
    mine, floors = runs

    def figure(name: str, unit: str, of: Callable[[Run], float], goal: str = "") -> Figure:
        return Figure(f"{what}, {at_once} at once: {name}", unit, [*map(of, mine)], [*map(of, floors)], goal)

    return [
        figure("answers", "per s", lambda each: each.per_second, goals.per_second),
        figure("p50", "ms", lambda each: percentile(each.times, 50)),
        figure("p95", "ms", lambda each: percentile(each.times, 95), goals.p95),
        figure("server computed", "ms", lambda each: each.computed),
    ]


async def run(side: Side, at_once: int, seconds: float) -> Run:
    clients = [side.connect() for _ in range(at_once)]
    for number in range(WARM_UP):
        await _timed(clients[number % at_once], side.request)
    times: list[float] = []
    before, began = computed(side.server), time.perf_counter()
    await asyncio.gather(*(_until(began + seconds, client, side.request, times) for client in clients))
    took, spent = time.perf_counter() - began, computed(side.server) - before
    for client in clients:
        client.close()
    return Run(times, len(times) / took, spent / len(times) * 1000)


async def _until(end: float, client: Connection, request: Callable[[], Request], times: list[float]) -> None:
    while time.perf_counter() < end:
        times.append(await _timed(client, request))


async def _timed(client: Connection, request: Callable[[], Request]) -> float:
    method, path, body = request()
    began = time.perf_counter()
    status, answer = await client.ask(method, path, body)
    if status >= 300:
        raise RuntimeError(f"{method} {path} was answered {status}: {answer[:300]!r}")
    return (time.perf_counter() - began) * 1000
