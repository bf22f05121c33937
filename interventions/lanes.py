"""What the queue page shows: four lanes by priority, oldest first, narrowed to what the address asks for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan

from interventions import cursors, policy, wire
from interventions.facets import Facets
from interventions.figures import Figures
from interventions.lifecycle import Priority
from interventions.models import Intervention
from interventions.queries import InterventionQuerySet
from pilots import database
from pilots.caller import Caller
from pilots.roles import Role

LANE_PAGE = 25
# Counting goes no further: "1,000+" says enough, and a lane may be very long.
MOST_COUNTED = 1000
# Whose tags are offered: those of the most urgent ones.
_TAGGED = 500
_MOST_TAGS = 40
# What a card shows, or tells the page's script; the large columns stay in the database.
_CARD_COLUMNS = (
    "id",
    "organization_id",
    "request_id",
    "uow_id",
    "intervention_type",
    "status",
    "priority",
    "title",
    "tags",
    "response_schema",
    "response",
    "required_role",
    "approvals_required",
    "created_at",
    "expires_at",
    "assigned_to",
    "version",
)


@dataclass(frozen=True, slots=True)
class Lane:
    """One priority's cards; `next` is the position after the last one shown, None at the lane's end."""

    priority: str
    cards: list[dict[str, Any]]
    count: int
    next: str | None

    @property
    def counted(self) -> str:
        """How many there are, as a reader sees it."""
        return f"{MOST_COUNTED:,}+" if self.count > MOST_COUNTED else f"{self.count:,}"


def lanes(caller: Caller, facets: Facets, figures: Figures) -> list[Lane]:
    """All four lanes from their beginnings; those that are not asked for stay empty."""
    policy.require(caller, "read")
    known = figures.waiting if facets == Facets() else {}
    # Narrowed once: a search asks the index of words.
    rows = _open(caller, facets)
    return [_lane(rows, facets, priority, count=known.get(priority.word)) for priority in Priority]


def lane(caller: Caller, facets: Facets, priority: Priority, *, after: str) -> Lane:
    """The next page of one lane, from a position on. Raises InvalidInput for a position that is none."""
    policy.require(caller, "read")
    return _lane(_open(caller, facets), facets, priority, after=after)


def _lane(
    narrowed: InterventionQuerySet,
    facets: Facets,
    priority: Priority,
    *,
    after: str | None = None,
    count: int | None = None,
) -> Lane:
    if facets.priority not in ("", priority.word):
        return Lane(priority.word, [], 0, None)
    rows = whole = narrowed.filter(priority=priority.value)
    if after is not None:
        position = cursors.decode(after, "lane", (datetime, int))
        rows = rows.filter(TupleGreaterThan(Tuple(F("created_at"), F("id")), position))
    found = list(rows.only(*_CARD_COLUMNS).with_approvals().order_by("created_at", "id")[: LANE_PAGE + 1])
    shown = found[:LANE_PAGE]
    cards = [wire.card(row) for row in shown]
    if len(found) <= LANE_PAGE:
        return Lane(priority.word, cards, len(shown), None)
    if count is None:
        count = whole.order_by("created_at", "id")[: MOST_COUNTED + 1].count()
    return Lane(priority.word, cards, count, cursors.encode("lane", [shown[-1].created_at, shown[-1].pk]))


def most_urgent_unclaimed(caller: Caller, facets: Facets, *, besides: str = "") -> str | None:
    """The request_id of the first one in the queue that is nobody's and that the caller may decide."""
    policy.require(caller, "read")
    rows = _open(caller, facets).queue_of(caller.actor, caller.role or Role.VIEWER).filter(assigned_to=None)
    return _first(rows.exclude(request_id=besides).by_urgency())


def neighbours(caller: Caller, facets: Facets, row: Intervention) -> tuple[str | None, str | None]:
    """The request_ids before and after this one in the queue as it is narrowed, whether or not it is still there."""
    place, columns = (row.priority, row.created_at, row.pk), Tuple(F("priority"), F("created_at"), F("id"))
    rows = _open(caller, facets)
    before = rows.filter(TupleLessThan(columns, place)).order_by("-priority", "-created_at", "-id")
    after = rows.filter(TupleGreaterThan(columns, place)).by_urgency()
    return _first(before), _first(after)


def tags_offered(caller: Caller) -> list[str]:
    """Tags to narrow the queue by: those of the most urgent requests, in the order of the alphabet."""
    rows = _open(caller, Facets()).by_urgency().values_list("tags", flat=True)[:_TAGGED]
    return sorted({tag for tags in rows for tag in tags}, key=str.casefold)[:_MOST_TAGS]


def _open(caller: Caller, facets: Facets) -> InterventionQuerySet:
    return facets.narrow(Intervention.objects.for_caller(caller).open(database.now()), caller)


def _first(rows: InterventionQuerySet) -> str | None:
    request_id: str | None = rows.values_list("request_id", flat=True).first()
    return request_id
