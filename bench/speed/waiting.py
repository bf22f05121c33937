"""Two thousand agents wait for a decision: what do they hold, and are all answered though the server restarts?"""

import asyncio
import time
from dataclasses import dataclass

import orjson

from bench.cluster import Server
from bench.faults.stage import Stage
from bench.speed.arena import PRODUCT, Arena, agent, connections, fill, pilot, resident, settled, stop, threads
from bench.speed.figures import Figure
from bench.speed.wire import Connection, Gone

POLLS = 2000
# More than the pool has connections.
POOL = 100
WAIT_SECONDS = 60
AGAIN_SECONDS = 0.2
DECIDED_AT_ONCE = 200
PATIENCE_SECONDS = 180.0
OPEN = ("PENDING", "IN_PROGRESS")


@dataclass(frozen=True, slots=True)
class Round:
    """Threads, connections and bytes with nobody waiting and with all; seconds that the restart, the decisions and all
    answers took; how many were answered."""

    quiet: tuple[int, int, int]
    busy: tuple[int, int, int]
    restarted: float
    decided: float
    ended: float
    answered: int


async def measure(arena: Arena) -> list[Figure]:
    """A process of its own for each round: threads and memory that were used once are not given back."""
    number = arena.options.sockets or POLLS
    rounds = [await _round(arena, number) for _ in range(arena.options.rounds)]
    return [
        *(
            Figure(what, unit, [each.busy[at] for each in rounds], [each.quiet[at] for each in rounds], "unchanged")
            for at, what, unit in (
                (0, f"threads of the server with {number} waiting; floor: none", "threads"),
                (1, "connections of the database; floor: none", "conns"),
            )
        ),
        Figure("memory for each that waits", "KB", [(each.busy[2] - each.quiet[2]) / number / 1024 for each in rounds]),
        Figure("restart of the server under them", "s", [each.restarted for each in rounds]),
        Figure(f"answered after it, of {number}", "answers", [each.answered for each in rounds], goal="all"),
        Figure("from the first decision to the last answer", "s", [each.ended for each in rounds]),
        Figure("of it deciding, 200 at a time", "s", [each.decided for each in rounds]),
    ]


async def _round(arena: Arena, number: int) -> Round:
    at = await arena.stage("waiting")
    ids = [f"waiting-{each}" for each in range(number)]
    with arena.serve(PRODUCT) as server:
        await fill(server, at, ids, expires_in_seconds=86_400)
        await _hurry(server, at, ids[:POOL])
        quiet = await _held(arena, server)
        polls = [asyncio.create_task(_wait(agent(server, at), each)) for each in ids]
        await settled(server)
        busy = await _held(arena, server)
        began = time.perf_counter()
        await asyncio.to_thread(_restart, server)
        restarted = time.perf_counter() - began
        began = time.perf_counter()
        decided = await _decide(pilot(server, at), ids)
        answered = await _answers(polls)
        return Round(quiet, busy, restarted, decided, time.perf_counter() - began, answered)


async def _held(arena: Arena, server: Server) -> tuple[int, int, int]:
    """Threads, connections of the database, and bytes."""
    # Idle connections go back only after a while; what a pool keeps is no cost of waiting.
    await asyncio.sleep(2)
    size = await asyncio.to_thread(resident, server)
    return threads(server), await asyncio.to_thread(connections, arena), size


async def _hurry(server: Server, at: Stage, ids: list[str]) -> None:
    """Fills the pool of connections as any hurry does, so that what comes on top is held by those who wait."""
    hurried = [agent(server, at) for _ in ids]
    for _ in range(3):
        await asyncio.gather(
            *(
                each.ask("GET", f"/api/interventions/{name}/decision?wait=0")
                for each, name in zip(hurried, ids, strict=True)
            )
        )
    for each in hurried:
        each.close()


async def _wait(connection: Connection, request_id: str) -> bool:
    """As an agent does: what was not answered is asked again."""
    while True:
        try:
            path = f"/api/interventions/{request_id}/decision?wait={WAIT_SECONDS}"
            status, body = await connection.ask("GET", path)
        except Gone:
            status, body = 0, b""
        if status == 200 and orjson.loads(body)["status"] not in OPEN:
            connection.close()
            return True
        if status != 200:
            await asyncio.sleep(AGAIN_SECONDS)


def _restart(server: Server) -> None:
    server.end()
    server.start()
    server.wait_until_ready()


async def _decide(connection: Connection, ids: list[str]) -> float:
    """Seconds that it took to approve them all."""
    began = time.perf_counter()
    for first in range(0, len(ids), DECIDED_AT_ONCE):
        body = {"request_ids": ids[first : first + DECIDED_AT_ONCE], "verdict": "approve"}
        status, answer = await connection.ask("POST", "/api/interventions/decide", orjson.dumps(body))
        if status != 200:
            raise RuntimeError(f"deciding was answered {status}: {answer[:300]!r}")
    connection.close()
    return time.perf_counter() - began


async def _answers(polls: "list[asyncio.Task[bool]]") -> int:
    done, waiting = await asyncio.wait(polls, timeout=PATIENCE_SECONDS)
    await stop(list(waiting))
    return sum(each.result() for each in done)
