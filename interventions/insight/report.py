"""How are all organizations doing, for those who run the installation? The one question that crosses tenants."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, OuterRef, Q, Subquery, Sum
from django.utils import timezone

from interventions import tallies
from interventions.lifecycle import OPEN, Status
from interventions.models import Event, Intervention, Stream, Tally
from pilots import database, replica
from pilots.models import ApiKey, Membership, Organization
from pilots.wire import moment


@dataclass(frozen=True, slots=True)
class Line:
    """One organization's figures; `pending` is what is PENDING and not past its deadline."""

    organization: Organization
    by_status: Counter[str]
    pending: int
    members: int
    keys: int
    oldest_pending: datetime | None
    last_activity: datetime | None

    @property
    def total(self) -> int:
        return sum(self.by_status[status] for status in Status)

    def totals(self) -> dict[str, int]:
        return _totals(self.by_status, self.pending)

    def as_dict(self) -> dict[str, Any]:
        return {
            "organization": self.organization.slug,
            "name": self.organization.name,
            "pilots": self.members,
            "api_keys": self.keys,
            "oldest_pending_at": moment(self.oldest_pending),
            "last_activity_at": moment(self.last_activity),
        } | self.totals()


@dataclass(frozen=True, slots=True)
class Report:
    lines: list[Line] = field(default_factory=list)

    def totals(self) -> dict[str, int]:
        by_status: Counter[str] = Counter()
        for line in self.lines:
            by_status.update(line.by_status)
        return _totals(by_status, sum(line.pending for line in self.lines))


def report() -> Report:
    """Every organization's figures in a handful of queries, however many there are."""
    with replica.reading(), database.snapshot():
        now = database.now()
        by_status, late, oldest = _by_status(), _late(now), _oldest_pending(now)
        members, keys, last = _members(), _keys(), _last_activity()
        return Report(
            [
                Line(
                    organization=row,
                    by_status=by_status[row.pk],
                    pending=max(0, by_status[row.pk][Status.PENDING] - late.get(row.pk, 0)),
                    members=members.get(row.pk, 0),
                    keys=keys.get(row.pk, 0),
                    oldest_pending=oldest.get(row.pk),
                    last_activity=last.get(row.pk),
                )
                for row in Organization.objects.order_by("slug")
            ]
        )


def _by_status() -> defaultdict[int, Counter[str]]:
    counts: defaultdict[int, Counter[str]] = defaultdict(Counter)
    sums = Tally.across_organizations.filter(day=tallies.ALL_TIME).values_list("organization_id", "status")
    for organization_id, status, count in sums.annotate(Sum("count")).order_by():
        counts[organization_id][status] = count
    return counts


def _late(now: datetime) -> dict[int, int]:
    """What no sweep has marked yet."""
    rows = Intervention.across_organizations.filter(
        status=Status.PENDING.value, status__among=OPEN, expires_at__lte=now
    )
    return dict(rows.values_list("organization_id").annotate(Count("pk")).order_by())


def _oldest_pending(now: datetime) -> dict[int, datetime]:
    rows = Intervention.across_organizations.filter(status=Status.PENDING.value, status__among=OPEN)
    living = rows.filter(Q(expires_at=None) | Q(expires_at__gt=now))
    return dict(living.values_list("organization_id").annotate(Min("created_at")).order_by())


def _members() -> dict[int, int]:
    return dict(Membership.across_organizations.values_list("organization_id").annotate(Count("pk")).order_by())


def _keys() -> dict[int, int]:
    """Keys that still open something."""
    living = ApiKey.across_organizations.filter(revoked_at=None).exclude(expires_at__lte=timezone.now())
    return dict(living.values_list("organization_id").annotate(Count("pk")).order_by())


def _last_activity() -> dict[int, datetime]:
    """When each log was last written to; one look at the end of each."""
    last = Event.across_organizations.filter(organization_id=OuterRef("pk")).order_by("-seq").values("at")[:1]
    rows = Stream.across_organizations.annotate(last=Subquery(last)).values_list("pk", "last")
    return {organization_id: at for organization_id, at in rows if at is not None}


def _totals(counts: Counter[str], pending: int) -> dict[str, int]:
    return {
        "total_interventions": sum(counts[status] for status in Status),
        "pending_interventions": pending,
        "in_progress_interventions": counts[Status.IN_PROGRESS],
        "approved_interventions": counts[Status.APPROVED] + counts[Status.COMPLETED],
        "rejected_interventions": counts[Status.REJECTED],
        "expired_interventions": counts[Status.EXPIRED],
        "completed_interventions": counts[Status.COMPLETED],
        "cancelled_interventions": counts[Status.CANCELLED],
    }
