"""What the queue page shows: four lanes by priority, oldest first, narrowed to a tab."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan

from interventions import cursors, policy, wire
from interventions.figures import Figures
from interventions.lifecycle import Priority
from interventions.models import Intervention
from interventions.queries import InterventionQuerySet
from pilots import database
from pilots.caller import Caller

TABS = ("all", "mine", "unclaimed")
LANE_PAGE = 50
# What a card shows; the large columns stay in the database.
_CARD_COLUMNS = (
    "id",
    "organization_id",
    "request_id",
    "uow_id",
    "intervention_type",
    "status",
    "priority",
    "title",
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


def lanes(caller: Caller, tab: str, figures: Figures) -> list[Lane]:
    """All four lanes from their beginnings."""
    counts = _counts(caller, tab, figures)
    return [lane(caller, tab, priority, count=counts[priority.word]) for priority in Priority]


def lane(caller: Caller, tab: str, priority: Priority, *, after: str | None = None, count: int = 0) -> Lane:
    """A page of one lane, from a position on. Raises InvalidInput for a position that is none."""
    policy.require(caller, "read")
    rows = _of_tab(caller, tab).filter(priority=priority.value)
    if after is not None:
        position = cursors.decode(after, "lane", (datetime, int))
        rows = rows.filter(TupleGreaterThan(Tuple(F("created_at"), F("id")), position))
    found = list(rows.only(*_CARD_COLUMNS).with_approvals().order_by("created_at", "id")[: LANE_PAGE + 1])
    shown = found[:LANE_PAGE]
    more = cursors.encode("lane", [shown[-1].created_at, shown[-1].pk]) if len(found) > LANE_PAGE else None
    return Lane(priority.word, [wire.card(row) for row in shown], count, more)


def _of_tab(caller: Caller, tab: str) -> InterventionQuerySet:
    rows = Intervention.objects.for_caller(caller).open(database.now())
    if tab == "mine":
        return rows.filter(assigned_to=caller.actor)
    return rows.filter(assigned_to=None) if tab == "unclaimed" else rows


def _counts(caller: Caller, tab: str, figures: Figures) -> Counter[str]:
    """How many each lane holds: counted among the few that have somebody's name, never among all."""
    if tab == "all":
        return Counter(figures.waiting)
    rows = Intervention.objects.for_caller(caller).open(database.now())
    named = rows.filter(assigned_to=caller.actor) if tab == "mine" else rows.filter(assigned_to__isnull=False)
    by_number = dict(named.order_by().values_list("priority").annotate(Count("pk")))
    by_word = Counter({Priority(number).word: count for number, count in by_number.items()})
    return by_word if tab == "mine" else Counter(figures.waiting) - by_word
