"""One server whose clock is ten minutes ahead, then ten minutes behind."""

import asyncio
from datetime import datetime

import httpx

from bench.cluster import Server
from bench.faults.races import clients, decide
from bench.faults.stage import Finding, Stage
from bench.load import Load

SKEW_SECONDS = 600


async def servers_apart(at: Stage, working: Load, found: Finding) -> None:
    for seconds in (SKEW_SECONDS, -SKEW_SECONDS):
        await _apart(at, working, found, seconds)


async def _apart(at: Stage, working: Load, found: Finding, seconds: int) -> None:
    environment = at.cluster.environment | {"CLOCK_SKEW": str(seconds)}
    server = Server("daphne", environment, at.cluster.logs / f"skewed{seconds}", "bench.faults.skewed:application")
    server.start()
    try:
        await asyncio.to_thread(server.wait_until_ready)
        said = await _use(at, working, server.address, seconds)
    finally:
        server.end()
    found.figures.append(f"{seconds:+} s: " + ", ".join(f"{what} {answer}" for what, answer in said.items()))
    wanted = {"create": 201, "deadline off by": "0 s", "decide": "ok", "elsewhere": 200, "late": "expired"}
    if said != wanted:
        found.broken.append(f"I4 a server {seconds} s off answered {said}")


async def _use(at: Stage, working: Load, address: str, seconds: int) -> dict[str, object]:
    """Asks and decides there; what it made is looked at elsewhere."""
    name, token = next(iter(at.pilots.items()))
    draft = {"uow_id": "skew", "title": "When?", "intervention_type": "resume"}
    async with (
        httpx.AsyncClient(base_url=address, headers={"Authorization": f"Bearer {at.key}"}, timeout=20) as agent,
        httpx.AsyncClient(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=20) as pilot,
        clients(at, at.key) as others,
    ):
        made = await agent.post(
            "/api/interventions", json=draft | {"request_id": f"skew{seconds}", "expires_in_seconds": 3600}
        )
        elsewhere = await others[0].post(
            "/api/interventions", json=draft | {"request_id": f"straight{seconds}", "expires_in_seconds": 3600}
        )
        decided = await decide(working, pilot, name, f"skew{seconds}", "approve")
        read = await others[0].get(f"/api/interventions/skew{seconds}")
        await agent.post("/api/interventions", json=draft | {"request_id": f"soon{seconds}", "expires_in_seconds": 1})
        await asyncio.sleep(1.5)
        late = await decide(working, pilot, name, f"soon{seconds}", "approve")
    off = _seconds_between(elsewhere.json()["expires_at"], made.json()["expires_at"])
    return {
        "create": made.status_code,
        "deadline off by": f"{off} s",
        "decide": decided.outcome,
        "elsewhere": read.status_code,
        "late": late.told.get("code"),
    }


def _seconds_between(one: str, other: str) -> int:
    return abs(round((datetime.fromisoformat(one) - datetime.fromisoformat(other)).total_seconds()))
