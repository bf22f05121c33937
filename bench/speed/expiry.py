"""Ten thousand requests due in the same second: how late is each marked?

The floor is what the database alone needs: one UPDATE of as many rows and one INSERT of as many events.
"""

import asyncio
import time

import psycopg

from bench.cluster import Server
from bench.faults.races import DUE_AT_ONCE, lateness
from bench.faults.stage import Stage, let_go
from bench.speed import statements
from bench.speed.arena import PRODUCT, Arena, fill
from bench.speed.figures import Figure

# Long enough to ask for all of them before they are due.
AHEAD_SECONDS = 45.0
GRACE_SECONDS = 10.0
BATCH = 500
FILL = (
    f"INSERT INTO {statements.TABLE} (request_id, status) SELECT 'due-' || n, 'PENDING' FROM generate_series(1, %s) n"  # noqa: S608
)
EXPIRE = f"""
    WITH expired AS (UPDATE {statements.TABLE} SET status = 'EXPIRED', updated_at = now() WHERE status = 'PENDING'
        RETURNING request_id)
    INSERT INTO {statements.TABLE} (request_id, uow_id, status, context)
    SELECT 'event-' || request_id, 'expired', 'DONE', '{{"old_status": "PENDING"}}' FROM expired"""  # noqa: S608


async def measure(arena: Arena) -> list[Figure]:
    medians, lasts, floors = [], [], []
    with arena.serve(PRODUCT) as server:
        for _ in range(arena.options.rounds):
            late = await _together(server, await arena.stage("expiry"))
            medians.append(sorted(late)[len(late) // 2])
            lasts.append(max(late))
            floors.append(await asyncio.to_thread(_alone, arena.database_url))
    what = f"{DUE_AT_ONCE} due at once: after the deadline,"
    return [
        Figure(f"{what} the last", "s", lasts, floors, "≤ 1 s"),
        Figure(f"{what} the middle one", "s", medians, floors),
    ]


async def _together(server: Server, at: Stage) -> list[float]:
    """Seconds from each one's deadline to the record of its expiry."""
    due = time.time() + AHEAD_SECONDS
    for first in range(0, DUE_AT_ONCE, BATCH):
        ids = [f"due-{number}" for number in range(first, first + BATCH)]
        await fill(server, at, ids, expires_in_seconds=max(2, round(due - time.time())))
    await asyncio.sleep(max(0.0, due - time.time()) + GRACE_SECONDS)
    late = await asyncio.to_thread(lateness, at.organization_id)
    await asyncio.to_thread(let_go)
    if len(late) != DUE_AT_ONCE:
        raise RuntimeError(f"{DUE_AT_ONCE - len(late)} of {DUE_AT_ONCE} have not expired")
    return late


def _alone(url: str) -> float:
    """Seconds."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"TRUNCATE {statements.TABLE}")
        connection.execute(FILL, [DUE_AT_ONCE])
        began = time.perf_counter()
        connection.execute(EXPIRE)
        return time.perf_counter() - began
