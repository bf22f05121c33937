"""The steps every verb shares: hold the row, ask the policy, write the change with its event."""

from dataclasses import dataclass
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
    claim_lives,
    is_past,
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
        """`assigned_to` as it counts: a lapsed claim clears it, whether or not a sweep has passed."""
        row = self.row
        lapsed = row.claimed_until is not None and row.claimed_until <= self.now
        return None if lapsed else row.assigned_to


def hold(caller: Caller, request_id: str, verb: str) -> Held:
    """Locks the caller's intervention and asks the policy. Inside a transaction.

    Raises NotFound where the organization has none of this id, NotAllowed where the caller may not do `verb`.
    """
    # Who may do this to no request at all learns nothing about which ones there are.
    policy.require(caller, verb)
    rows = Intervention.objects.for_caller(caller).select_for_update(of=("self",)).with_approvals()
    row = rows.filter(request_id=request_id).first()
    if row is None:
        raise NotFound(f"There is no intervention {request_id!r} in this organization.")
    policy.require(caller, verb, row.intervention_type, row.required_role)
    return Held(caller, row, database.now())


def require_open(held: Held) -> None:
    """Raises Conflict `expired` or `already_decided` where nothing can be decided or changed any more."""
    row = held.row
    if held.status == Status.EXPIRED or (held.status not in FINAL and is_past(row.expires_at, held.now)):
        raise Conflict("The time to decide has run out; ask anew.", code="expired", intervention=row)
    if held.status in FINAL:
        by = f" by {row.decided_by}" if row.decided_by else ""
        raise Conflict(f"It was already {row.status.lower()}{by}.", code="already_decided", intervention=row)


def require_unclaimed(held: Held) -> None:
    """Raises Conflict `claimed` while another pilot's claim lives."""
    claimant = held.claimant
    if claimant is not None and claimant != held.caller.actor:
        raise Conflict(f"{claimant} has claimed it; take it over if you must.", code="claimed", intervention=held.row)


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
    row, before = held.row, held.status
    after = Status(changes.get("status", before))
    if after != before and not may_follow(before, after):
        raise Conflict(f"{before} cannot become {after}.", code="illegal_transition", intervention=row)
    if approvals is not None:
        set_approvals(row, approvals)
    if VERSIONED & changes.keys() or approvals is not None:
        changes["version"] = row.version + 1
    _update(row, changes | {"updated_at": held.now})
    data = as_data(changes) | (extra or {})
    if after != before:
        data["old_status"] = before.value
    if approvals is not None:
        data["approvals"] = [wire.approval(item) for item in approvals]
    if event_type in VERDICTS:
        # A decision records what it was made on.
        data["content_hash"] = row.content_hash
    decides = after in FINAL and before not in FINAL
    entry = events.Entry(event_type, row, held.caller, held.now, data, decides)
    events.append(row.organization_id, [entry], [] if after == before else [move_of(row, before, held.now)])
    return row


def move_of(row: Intervention, before: str | None, at: datetime) -> tallies.Move:
    """What the tallies learn from `row` having come into its status."""
    timed = row.status in (Status.APPROVED, Status.REJECTED, Status.COMPLETED) and row.action_timestamp
    seconds = (row.action_timestamp - row.created_at).total_seconds() if timed and row.action_timestamp else 0.0
    decided = row.status in (Status.APPROVED, Status.REJECTED)
    pilot_id = (row.assigned_to or row.decided_by) if decided else None
    return tallies.Move(row.intervention_type, row.priority, before, row.status, at, seconds, pilot_id)


def set_approvals(row: Intervention, approvals: list[Approval]) -> None:
    """Lets `row.approvals.all()` answer from memory, as after a prefetch."""
    row._prefetched_objects_cache = {"approvals": approvals}  # type: ignore[attr-defined]


def _update(row: Intervention, values: dict[str, Any]) -> None:
    # The lock already keeps others out on PostgreSQL; the guard holds on every database.
    guarded = Intervention.objects.for_organization(row.organization_id).filter(
        pk=row.pk, version=row.version, status=row.status
    )
    if not guarded.update(**values):
        raise Conflict("It has just been changed; look again.", code="version_mismatch", intervention=row)
    for name, value in values.items():
        setattr(row, name, value)


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
