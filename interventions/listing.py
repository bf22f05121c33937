"""What may be read, and in which order: the one reading side of REST, sockets and pages.

Every function asks the policy first and sees the caller's organization only.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import F
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan

from interventions import cursors, events, policy, search, tallies
from interventions.errors import LogTruncated
from interventions.lifecycle import Priority, Status
from interventions.models import Event, Intervention, Stream
from interventions.queries import InterventionQuerySet
from pilots import database
from pilots.caller import Caller
from pilots.errors import NotFound
from pilots.models import Membership
from pilots.roles import Role

LIMIT = 50
MAX_LIMIT = 200
# How many events one look into the log passes over in search of those a limited key may see.
LOOK = 10_000

# The columns of each order, the last ones there to make it total; every column of one order runs the same way.
_COLUMNS: dict[str, tuple[tuple[str, type], ...]] = {
    "created_at": (("created_at", datetime), ("id", int)),
    "updated_at": (("updated_at", datetime), ("id", int)),
    "priority": (("priority", int), ("created_at", datetime), ("id", int)),
    "action_timestamp": (("action_timestamp", datetime), ("id", int)),
}
ORDERINGS = ("created_at", "-created_at", "priority", "updated_at", "-updated_at")
DEFAULT_ORDERING = "-created_at"


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed to; None: not narrowed by this. `status` is the one stored, `priority` its word."""

    status: str | None = None
    priority: str | None = None
    intervention_type: str | None = None
    assigned_to: str | None = None
    uow_id: str | None = None
    tag: str | None = None
    q: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


class Page[Row](NamedTuple):
    """One page; `next` is the cursor of the page after it, None at the end."""

    rows: list[Row]
    next: str | None


class LogPage(NamedTuple):
    """A stretch of the log; `next_after` is the position to go on from, `more` whether there is more to look at."""

    epoch: str
    events: list[Event]
    next_after: int
    more: bool = False


def pending(caller: Caller, *, pilot_id: str | None = None, limit: int = LIMIT, offset: int = 0) -> list[Intervention]:
    """What waits for a pilot, most urgent first; with `pilot_id` that pilot's queue."""
    rows = _pending(caller, pilot_id).with_approvals().by_urgency()
    return list(rows[offset : offset + limit])


def count_pending(caller: Caller, *, pilot_id: str | None = None) -> int:
    """How many `pending` could give in all."""
    if pilot_id is not None or caller.limits:
        return _pending(caller, pilot_id).count()
    policy.require(caller, "read")
    return max(0, tallies.count(caller.organization.pk, Status.PENDING) - _past_deadline(caller).count())


def _past_deadline(caller: Caller) -> InterventionQuerySet:
    """What the tallies still count as pending, for no sweep has marked it yet."""
    return Intervention.objects.for_caller(caller).overdue(database.now()).filter(status=Status.PENDING)


def detail(caller: Caller, request_id: str) -> Intervention:
    """One intervention; raises NotFound where the organization has none of this id."""
    policy.require(caller, "read")
    row = next(iter(Intervention.objects.for_caller(caller).with_approvals().filter(request_id=request_id)), None)
    if row is None:
        raise NotFound(f"There is no intervention {request_id!r} in this organization.")
    return row


def page(
    caller: Caller,
    filters: Filters = Filters(),
    ordering: str = DEFAULT_ORDERING,
    limit: int = LIMIT,
    cursor: str | None = None,
) -> Page[Intervention]:
    """One page of all interventions that match."""
    policy.require(caller, "read")
    return _keyset(_matching(caller, filters), ordering, limit, cursor)


def history(caller: Caller, limit: int = LIMIT, cursor: str | None = None) -> Page[Intervention]:
    """One page of what is decided, the latest decision first."""
    policy.require(caller, "read")
    return _keyset(Intervention.objects.for_caller(caller).decided(), "-action_timestamp", limit, cursor)


def events_page(caller: Caller, request_id: str, limit: int = LIMIT, cursor: str | None = None) -> Page[Event]:
    """One page of an intervention's audit trail, oldest first."""
    policy.require(caller, "read_events")
    rows = Event.objects.for_caller(caller).filter(request_id=request_id)
    if not rows.exists():
        raise NotFound(f"There is no intervention {request_id!r} in this organization.")
    if cursor is not None:
        rows = rows.filter(seq__gt=cursors.decode(cursor, "seq", (int,))[0])
    found = list(rows.order_by("seq")[: limit + 1])
    more = cursors.encode("seq", [found[limit - 1].seq]) if len(found) > limit else None
    return Page(found[:limit], more)


def log(caller: Caller, *, after: int = 0, epoch: str | None = None, limit: int = LIMIT) -> LogPage:
    """The organization's events after a position; raises LogTruncated where the log cannot be continued from there."""
    policy.require(caller, "read_events")
    stream = events.stream_of(caller.organization.pk)
    foreign = epoch is not None and epoch != stream.epoch
    if foreign or not stream.first_seq - 1 <= after <= stream.last_seq:
        raise LogTruncated(stream.last_seq, stream.epoch)
    if caller.limits:
        return _log_within(caller, stream, after, limit)
    found = events.since(caller.organization.pk, after, limit)
    if found and found[0].seq != after + 1:
        # Pruned between the two looks.
        raise LogTruncated(stream.last_seq, stream.epoch)
    return LogPage(stream.epoch, found, found[-1].seq if found else after)


def _log_within(caller: Caller, stream: Stream, after: int, limit: int) -> LogPage:
    """As much of the log as one look takes in: where hardly an event is the caller's, a look must not read it all."""
    end = min(after + LOOK, stream.last_seq)
    rows = Event.objects.for_caller(caller).filter(seq__gt=after, seq__lte=end)
    found = list(rows.order_by("seq")[:limit])
    reached = found[-1].seq if found and len(found) == limit else end
    return LogPage(stream.epoch, found, reached, more=reached < stream.last_seq)


def _pending(caller: Caller, pilot_id: str | None) -> InterventionQuerySet:
    policy.require(caller, "read")
    rows = Intervention.objects.for_caller(caller).pending(database.now())
    if pilot_id is None:
        return rows
    members = Membership.objects.for_caller(caller).filter(pilot__pilot_id=pilot_id, pilot__is_active=True)
    role = members.values_list("role", flat=True).first()
    # A stranger may decide nothing; what the store assigned to a plain identifier is still that identifier's.
    return rows.filter(assigned_to=pilot_id) if role is None else rows.queue_of(pilot_id, Role(role))


def _matching(caller: Caller, filters: Filters) -> InterventionQuerySet:
    rows = Intervention.objects.for_caller(caller)
    exact: dict[str, Any] = {
        name: getattr(filters, name)
        for name in ("status", "intervention_type", "assigned_to", "uow_id")
        if getattr(filters, name) is not None
    }
    if filters.priority is not None:
        exact["priority"] = Priority.of(filters.priority)
    if filters.tag is not None:
        exact["tags__has"] = filters.tag
    if filters.created_after is not None:
        exact["created_at__gt"] = filters.created_after
    if filters.created_before is not None:
        exact["created_at__lt"] = filters.created_before
    marks = search.marks(tag=filters.tag or "", intervention_type=filters.intervention_type or "")
    return rows.filter(**exact).holding(filters.q or "", marks)


def _keyset(rows: InterventionQuerySet, ordering: str, limit: int, cursor: str | None) -> Page[Intervention]:
    """A page by position, not by offset: the ten-thousandth costs what the first did, and none shows a row twice."""
    sign = "-" if ordering.startswith("-") else ""
    columns = _COLUMNS[ordering.removeprefix("-")]
    names = [name for name, _ in columns]
    if cursor is not None:
        position = cursors.decode(cursor, ordering, tuple(kind for _, kind in columns))
        beyond = TupleLessThan if sign else TupleGreaterThan
        rows = rows.filter(beyond(Tuple(*map(F, names)), position))
    found = list(rows.with_approvals().order_by(*(sign + name for name in names))[: limit + 1])
    more = None
    if len(found) > limit:
        more = cursors.encode(ordering, [getattr(found[limit - 1], name) for name in names])
    return Page(found[:limit], more)
