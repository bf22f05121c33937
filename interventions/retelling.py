"""What do the events of one request make of it? Folded in order, they must give its row."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from interventions import wire
from interventions.lifecycle import FINAL, VERDICTS, EventType, Status, may_follow
from interventions.models import Event, Intervention

# What an event may change; the rest of its data is told only.
TOLD = (
    "status",
    "version",
    "priority",
    "required_role",
    "approvals_required",
    "uow_id",
    "intervention_type",
    "title",
    "content_hash",
    "expires_at",
    "assigned_to",
    "action_timestamp",
    "decided_by",
    "action_reason",
    "response",
    "outcome",
    "approvals",
)
# The status an event of this type must leave behind.
_LEADS_TO = {
    EventType.CREATED: Status.PENDING,
    EventType.CLAIMED: Status.IN_PROGRESS,
    EventType.RELEASED: Status.PENDING,
    EventType.ASSIGNED: Status.PENDING,
    EventType.APPROVED: Status.APPROVED,
    EventType.REJECTED: Status.REJECTED,
    EventType.EXPIRED: Status.EXPIRED,
    EventType.CANCELLED: Status.CANCELLED,
    EventType.COMPLETED: Status.COMPLETED,
}

type Problem = tuple[str, str]


@dataclass(slots=True)
class Told:
    """One request as its events tell it, from its `created` on."""

    request_id: str
    created_at: datetime
    values: dict[str, Any]
    # Each status it came into, and when: what the tallies counted.
    moves: list[tuple[str, datetime]] = field(default_factory=list)
    decided_rows: list[int] = field(default_factory=list)
    claimed_until: datetime | None = None
    updated_at: datetime | None = None
    # A part of the story is gone on purpose: what remains proves nothing about the row.
    erased: bool = False

    @property
    def status(self) -> Status:
        return Status(self.values["status"])

    @property
    def seconds_to_decision(self) -> float:
        decided_at = moment_of(self.values["action_timestamp"])
        return (decided_at - self.created_at).total_seconds() if decided_at else 0.0


def begin(event: Event) -> Told:
    """The story at its `created`."""
    values = dict.fromkeys(TOLD) | {"status": Status.PENDING.value, "approvals": []}
    values |= {key: event.data[key] for key in TOLD if key in event.data}
    told = Told(event.request_id, event.at, values, updated_at=event.at, erased=_is_emptied(event))
    told.moves.append((str(values["status"]), event.at))
    return told


def go_on(told: Told, event: Event) -> Iterator[Problem]:
    """Applies one more event and yields (invariant, problem) for what should not have happened."""
    before, claimed_until, claimant = told.status, told.claimed_until, told.values["assigned_to"]
    if event.type != EventType.DELIVERED:
        told.updated_at = event.at
    told.erased = told.erased or _is_emptied(event)
    if told.erased:
        return
    if event.type in VERDICTS | {EventType.CLAIMED} and not event.data.get("take_over"):
        bound = claimed_until is not None and claimed_until > event.at
        if bound and claimant != event.actor and event.actor_reference != "system":
            yield "I11", f"seq {event.seq}: {event.type} by {event.actor} while {claimant}'s claim lived"
    told.values |= {key: event.data[key] for key in TOLD if key in event.data}
    yield from _check_step(told, event, before)
    if "claimed_until" in event.data:
        told.claimed_until = moment_of(event.data["claimed_until"])
    if told.status != Status.IN_PROGRESS:
        told.claimed_until = None


def differences(told: Told, row: Intervention) -> Iterator[str]:
    """The fields in which the row is not what its events tell."""
    shown = wire.intervention(row) | {"updated_at": row.updated_at, "created_at": row.created_at}
    expected = told.values | {"updated_at": told.updated_at, "created_at": told.created_at}
    for name, value in expected.items():
        if shown[name] != value:
            yield f"{name} is {shown[name]!r}, its events say {value!r}"


def moment_of(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _is_emptied(event: Event) -> bool:
    """What an erasure of a pilot left is still the story, with another name."""
    return not event.salt and not event.data


def _check_step(told: Told, event: Event, before: Status) -> Iterator[Problem]:
    after = told.status
    if _LEADS_TO.get(EventType(event.type), after) != after:
        yield "I12", f"seq {event.seq}: {event.type} left it {after}"
    if after == before:
        return
    told.moves.append((after.value, event.at))
    if not may_follow(before, after):
        yield "I12", f"seq {event.seq}: {before} became {after}"
    if after in FINAL and before not in FINAL:
        yield from _check_decision(told, event)


def _check_decision(told: Told, event: Event) -> Iterator[Problem]:
    deadline = moment_of(told.values["expires_at"])
    late = deadline is not None and event.at >= deadline
    if late != (told.status == Status.EXPIRED):
        yield "I4", f"seq {event.seq}: {event.type} at {event.at}, its deadline was {deadline}"
    if event.decides is None:
        yield "I10", f"seq {event.seq}: {event.type} decides, but is not marked so"
    else:
        told.decided_rows.append(event.decides)
    if len(told.decided_rows) > 1:
        yield "I1", f"seq {event.seq}: decided a second time"
