"""What an idle socket holds in memory, against the least application on the same server that only accepts it."""

import asyncio
import resource
from collections.abc import Callable

from bench.cluster import Server
from bench.speed import sockets
from bench.speed.arena import PRODUCT, Arena, resident
from bench.speed.figures import Figure
from bench.speed.wire import Listener, close_all, open_all

SOCKETS = 2000
# Opened first and not counted: with them comes what a process needs once.
FIRST = 200
SETTLE_SECONDS = 3.0
GOALS = {"daphne": "≤ 35", "uvicorn": "≤ 30"}


async def measure(arena: Arena) -> list[Figure]:
    """A process of its own for each figure: memory that was used once is not given back."""
    number, goal = arena.options.sockets or SOCKETS, GOALS[arena.kind]
    programs, consoles, floors = [], [], []
    for _ in range(arena.options.rounds):
        floors.append(await _least(arena, number))
        programs.append(await _programs(arena, number))
        consoles.append(await _consoles(arena, number))
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return [
        Figure(f"an idle program's socket, subscribed, of {number}", "KB", programs, floors, goal),
        Figure(f"an idle page's socket, of {number}", "KB", consoles, floors, goal),
        Figure(f"open at once in one process (files allowed: {limit})", "sockets", [number + FIRST], goal="10,000"),
    ]


async def _least(arena: Arena, number: int) -> float:
    with arena.serve("bench.speed.least:application") as server:
        return await _grown(server, sockets.bare, number)


async def _programs(arena: Arena, number: int) -> float:
    at = await arena.stage("programs")
    with arena.serve(PRODUCT) as server:
        return await _grown(server, lambda: sockets.program(at), number, say=sockets.SUBSCRIBE)


async def _consoles(arena: Arena, number: int) -> float:
    at = await arena.stage("consoles")
    with arena.serve(PRODUCT) as server:
        console = await asyncio.to_thread(sockets.Console, server, at)
        return await _grown(server, console.listener, number)


async def _grown(server: Server, make: Callable[[], Listener], number: int, say: bytes = b"") -> float:
    """KB that each socket beyond the first ones added."""
    opened = await _open(server, make, FIRST, say)
    before = await asyncio.to_thread(resident, server)
    opened += await _open(server, make, number, say)
    after = await asyncio.to_thread(resident, server)
    lost = sum(1 for each in opened if each.closed)
    close_all(opened)
    if lost:
        raise RuntimeError(f"{lost} of {len(opened)} sockets did not stay open")
    return (after - before) / number / 1024


async def _open(server: Server, make: Callable[[], Listener], number: int, say: bytes) -> list[Listener]:
    made = [make() for _ in range(number)]
    await open_all(server.port, made)
    if say:
        for each in made:
            each.say(say)
    await asyncio.sleep(SETTLE_SECONDS)
    return made
