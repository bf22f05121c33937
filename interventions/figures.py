"""What the tiles above the queue say: real figures, each from a tally or a small indexed query."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median

import orjson
from django.db.models import Count, F, Sum

from interventions.lifecycle import OPEN, Priority, Status
from interventions.models import Intervention, Tally
from interventions.tallies import ALL_TIME
from pilots import database
from pilots.memberships import count_on_duty
from pilots.wire import moment

EXPIRING = timedelta(minutes=5)
# The median is taken over this many decisions: enough to be steady, few enough to be read each second.
RECENT_DECISIONS = 100
_DECIDED = (Status.APPROVED, Status.REJECTED, Status.COMPLETED)


@dataclass(frozen=True, slots=True)
class Figures:
    """`waiting` counts the open ones by priority; `assigned` the open ones by pilot_id."""

    waiting: dict[str, int]
    assigned: dict[str, int] = field(default_factory=dict)
    oldest: str | None = None
    oldest_seconds: float | None = None
    expiring: int = 0
    approved_today: int = 0
    rejected_today: int = 0
    median_seconds: float | None = None
    on_duty: int = 0

    @property
    def total(self) -> int:
        return sum(self.waiting.values())

    @property
    def unclaimed(self) -> int:
        return self.total - sum(self.assigned.values())

    @property
    def assigned_json(self) -> str:
        return orjson.dumps(self.assigned).decode()

    def mine(self, pilot_id: str) -> int:
        return self.assigned.get(pilot_id, 0)


def figures_of(organization_id: int) -> Figures:
    """The figures at this moment, by the database's clock."""
    now = database.now()
    rows = Intervention.objects.for_organization(organization_id)
    oldest = rows.open(now).order_by("created_at").values_list("created_at", flat=True).first()
    today = _decided_on(organization_id, now)
    return Figures(
        waiting=waiting(organization_id, now),
        assigned=_assigned(organization_id, now),
        oldest=moment(oldest),
        oldest_seconds=(now - oldest).total_seconds() if oldest else None,
        expiring=rows.open(now).filter(expires_at__lte=now + EXPIRING).count(),
        approved_today=today[Status.APPROVED],
        rejected_today=today[Status.REJECTED],
        median_seconds=_median_seconds(organization_id),
        on_duty=count_on_duty(organization_id),
    )


def waiting(organization_id: int, now: datetime) -> dict[str, int]:
    """How many are open, by priority: the tally, less those whose deadline has passed before a sweep marked them."""
    tallies = Tally.objects.for_organization(organization_id).filter(day=ALL_TIME, status__in=OPEN)
    counts = Counter(dict(tallies.values_list("priority").annotate(Sum("count"))))
    overdue = Intervention.objects.for_organization(organization_id).overdue(now)
    counts.subtract(dict(overdue.order_by().values_list("priority").annotate(Count("pk"))))
    return {priority.word: max(counts[priority.value], 0) for priority in Priority}


def last_decision(organization_id: int) -> str | None:
    """When a pilot last decided something here."""
    rows = Intervention.objects.for_organization(organization_id).filter(status__in=_DECIDED)
    return moment(rows.order_by("-action_timestamp").values_list("action_timestamp", flat=True).first())


def _assigned(organization_id: int, now: datetime) -> dict[str, int]:
    rows = Intervention.objects.for_organization(organization_id).open(now).filter(assigned_to__isnull=False)
    return dict(rows.order_by().values_list("assigned_to").annotate(Count("pk")))


def _decided_on(organization_id: int, now: datetime) -> Counter[str]:
    tallies = Tally.objects.for_organization(organization_id).filter(day=now.date(), status__in=_DECIDED)
    return Counter(dict(tallies.values_list("status").annotate(Sum("count"))))


def _median_seconds(organization_id: int) -> float | None:
    rows = Intervention.objects.for_organization(organization_id).filter(status__in=_DECIDED)
    took = rows.order_by("-action_timestamp").values_list(F("action_timestamp") - F("created_at"), flat=True)
    seconds = [length.total_seconds() for length in took[:RECENT_DECISIONS]]
    return median(seconds) if seconds else None
