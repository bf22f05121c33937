"""The steps every verb shares: hold the row, ask the policy, write the change with its event."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from interventions import events, policy, tallies, wire
from interventions.errors import Conflict
from interventions.lifecycle import (
    FINAL,
    VERDICTS,
    VERSIONED,
    EventType,
    Priority,
    Status,
    assignee,
    claim_lives,
    closed,
    may_follow,
)
from interventions.models import Approval, Intervention
from pilots import database
from pilots.caller import Caller
from pilots.errors import NotFound


@dataclass(slots=True)
class Held:
    """An intervention whose row this transaction has locked; `now` is the database's clock after the lock."""

    caller: Caller
    row: Intervention
    now: datetime
    # What every event of this hold tells besides.
    also: dict[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> Status:
        return Status(self.row.status)

    @property
    def claimant(self) -> str | None:
        """Whose claim binds the others at this moment."""
        row = self.row
        return row.assigned_to if claim_lives(row.status, row.claimed_until, self.now) else None

    @property
    def assignee(self) -> str | None:
        """`assigned_to` as it counts at this moment."""
        return assignee(self.row.assigned_to, self.row.claimed_until, self.now)


def hold(caller: Caller, request_id: str, verb: str) -> Held:
    """Locks the caller's intervention and asks the policy. Inside a transaction.

    Raises NotFound where the organization has none of this id, NotAllowed where the caller may not do `verb`.
    """
    # Who may do this to no request at all learns nothing about which ones there are.
    policy.require(caller, verb)
    rows = Intervention.objects.for_caller(caller).select_for_update(of=("self",)).with_approvals()
    row = next(iter(rows.filter(request_id=request_id)), None)
    if row is None:
        raise NotFound(f"There is no intervention {request_id!r} in this organization.")
    policy.require(caller, verb, row.intervention_type, row.required_role)
    return Held(caller, row, database.now())


def require_open(held: Held) -> None:
    """Raises Conflict `expired` or `already_decided` where nothing can be decided or changed any more."""
    row = held.row
    if code := closed(row.status, row.expires_at, held.now):
        raise Conflict.closed(code, row.status, row.decided_by, row)


def require_unclaimed(held: Held) -> None:
    """Raises Conflict `claimed` while another pilot's claim lives."""
    claimant = held.claimant
    if claimant is not None and claimant != held.caller.actor:
        raise Conflict(f"{claimant} has claimed it; take it over if you must.", code="claimed", intervention=held.row)


@dataclass(frozen=True, slots=True)
class Advance:
    """What a change leaves to be appended: its event, and what the tallies learn."""

    entry: events.Entry
    moves: list[tallies.Move]


def write(
    held: Held,
    event_type: EventType,
    changes: dict[str, Any],
    *,
    approvals: list[Approval] | None = None,
    extra: dict[str, Any] | None = None,
) -> Intervention:
    """Writes `changes` where the row is still the one held, and appends the event that tells of them.

    `approvals` is the whole list where it grew; `extra` goes into the event only.
    """
    made = advance(held, event_type, changes, _update, approvals=approvals, extra=extra)
    events.append(held.row.organization_id, [made.entry], made.moves)
    return held.row


def advance(
    held: Held,
    event_type: EventType,
    changes: dict[str, Any],
    keep: Callable[[Intervention, dict[str, Any]], None],
    *,
    approvals: list[Approval] | None = None,
    extra: dict[str, Any] | None = None,
) -> Advance:
    """The change as `write` makes it, its values kept by `keep`, its event not appended yet."""
    row, before = held.row, held.status
    after = Status(changes.get("status", before))
    if after != before and not may_follow(before, after):
        raise Conflict(f"{before} cannot become {after}.", code="illegal_transition", intervention=row)
    if approvals is not None:
        row.keep_approvals(approvals)
    if VERSIONED & changes.keys() or approvals is not None:
        changes["version"] = row.version + 1
    counted_for = tallies.counted_for(row)
    keep(row, changes | {"updated_at": held.now})
    data = as_data(changes) | (extra or {}) | held.also
    if after != before:
        data["old_status"] = before.value
    if approvals is not None:
        data["approvals"] = [wire.approval(item) for item in approvals]
    if event_type in VERDICTS:
        # A decision records what it was made on.
        data["content_hash"] = row.content_hash
    decides = after in FINAL and before not in FINAL
    entry = events.Entry(event_type, row, held.caller, held.now, data, decides)
    return Advance(entry, [] if after == before else [tallies.move_of(row, before, held.now, counted_for)])


def put(row: Intervention, values: dict[str, Any]) -> None:
    """Into the object only."""
    for name, value in values.items():
        setattr(row, name, value)


def _update(row: Intervention, values: dict[str, Any]) -> None:
    # The lock already keeps others out on PostgreSQL; the guard holds on every database.
    guarded = Intervention.objects.for_organization(row.organization_id).filter(
        pk=row.pk, version=row.version, status=row.status
    )
    if not guarded.update(**values):
        raise Conflict("It has just been changed; look again.", code="version_mismatch", intervention=row)
    put(row, values)


def as_data(changes: dict[str, Any]) -> dict[str, Any]:
    """The changed fields as the wire writes them: replaying them over a row of old gives the row of now."""
    data = {}
    for name, value in changes.items():
        if isinstance(value, datetime):
            data[name] = wire.moment(value)
        elif isinstance(value, Status):
            data[name] = value.value
        elif name == "priority":
            data[name] = Priority(value).word
        else:
            data[name] = value
    return data
