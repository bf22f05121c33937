"""What was decided, the latest first: pages of it by position, how long each took, and what comes before and after."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F
from django.db.models.fields.tuple_lookups import (
    Tuple,
    TupleGreaterThan,
    TupleGreaterThanOrEqual,
    TupleLessThan,
    TupleLessThanOrEqual,
)

from interventions import cursors, policy, search_index, wire
from interventions.history_filters import HistoryFilters
from interventions.lifecycle import Priority
from interventions.models import Event, Intervention, PilotTally
from interventions.queries import InterventionQuerySet
from pilots import database, replica
from pilots.caller import Caller
from pilots.memberships import colleagues

HISTORY_PAGE = 50
# How many decisions one look passes over in search of those that fit: half a second or so, whatever is asked for. Who
# wants to look further goes on from there.
LOOK = 50_000
# So many are passed over first: nearly always they fill a page, however long the history is.
GLANCE = 10_000
# Counting goes no further: "1,000+" says enough.
MOST_COUNTED = 1000
# Whose tags are offered, and how many.
_TAGGED = 500
_MOST_TAGS = 60
_MOST_PEOPLE = 100
# A replica that is so far behind is told of.
_TOLD_FROM = timedelta(seconds=3)
_NEWEST_FIRST = ("-action_timestamp", "-id")
# What a line shows; the large columns stay in the database.
_LINE_COLUMNS = (
    "id",
    "organization_id",
    "request_id",
    "uow_id",
    "intervention_type",
    "status",
    "priority",
    "title",
    "tags",
    "created_at",
    "action_timestamp",
    "decided_by",
    "action_reason",
)

type Line = dict[str, Any]
# Of a decision in the history: when, and its row.
type Place = tuple[datetime, int]


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Lines of the history; `next` is the position to go on from, None at the end. `back_to` is the moment down to
    which was searched, where there are fewer lines than a page holds and the end was not reached. `more` tells that
    beyond those counted nobody has counted."""

    lines: list[Line]
    count: int
    next: str | None
    back_to: str | None
    more: bool

    @property
    def counted(self) -> str:
        """How many fit, as a reader sees it."""
        if self.count > MOST_COUNTED:
            return f"{MOST_COUNTED:,}+"
        return f"{self.count:,}{'+' if self.more else ''}"


@dataclass(frozen=True, slots=True)
class _Look:
    """What fits among the next decisions; `end` is the place of the last one looked at, None where the history ends
    before."""

    rows: InterventionQuerySet
    end: Place | None


def history_page(caller: Caller, filters: HistoryFilters, *, after: str | None = None) -> HistoryPage:
    """A page from a position on. Raises InvalidInput for a position that is none."""
    search = _Search(caller, filters)
    look, found = search.page(None if after is None else _place(after))
    page = found[:HISTORY_PAGE]
    is_full = len(found) > HISTORY_PAGE
    following = (page[-1].action_timestamp, page[-1].pk) if is_full else look.end
    first = look if after is None else search.page(None)[0]
    # What stands on one page is counted already.
    # In the order of the index: in any order PostgreSQL might read through everybody's rows for so few.
    counted = first.rows.order_by(*_NEWEST_FIRST)[: MOST_COUNTED + 1]
    count = len(page) if first is look and not is_full else counted.count()
    return HistoryPage(
        lines=[_line(row) for row in page],
        count=count,
        next=None if following is None else cursors.encode("decided", list(following)),
        back_to=wire.moment(look.end[0]) if look.end and not is_full else None,
        more=first.end is not None,
    )


def all_decided(caller: Caller, filters: HistoryFilters) -> Iterator[InterventionQuerySet]:
    """What fits, with its times, for whoever reads all of it: look by look from the latest on, so that no statement
    takes long and whoever has gone is noticed."""
    search = _Search(caller, filters)
    look = search.look(None, LOOK)
    while True:
        yield look.rows.with_approvals().with_first_claim(caller.organization.pk)
        if look.end is None:
            return
        look = search.look(look.end, LOOK)


def neighbours(caller: Caller, filters: HistoryFilters, row: Intervention) -> tuple[str | None, str | None]:
    """The request_ids of what was decided after and before this one, as they stand above and below it; None also
    where one would have to look too far."""
    if row.action_timestamp is None:
        return None, None
    here = (row.action_timestamp, row.pk)
    search = _Search(caller, filters)
    above = search.look(here, LOOK, newer=True).rows.order_by("action_timestamp", "id")
    below = search.look(here, LOOK).rows.order_by(*_NEWEST_FIRST)
    return _first(above), _first(below)


def times_of(row: Any) -> dict[str, Any]:
    """How long it waited for somebody to claim it, and for its decision; None where nobody claimed it."""
    return {
        "claimed_at": wire.moment(row.claimed_at),
        "seconds_to_claim": _seconds(row.created_at, row.claimed_at),
        "seconds_to_decide": _seconds(row.created_at, row.action_timestamp),
    }


def lacking_since(caller: Caller, seq: int) -> datetime | None:
    """When the first of what a history read at this position lacks happened, where that is so long ago that a reader
    should know; None where it lacks nothing, or only what is just coming in."""
    if not replica.is_there():
        return None
    rows = Event.objects.for_organization(caller.organization.pk).filter(seq=seq + 1)
    at = rows.values_list("at", flat=True).first()
    return at if at is not None and database.now() - at > _TOLD_FROM else None


def tags_offered(caller: Caller) -> list[str]:
    """Tags to narrow by: those of the latest decisions, in the order of the alphabet."""
    rows = _decided(caller).order_by(*_NEWEST_FIRST).values_list("tags", flat=True)[:_TAGGED]
    return sorted({tag for tags in rows for tag in tags}, key=str.casefold)[:_MOST_TAGS]


def people_offered(caller: Caller, chosen: str) -> dict[str, str]:
    """Who may have decided, by name: who works here now, who did before, and whom the address names."""
    people = {row.pilot.pilot_id: str(row.pilot) for row in colleagues(caller)}
    tallies = PilotTally.objects.for_caller(caller).order_by("-count").values_list("pilot_id", flat=True)
    for pilot_id in (*tallies[:_MOST_PEOPLE], chosen):
        if pilot_id:
            people.setdefault(pilot_id, pilot_id)
    return people


class _Search:
    """What the filters narrow the caller's history to, look by look; the index of words is asked once for all looks."""

    def __init__(self, caller: Caller, filters: HistoryFilters) -> None:
        policy.require(caller, "read")
        self._caller, self._filters = caller, filters
        self._found = search_index.find(caller.organization.pk, filters.q, filters.marks)

    def page(self, after: Place | None) -> tuple[_Look, list[Any]]:
        """The rows of a page from a place on, and one more where there is one; and the look that found them."""
        look, found = self._page(after, GLANCE)
        is_all = look.end is None or len(found) > HISTORY_PAGE
        return (look, found) if is_all else self._page(after, LOOK)

    def _page(self, after: Place | None, most: int) -> tuple[_Look, list[Any]]:
        look = self.look(after, most)
        shown = look.rows.only(*_LINE_COLUMNS).with_first_claim(self._caller.organization.pk)
        return look, list(shown.order_by(*_NEWEST_FIRST)[: HISTORY_PAGE + 1])

    def look(self, after: Place | None, most: int, *, newer: bool = False) -> _Look:
        """Over so many decisions from a place on, not with it; back in time, or towards `newer` ones."""
        further = TupleGreaterThan if newer else TupleLessThan
        rows = self._filters.within(_decided(self._caller), database.now())
        if after is not None:
            rows = rows.filter(further(_columns(), after))
        end = self._end(rows, most, newer=newer)
        if end is not None:
            until = TupleLessThanOrEqual if newer else TupleGreaterThanOrEqual
            rows = rows.filter(until(_columns(), end))
        return _Look(self._filters.narrow(rows, self._caller, self._found), end)

    def _end(self, rows: InterventionQuerySet, most: int, *, newer: bool) -> Place | None:
        # What the index has listed are few already.
        if not self._filters.looks or self._found.rows is not None:
            return None
        order = ("action_timestamp", "id") if newer else _NEWEST_FIRST
        # Two: only where there is another one beyond does the look end before the history.
        last: Any = rows.order_by(*order).values_list("action_timestamp", "id")[most - 1 : most + 1]
        return last[0] if len(last) > 1 else None


def _place(after: str) -> Place:
    moment, row_id = cursors.decode(after, "decided", (datetime, int))
    return moment, row_id


def _decided(caller: Caller) -> InterventionQuerySet:
    policy.require(caller, "read")
    return Intervention.objects.for_caller(caller).decided()


def _columns() -> Tuple:
    return Tuple(F("action_timestamp"), F("id"))


def _first(rows: InterventionQuerySet) -> str | None:
    request_id: str | None = rows.values_list("request_id", flat=True).first()
    return request_id


def _line(row: Any) -> Line:
    return {
        "request_id": row.request_id,
        "uow_id": row.uow_id,
        "intervention_type": row.intervention_type,
        "status": row.status,
        "priority": Priority(row.priority).word,
        "title": row.title,
        "tags": row.tags,
        "created_at": wire.moment(row.created_at),
        "action_timestamp": wire.moment(row.action_timestamp),
        "decided_by": row.decided_by,
        "action_reason": row.action_reason,
        **times_of(row),
    }


def _seconds(begin: datetime, end: datetime | None) -> float | None:
    return None if end is None else round(max((end - begin).total_seconds(), 0.0), 3)
