"""What is beneath us goes away and comes back: PostgreSQL and Redis."""

import asyncio
import time

import httpx

from bench.faults.stage import Finding, Stage
from bench.load import Load

RECOVERY_SECONDS = 10.0


async def database_restart(at: Stage, working: Load, found: Finding) -> None:
    """PostgreSQL stops at once, as in a crash, and starts again."""
    at.cluster.stop_database()
    await asyncio.to_thread(at.cluster.start_database)
    await _recovered(at, found)


async def database_away(at: Stage, working: Load, found: Finding) -> None:
    """PostgreSQL is away for ten seconds: 503 with Retry-After, unready but healthy, and back within ten."""
    at.cluster.stop_database()
    await asyncio.sleep(2)
    async with httpx.AsyncClient(timeout=20) as client:
        for address in at.cluster.addresses:
            answer = await client.get(
                f"{address}/api/interventions/pending", headers={"Authorization": f"Bearer {at.key}"}
            )
            ready, health = await client.get(f"{address}/ready"), await client.get(f"{address}/health")
            said = (answer.status_code, "retry-after" in answer.headers, ready.status_code, health.status_code)
            found.figures.append(f"meanwhile {said[0]} (Retry-After: {said[1]}), /ready {said[2]}, /health {said[3]}")
            if said != (503, True, 503, 200):
                found.broken.append(f"I16 without a database a server said {said}")
    await asyncio.sleep(8)
    await asyncio.to_thread(at.cluster.start_database)
    await _recovered(at, found)


async def redis_restart(at: Stage, working: Load, found: Finding) -> None:
    at.cluster.stop_redis()
    await asyncio.to_thread(at.cluster.start_redis)
    await asyncio.sleep(5)


async def redis_flushed(at: Stage, working: Load, found: Finding) -> None:
    from redis import Redis  # noqa: PLC0415 -- of channels-redis

    Redis.from_url(at.cluster.redis_url).flushall()
    await asyncio.sleep(5)


async def redis_away(at: Stage, working: Load, found: Finding) -> None:
    """For a minute; then decisions go on, and what is told over Redis is read from the log instead."""
    at.cluster.stop_redis()
    before = len(working.journal.of("hear", "ok"))
    began = time.monotonic()
    await asyncio.sleep(60)
    heard = len(working.journal.of("hear", "ok")) - before
    found.figures.append(f"without Redis agents heard {heard} outcomes in {time.monotonic() - began:.0f} s")
    if not heard:
        found.broken.append("I5 without Redis no agent heard anything")
    await asyncio.to_thread(at.cluster.start_redis)


async def _recovered(at: Stage, found: Finding) -> None:
    """Seconds from the database's return until each server answers a question again."""
    began = time.monotonic()
    async with httpx.AsyncClient(timeout=20, headers={"Authorization": f"Bearer {at.key}"}) as client:
        for address in at.cluster.addresses:
            while (await client.get(f"{address}/api/interventions/pending")).status_code != 200:
                await asyncio.sleep(0.05)
    took = time.monotonic() - began
    found.figures.append(f"answers again {took:.1f} s after the database is back")
    if took > RECOVERY_SECONDS:
        found.broken.append(f"I16 it took {took:.1f} s to recover")
