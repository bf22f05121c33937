"""The first page of what is pending, and the figures, by API among ten thousand requests.

The floors read fifty rows, or one, with one statement and answer with the JSON that the database made of them.
"""

import asyncio
from functools import partial

from bench.cluster import Server
from bench.faults.stage import Stage, let_go
from bench.speed.arena import Arena, agent, fill
from bench.speed.closed import Goals, Request, Side, in_turns
from bench.speed.figures import Figure
from bench.speed.wire import Connection

ROWS = 10_000
OPEN = 2_000
READS = {
    "pending": ("/api/interventions/pending", "/page", "10 ms"),
    "metrics": ("/api/interventions/metrics", "/one", "5 ms"),
}


async def measure(arena: Arena) -> list[Figure]:
    at, found = await arena.stage("reads"), []
    with arena.both() as (ours, theirs):
        await _prepare(ours, theirs, at)
        for at_once in (1, 16):
            for name, (path, thin_path, goal) in READS.items():
                mine = Side(ours, lambda: agent(ours, at), partial(_get, path))
                floor = Side(theirs, lambda: Connection(theirs.port, {}), partial(_get, thin_path))
                goals = Goals(p95=goal if at_once == 1 else "")
                found += await in_turns(name, arena.options, mine, floor, at_once, goals)
    return found


def _get(path: str) -> Request:
    return "GET", path, b""


async def _prepare(ours: Server, theirs: Server, at: Stage) -> None:
    """Most of it is over, as where one has been at work for long."""
    await fill(ours, at, [f"old-{number}" for number in range(ROWS - OPEN)], expires_in_seconds=1)
    await fill(ours, at, [f"open-{number}" for number in range(OPEN)], expires_in_seconds=86_400)
    thin = Connection(theirs.port, {})
    for number in range(50):
        await thin.ask("POST", f"/make/row-{at.organization_id}-{number}")
    thin.close()
    await asyncio.sleep(2)
    await asyncio.to_thread(_tidy)


def _tidy() -> None:
    """What autovacuum does within a minute of such a load."""
    from django.db import connection  # noqa: PLC0415 -- the settings are known only now

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE interventions_intervention, interventions_event")
    let_go()
