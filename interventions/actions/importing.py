"""Requests of the program before us are taken over: row, events and figures as if each step had happened here, at its
own time. What the log is told of them says when it was told (docs/decisions/0026)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from django.db import transaction

from interventions import events, tallies, trust, wire
from interventions.actions.change import Held, advance, put, write
from interventions.actions.creating import created_entry, insert_new, new_row
from interventions.actions.trusted import acting_as, carry_out
from interventions.content import Draft
from interventions.entering import entering
from interventions.inserting import inserting
from interventions.lifecycle import FINAL, OPEN, EventType, Status, is_past
from interventions.likeness import differing
from interventions.models import Approval, Intervention
from interventions.trust import Step, Word
from pilots import database
from pilots.caller import Caller
from pilots.database import writing
from pilots.errors import DomainError
from pilots.models import Organization
from pilots.tenancy import speaking_for

# The fields of a request that its status brings along; the others are what was asked.
_STATE = frozenset({"status", "assigned_to", "action_reason", "action_timestamp"})


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request as another program kept it: asked at `created_at`, and in the status of its `word` since `since`.

    `notes` say what of it could not stay as it was. Of an outcome alone (`is_whole` False) nothing is known of what was
    asked, so it is held against no more than the outcome here. `barred` says why it may not begin here, where it is for
    requests only that are here already.
    """

    draft: Draft
    word: Word
    created_at: datetime
    since: datetime
    expires_at: datetime | None = None
    completed_at: datetime | None = None
    notes: tuple[str, ...] = ()
    is_whole: bool = True
    barred: str = ""


class Fate(StrEnum):
    """What became of an arrival."""

    TAKEN = "taken"
    THERE = "already there"
    MOVED = "moved on"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Settled:
    """`reason` says why it was refused."""

    fate: Fate
    reason: str = ""


@dataclass(slots=True)
class _Made:
    """The row that an arrival becomes, and all that is to be told of it; not stored yet."""

    arrival: Arrival
    row: Intervention
    entries: list[events.Entry] = field(default_factory=list)
    moves: list[tallies.Move] = field(default_factory=list)


def take_over(organization: Organization, arrivals: list[Arrival], *, dry_run: bool = False) -> list[Settled]:
    """One transaction: what is new begins, what is open here and has moved on there follows, what agrees stays.

    What was decided here already, or has moved on here, is never overwritten. No two arrivals are of one request.
    Raises Conflict for an arrival that contradicts itself.
    """
    with writing():
        settled = _take_over(organization, arrivals)
        if dry_run:
            transaction.set_rollback(True)
        return settled


def row_of(organization: Organization, arrival: Arrival) -> Intervention:
    """The row that the arrival would become, not stored. Raises Conflict where it contradicts itself."""
    actor = arrival.word.assigned_to or trust.NOBODY
    system = Caller.system(organization)
    return _make_one({trust.NOBODY: system, actor: replace(system, name=actor)}, arrival, arrival.since).row


def _take_over(organization: Organization, arrivals: list[Arrival]) -> list[Settled]:
    now = database.now()
    made = _make(organization, arrivals, now)
    beginning = {one.row.request_id: one.row for one in made if not one.arrival.barred}
    new = insert_new(Caller.system(organization), beginning)
    standing = _lock(organization, [one.row.request_id for one in made if one.row.request_id not in new])
    _tell(organization, [one for one in made if one.row.request_id in new])
    return [
        Settled(Fate.TAKEN)
        if one.row.request_id in new
        else _settle(organization, one, standing.get(one.row.request_id), now)
        for one in made
    ]


def _make(organization: Organization, arrivals: list[Arrival], now: datetime) -> list[_Made]:
    named = {arrival.word.assigned_to or trust.NOBODY for arrival in arrivals}
    callers = acting_as(organization, named | {trust.NOBODY})
    return [_make_one(callers, arrival, now) for arrival in arrivals]


def _make_one(callers: dict[str, Caller], arrival: Arrival, now: datetime) -> _Made:
    system, word = callers[trust.NOBODY], arrival.word
    row = new_row(system, arrival.draft, arrival.created_at)
    row.expires_at = arrival.expires_at
    first = created_entry(system, row)
    first.data |= {events.IMPORTED: wire.moment(now)}
    if arrival.notes:
        first.data["import_notes"] = list(arrival.notes)
    made = _Made(arrival, row, [first], [tallies.move_of(row, None, row.created_at)])
    if word.status == Status.PENDING and word.assigned_to is None:
        if word.reason is not None:
            row.action_reason = first.data["action_reason"] = word.reason
        return made
    caller = callers[word.assigned_to or trust.NOBODY]
    for step in trust.steps(row, word, arrival.since):
        at = arrival.completed_at or arrival.since if step.event_type == EventType.COMPLETED else arrival.since
        _go_on(made, Held(caller, row, at, {events.IMPORTED: wire.moment(now)}), step)
    return made


def _go_on(made: _Made, held: Held, step: Step) -> None:
    row, approvals = held.row, None
    if step.event_type == EventType.APPROVED:
        by, reason = held.caller.actor, made.arrival.word.reason
        owner = row.organization_id
        approvals = [Approval(organization_id=owner, intervention=row, pilot_id=by, at=held.now, action_reason=reason)]
    advanced = advance(held, step.event_type, dict(step.changes), put, approvals=approvals)
    made.entries.append(advanced.entry)
    made.moves += advanced.moves


def _tell(organization: Organization, new: list[_Made]) -> None:
    """Stores what belongs to the new rows, and appends their events."""
    approvals = [approval for one in new for approval in one.row.given_approvals()]
    for approval in approvals:
        # The row has its key only now.
        approval.intervention_id = approval.intervention.pk
    if approvals:
        with speaking_for(organization.pk):
            database.run([inserting(Approval, approvals)])
    entries = [entry for one in new for entry in one.entries]
    moves = [move for one in new for move in one.moves]
    events.append(organization.pk, entries, moves, besides=[entering([one.row for one in new])])


def _lock(organization: Organization, request_ids: list[str]) -> dict[str, Intervention]:
    if not request_ids:
        return {}
    rows = Intervention.objects.for_organization(organization.pk).filter(request_id__in=request_ids)
    locked = rows.select_for_update(of=("self",)).with_approvals().order_by("pk")
    return {row.request_id: row for row in locked}


def _settle(organization: Organization, made: _Made, row: Intervention | None, now: datetime) -> Settled:
    if row is None:
        return Settled(Fate.REFUSED, made.arrival.barred or "it was removed here just now; run it again")
    fields = differing(made.row, row)
    if not made.arrival.is_whole:
        # What an outcome does not say, it does not deny.
        fields = {name: pair for name, pair in fields.items() if name in _STATE and pair[0] is not None}
    if not fields:
        return Settled(Fate.THERE)
    if objections := list(_objections(made.arrival, row, fields.keys())):
        return Settled(Fate.REFUSED, objections[0])
    try:
        # What was done up to a refusal is undone.
        with transaction.atomic():
            _follow(organization, made.arrival, row, now)
    except DomainError as refusal:
        return Settled(Fate.REFUSED, refusal.detail)
    return Settled(Fate.MOVED)


def _objections(arrival: Arrival, row: Intervention, fields: Iterable[str]) -> Iterator[str]:
    """Why the request here cannot become what it is there."""
    there = arrival.word.status
    # What expires without a deadline gets one.
    asked = set(fields) - _STATE - ({"expires_at"} if there == Status.EXPIRED else set())
    if asked:
        yield f"its {', '.join(sorted(asked))} is not what stands here"
    if row.status in FINAL and not (row.status == Status.APPROVED and there == Status.COMPLETED):
        changed = ", ".join(sorted(fields))
        yield f"it was decided here already, {row.status}; there it is {there}, with another {changed}"
    if there in OPEN and arrival.since <= row.updated_at:
        yield f"it has moved on here since: here it is {row.status}, there {there}"


def _follow(organization: Organization, arrival: Arrival, row: Intervention, now: datetime) -> None:
    """Does here what was done there meanwhile, at its time; never before what happened here last."""
    at = max(arrival.since, row.updated_at)
    actor = trust.actor_of(row, arrival.word, at)
    caller = acting_as(organization, [actor])[actor]
    held = Held(caller, row, at, {events.IMPORTED: wire.moment(now)})
    if arrival.is_whole and is_past(row.expires_at, at) and not is_past(arrival.expires_at, at):
        write(held, EventType.EXTENDED, {"expires_at": arrival.expires_at})
    carry_out(held, arrival.word)
