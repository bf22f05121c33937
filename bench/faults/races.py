"""Many at the same moment, and clients that were away: one answer for all of them, and the one on record."""

import asyncio
import time
from datetime import datetime
from statistics import median
from typing import Any

import httpx
import orjson

from bench.faults.away import Away
from bench.faults.stage import Finding, Stage
from bench.journal import Operation
from bench.load import Load

PAIRS = 1000
AT_THE_DEADLINE = 1000
# So many at once.
LOT = 10
WITHIN_SECONDS = 0.005
DUE_AT_ONCE = 10_000
BATCH = 500
OFFLINE_SECONDS = (10, 300)


async def offline(at: Stage, working: Load, found: Finding) -> None:
    """One client's network is gone for ten seconds, another's for five minutes; then each goes on where it was."""
    clients_away = [await Away.start(at.cluster, at.key) for _ in OFFLINE_SECONDS]
    await asyncio.sleep(5)
    for seconds, client in zip(OFFLINE_SECONDS, clients_away, strict=True):
        before = await client.cut()
        await asyncio.sleep(seconds)
        head = working.followers[0].position or 0
        back = await client.mend(head)
        found.figures.append(
            f"offline {seconds} s ({head - before} events, {back.heard} of them heard): level after {back.took:.1f} s"
        )
        found.broken += [f"I7 {complaint}" for complaint in back.complaints]
        if back.position < head or back.took > 5:
            found.broken.append(f"I8 offline for {seconds} s: not level after {back.took:.1f} s")
        await client.end()


async def same_create(at: Stage, working: Load, found: Finding) -> None:
    """The same create fifty times at once, at all servers: one is made, and all get it."""
    draft = {"request_id": "same", "uow_id": "same", "title": "The same", "intervention_type": "resume"}
    async with clients(at, at.key) as doors:
        asked = [doors[n % len(doors)].post("/api/interventions", json=draft) for n in range(50)]
        answers = await asyncio.gather(*asked)
    codes = sorted(answer.status_code for answer in answers)
    found.figures.append(f"50 at once: {codes.count(201)} × 201, {codes.count(200)} × 200")
    if codes != [200] * 49 + [201] or len({answer.json()["created_at"] for answer in answers}) != 1:
        found.broken.append(f"I6 fifty equal creates were answered {codes}")


async def pairs(at: Stage, working: Load, found: Finding) -> None:
    """Two pilots decide the same request at the same moment, at two servers, a thousand times."""
    await ask_for(at, [f"pair-{n}" for n in range(PAIRS)], expires_in_seconds=3600)
    winners = {"approve": 0, "reject": 0}
    (one, first), (other, second) = list(at.pilots.items())[:2]
    async with clients(at, first) as ours, clients(at, second) as theirs:
        for number in range(PAIRS):
            request_id = f"pair-{number}"
            both = await asyncio.gather(
                decide(working, ours[0], one, request_id, "approve"),
                decide(working, theirs[1], other, request_id, "reject"),
            )
            won = [each for each in both if each.outcome == "ok"]
            lost = [each for each in both if each.status == 409]
            if len(won) != 1 or len(lost) != 1 or lost[0].told["intervention"]["decided_by"] != won[0].by:
                found.broken.append(f"I1 {request_id}: {[(each.status, each.told.get('code')) for each in both]}")
            for each in won:
                winners[each.kind] += 1
    found.figures.append(
        f"{PAIRS} pairs: {winners['approve']} approved, {winners['reject']} rejected, the other told so each time"
    )


async def at_the_deadline(at: Stage, working: Load, found: Finding) -> None:
    """Decisions fired within five milliseconds of `expires_at`, a thousand of them.

    So much earlier as they take on their way that about half of them are in time.
    """
    name, token = next(iter(at.pilots.items()))
    in_time = late = 0
    lead = 0.01
    async with clients(at, token) as doors:
        for lot in range(AT_THE_DEADLINE // LOT):
            ids = [f"deadline-{lot}-{n}" for n in range(LOT)]
            deadlines = await ask_for(at, ids, expires_in_seconds=1)
            fired = [
                _fire(
                    working,
                    doors[n % len(doors)],
                    name,
                    request_id,
                    deadlines[request_id],
                    (n / LOT * 2 - 1) * WITHIN_SECONDS - lead,
                )
                for n, request_id in enumerate(ids)
            ]
            answered = await asyncio.gather(*fired)
            lead += 0.002 if sum(each.outcome == "ok" for each in answered) < LOT / 2 else -0.002
            for each in answered:
                in_time += each.outcome == "ok"
                late += each.status == 409 and each.told["code"] == "expired"
                if each.outcome == "ok" and each.told["action_timestamp"] >= each.told["expires_at"]:
                    found.broken.append(f"I4 {each.request_id}: decided at {each.told['action_timestamp']}")
                if each.outcome != "ok" and each.told.get("code") != "expired":
                    found.broken.append(f"I4 {each.request_id}: {each.status} {each.told.get('code')}")
    found.figures.append(
        f"{AT_THE_DEADLINE} within 5 ms of the deadline: {in_time} in time, {late} told that it is over"
    )


async def due_at_once(at: Stage, working: Load, found: Finding) -> None:
    """Ten thousand requests due in the same second."""
    due = time.time() + 45
    for first in range(0, DUE_AT_ONCE, BATCH):
        ids = [f"due-{n}" for n in range(first, first + BATCH)]
        await ask_for(at, ids, expires_in_seconds=max(2, round(due - time.time())))
    await asyncio.sleep(max(0.0, due - time.time()) + 5)
    late = await asyncio.to_thread(lateness, at.organization_id)
    found.figures.append(
        f"{len(late)} expired; after their deadline: median {median(late):.2f} s, last {max(late):.2f} s"
    )
    if len(late) != DUE_AT_ONCE:
        found.broken.append(f"I16 {DUE_AT_ONCE - len(late)} of {DUE_AT_ONCE} have not expired")


def lateness(organization_id: int) -> list[float]:
    """Seconds from each one's deadline to the record of its expiry."""
    from interventions.models import Event, Intervention  # noqa: PLC0415

    deadlines = dict(
        Intervention.objects.for_organization(organization_id)
        .filter(request_id__startswith="due-", status="EXPIRED")
        .values_list("request_id", "expires_at")
    )
    events = Event.objects.for_organization(organization_id).filter(type="expired", request_id__in=deadlines)
    return [
        (moment - deadlines[request_id]).total_seconds()
        for request_id, moment in events.values_list("request_id", "at")
    ]


async def _fire(
    working: Load, door: httpx.AsyncClient, name: str, request_id: str, deadline: datetime, off: float
) -> Operation:
    await asyncio.sleep(max(0.0, deadline.timestamp() + off - time.time()))
    return await decide(working, door, name, request_id, "approve")


async def decide(working: Load, door: httpx.AsyncClient, name: str, request_id: str, verdict: str) -> Operation:
    operation = working.journal.begin(verdict, request_id, {"action_reason": f"{verdict} by {name}"}, name)
    answer = await door.post(f"/api/interventions/{request_id}/{verdict}", json=operation.asked)
    operation.end("ok" if answer.is_success else "refused", answer.status_code, orjson.loads(answer.content))
    return operation


async def ask_for(at: Stage, ids: list[str], **fields: Any) -> dict[str, datetime]:
    """Requests of these ids; their deadlines."""
    found = {}
    async with clients(at, at.key) as doors:
        for first in range(0, len(ids), BATCH):
            drafts = [
                {"request_id": each, "uow_id": "many", "title": each, "intervention_type": "resume"} | fields
                for each in ids[first : first + BATCH]
            ]
            answer = await doors[0].post("/api/interventions/batch", json={"interventions": drafts})
            answer.raise_for_status()
            for each in answer.json()["results"]:
                found[each["request_id"]] = datetime.fromisoformat(each["expires_at"])
    return found


class clients:
    """One HTTP client for each server, with these credentials."""

    def __init__(self, at: Stage, bearer: str) -> None:
        headers = {"Authorization": f"Bearer {bearer}"}
        self._clients = [httpx.AsyncClient(base_url=each, headers=headers, timeout=60) for each in at.cluster.addresses]

    async def __aenter__(self) -> list[httpx.AsyncClient]:
        return self._clients

    async def __aexit__(self, *_: object) -> None:
        for each in self._clients:
            await each.aclose()
