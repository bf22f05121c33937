"""Holds what clients were told against what the database says, and what followers saw against both."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench.cluster import Cluster
from bench.journal import Journal
from bench.load import Follower

# How soon after a fault every open socket shows what a fresh fetch shows (I8).
SETTLE_SECONDS = 5.0
FINAL = {"approve": "APPROVED", "reject": "REJECTED"}


@dataclass(frozen=True, slots=True)
class Row:
    """One request as the database has it."""

    status: str
    title: str
    outcome: str | None
    decided_by: str | None
    reason: str | None


def rows(organization_id: int) -> dict[str, Row]:
    """By request_id, from the tables themselves."""
    from interventions import wire  # noqa: PLC0415 -- the settings are known only once the cluster is up
    from interventions.models import Intervention  # noqa: PLC0415

    found = Intervention.objects.for_organization(organization_id).with_approvals()
    shown = [wire.intervention(row) for row in found]
    return {each["request_id"]: _row(each) for each in shown}


def _row(shown: dict[str, Any]) -> Row:
    # What was approved and then acted on stays approved.
    outcome = {"COMPLETED": "APPROVED"}.get(shown["status"], shown["status"]) if shown["decided_by"] else None
    return Row(shown["status"], shown["title"], outcome, shown["decided_by"], shown["action_reason"])


def broken(cluster: Cluster, organization_id: int, journal: Journal) -> list[str]:
    """Every broken promise, in words; empty where all were kept."""
    known = rows(organization_id)
    found = [
        *_creates(journal, known),
        *_decisions(journal, known),
        *_phantoms(journal, known),
        *_heard(journal, known),
    ]
    for command in ("check_invariants", "verify_audit"):
        done = cluster.manage(command)
        if done.returncode:
            found.append(f"{command}: {(done.stdout + done.stderr).strip()[-400:]}")
    return found


def _creates(journal: Journal, known: dict[str, Row]) -> Iterator[str]:
    """I6: an acknowledged create is durable."""
    for each in journal.of("create", "ok"):
        row = known.get(each.request_id)
        if row is None or row.title != each.asked["title"]:
            yield f"I6 {each.request_id}: acknowledged, and {'lost' if row is None else 'changed'}"
    for each in journal.of("create", "refused"):
        yield f"I6 {each.request_id}: refused with {each.status}: {each.told.get('detail')}"


def _decisions(journal: Journal, known: dict[str, Row]) -> Iterator[str]:
    """I1, I2: each acknowledged decision is the one on record, and there is one."""
    for verdict, outcome in FINAL.items():
        for each in journal.of(verdict, "ok"):
            row = known.get(each.request_id)
            said = (each.by, each.asked["action_reason"], outcome)
            if row is None or (row.decided_by, row.reason, row.outcome) != said:
                yield f"I2 {each.request_id}: {each.by} was told {outcome}, on record is {row}"


def _phantoms(journal: Journal, known: dict[str, Row]) -> Iterator[str]:
    """I3: each decision on record was asked for."""
    asked = {
        (each.request_id, each.by, each.asked["action_reason"]) for verdict in FINAL for each in journal.of(verdict)
    }
    for request_id, row in known.items():
        if row.outcome and (request_id, row.decided_by, row.reason) not in asked:
            yield f"I3 {request_id}: {row} was asked for by nobody"


def _heard(journal: Journal, known: dict[str, Row]) -> Iterator[str]:
    """I5: the agent learns the outcome, and the one on record."""
    for each in journal.of("hear"):
        row = known.get(each.request_id)
        if each.outcome != "ok":
            yield f"I5 {each.request_id}: its agent never heard; on record is {row}"
        elif row and (each.told["status"], each.told["action_reason"]) != (row.status, row.reason):
            yield f"I5 {each.request_id}: told {each.told['status']}, on record is {row}"


async def settle(organization_id: int, followers: list[Follower]) -> tuple[float, list[str]]:
    """I7, I8: seconds until all show what is on record, and what they do not show after SETTLE_SECONDS."""
    began = time.monotonic()
    while True:
        known = await asyncio.to_thread(_states, organization_id)
        behind = [each for each in followers if each.states != known]
        waited = time.monotonic() - began
        if not behind or waited > SETTLE_SECONDS:
            strange = [f"I8 a follower at {each.position} differs from the record" for each in behind]
            return waited, strange + [f"I7 {complaint}" for each in followers for complaint in each.complaints]
        await asyncio.sleep(0.05)


def _states(organization_id: int) -> dict[str, str]:
    return {request_id: row.status for request_id, row in rows(organization_id).items()}
