"""How long from an agent's question to the open pages, and from a pilot's decision to the agent that waits?

A steady stream of interventions, come what may: an agent asks and then waits in a long poll, half a second later a
pilot decides. Pages are open all the while, some of them here to take the time, the rest in a process of its own.
The floor does the same work through one row and the memory of one process.
"""

import asyncio
import itertools
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import orjson

from bench.cluster import ROOT, Server
from bench.faults.stage import Stage
from bench.speed import sockets
from bench.speed.arena import Arena, agent, computed, draft, pilot
from bench.speed.figures import Figure, percentile
from bench.speed.wire import Connection, Listener, close_all, open_all

PAGES = 200
# Spread over the order in which the server tells them, since a set has none.
TIMED_PAGES = 8
DECIDED_AFTER_SECONDS = 0.5
WARM_UP_SECONDS = 2.0
# Less than an agent waits in one long poll.
PATIENCE_SECONDS = 55.0


@dataclass(frozen=True, slots=True)
class Side:
    """One that is asked: its addresses, its clients, its pages."""

    server: Server
    ask: Callable[[str], tuple[str, bytes]]
    wait: Callable[[str], str]
    decide: Callable[[str], str]
    agent: Callable[[], Connection]
    pilot: Callable[[], Connection]
    path: str
    headers: dict[str, str]


@dataclass(slots=True)
class Times:
    """In ms; `asked` and `decided` are the moments a page and an agent are awaited from."""

    shown: list[float] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)
    asked: dict[str, float] = field(default_factory=dict)
    decided: dict[str, float] = field(default_factory=dict)


async def measure(arena: Arena) -> list[Figure]:
    pages = arena.options.sockets or PAGES
    runs: tuple[list[Times], list[Times]] = ([], [])
    busy: tuple[list[float], list[float]] = ([], [])
    at = await arena.stage("latency")
    with arena.both() as (ours, theirs):
        sides = (await asyncio.to_thread(_product, ours, at), _floor(theirs))
        for number in range(arena.options.rounds):
            for turn in (0, 1) if number % 2 else (1, 0):
                times, computing = await _run(sides[turn], arena, pages, f"l{number}-{turn}")
                runs[turn].append(times)
                busy[turn].append(computing)
    what = f"{arena.options.rate:.0f} a second, {pages} pages open"
    p99 = "50 ms" if pages <= PAGES else "150 ms"
    return [
        *_figures(
            f"{what}: asked → on a page", [each.shown for each in runs[0]], [each.shown for each in runs[1]], p99
        ),
        *_figures(
            f"{what}: decided → agent", [each.answered for each in runs[0]], [each.answered for each in runs[1]], p99
        ),
        Figure(f"{what}: the server is busy", "%", *busy),
    ]


def _figures(what: str, mine: list[list[float]], floors: list[list[float]], p99: str) -> Iterator[Figure]:
    for of_hundred, goal in ((50, "10 ms"), (99, p99)):
        yield Figure(
            f"{what}, p{of_hundred}",
            "ms",
            [percentile(each, of_hundred) for each in mine],
            [percentile(each, of_hundred) for each in floors],
            goal,
        )


def _product(server: Server, at: Stage) -> Side:
    console = sockets.Console(server, at)
    return Side(
        server,
        ask=lambda name: ("/api/interventions", draft(name)),
        wait=lambda name: f"/api/interventions/{name}/decision?wait=60",
        decide=lambda name: f"/api/interventions/{name}/approve",
        agent=lambda: agent(server, at),
        pilot=lambda: pilot(server, at),
        path=console.path,
        headers=console.headers,
    )


def _floor(server: Server) -> Side:
    def connect() -> Connection:
        return Connection(server.port, {})

    return Side(
        server,
        ask=lambda name: (f"/make/{name}", b""),
        wait=lambda name: f"/wait/{name}",
        decide=lambda name: f"/decide/{name}",
        agent=connect,
        pilot=connect,
        path="/",
        headers={},
    )


async def _run(side: Side, arena: Arena, pages: int, name: str) -> tuple[Times, float]:
    """The times, and how many hundredths of one core the server needed."""
    times, options = Times(), arena.options
    timed = [Listener(side.path, side.headers, lambda payload: _hear(times, payload)) for _ in range(TIMED_PAGES)]
    async with _crowd(side, pages - TIMED_PAGES):
        await open_all(side.server.port, timed)
        await _stream(side, times, f"{name}-warm", options.rate, WARM_UP_SECONDS)
        times.shown.clear()
        times.answered.clear()
        spent, began = computed(side.server), time.perf_counter()
        await _stream(side, times, name, options.rate, options.seconds)
        busy = (computed(side.server) - spent) / (time.perf_counter() - began) * 100
        if lost := sum(1 for each in timed if each.closed):
            raise RuntimeError(f"{lost} of the pages were closed")
        close_all(timed)
    return times, busy


def _hear(times: Times, payload: bytes) -> None:
    heard = time.perf_counter()
    if b'"created"' in payload or b'"new_request"' in payload:
        began = times.asked.get(orjson.loads(payload).get("request_id", ""))
        if began is not None:
            times.shown.append((heard - began) * 1000)


async def _stream(side: Side, times: Times, name: str, rate: float, seconds: float) -> None:
    """Begins one every 1/rate seconds, however long the ones before take; returns when all are answered."""
    idle: list[tuple[Connection, Connection]] = []
    began, running = time.perf_counter(), []
    for number in itertools.takewhile(lambda number: number < rate * seconds, itertools.count()):
        await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
        running.append(asyncio.create_task(_one(side, times, f"{name}-{number}", idle)))
    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.gather(*running)
    for pair in idle:
        for each in pair:
            each.close()


async def _one(side: Side, times: Times, name: str, idle: list[tuple[Connection, Connection]]) -> None:
    asking, deciding = idle.pop() if idle else (side.agent(), side.pilot())
    path, body = side.ask(name)
    times.asked[name] = time.perf_counter()
    _expect(await asking.ask("POST", path, body))
    answer = asyncio.create_task(asking.ask("GET", side.wait(name)))
    await asyncio.sleep(DECIDED_AFTER_SECONDS)
    began = time.perf_counter()
    decision = asyncio.create_task(deciding.ask("POST", side.decide(name)))
    _expect(await answer)
    times.answered.append((time.perf_counter() - began) * 1000)
    _expect(await decision)
    idle.append((asking, deciding))


def _expect(answer: tuple[int, bytes]) -> None:
    status, body = answer
    if status >= 300:
        raise RuntimeError(f"answered {status}: {body[:300]!r}")


@asynccontextmanager
async def _crowd(side: Side, pages: int) -> AsyncIterator[None]:
    """Open pages that only read what they are sent."""
    given = orjson.dumps({"port": side.server.port, "path": side.path, "headers": side.headers, "number": pages})
    crowd = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.speed.crowd",
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert crowd.stdin is not None  # noqa: S101 -- asked for
    assert crowd.stdout is not None  # noqa: S101
    try:
        crowd.stdin.write(given + b"\n")
        if await crowd.stdout.readline() != b"open\n":
            raise RuntimeError("the pages could not be opened")
        yield
        crowd.stdin.write(b"end\n")
        if lost := int(await crowd.stdout.readline() or b"-1"):
            raise RuntimeError(f"{lost} of the pages were closed")
    finally:
        if crowd.returncode is None:
            crowd.kill()
        await crowd.wait()
