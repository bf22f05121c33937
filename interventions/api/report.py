"""How all organizations are doing, for those who run the installation: the one answer that crosses tenants."""

from collections import Counter, defaultdict

from django.db.models import Count, Sum
from django.http import HttpResponse

from interventions import tallies
from interventions.api import outputs
from interventions.lifecycle import Status
from interventions.models import Intervention, Tally
from pilots import database
from pilots.authentication import person
from pilots.errors import NotAllowed
from pilots.models import Membership, Organization
from pilots.operations import Call, answer, operation

type Counts = dict[int, Counter[str]]


@operation(answers={200: outputs.REPORT}, tag="organizations")
def get_report(call: Call) -> HttpResponse:
    """Read the totals of every organization; for superusers."""
    if not person(call.request).is_superuser:
        raise NotAllowed("Only a superuser may see every organization.")
    counts, members = _counts(), _members()
    rows = [
        {"organization": row.slug, "name": row.name, "pilots": members[row.pk]} | _totals(counts[row.pk])
        for row in Organization.objects.order_by("slug")
    ]
    together: Counter[str] = Counter()
    for count in counts.values():
        together.update(count)
    return answer({"totals": _totals(together), "organizations": rows})


def _counts() -> Counts:
    """By organization and status; "pending" is what is PENDING and not past its deadline."""
    counts: Counts = defaultdict(Counter)
    sums = Tally.across_organizations.filter(day=tallies.ALL_TIME).values_list("organization_id", "status")
    for organization_id, status, count in sums.annotate(Sum("count")).order_by():
        counts[organization_id][status] = count
        if status == Status.PENDING:
            counts[organization_id]["pending"] += count
    late = Intervention.across_organizations.filter(status=Status.PENDING.value, expires_at__lte=database.now())
    for organization_id, count in late.values_list("organization_id").annotate(Count("pk")).order_by():
        counts[organization_id]["pending"] -= count
    return counts


def _members() -> Counter[int]:
    pairs = Membership.across_organizations.values_list("organization_id").annotate(Count("pk")).order_by()
    return Counter(dict(pairs))


def _totals(counts: Counter[str]) -> dict[str, int]:
    return {
        "total_interventions": sum(counts[status] for status in Status),
        "pending_interventions": max(0, counts["pending"]),
        "in_progress_interventions": counts[Status.IN_PROGRESS],
        "approved_interventions": counts[Status.APPROVED] + counts[Status.COMPLETED],
        "rejected_interventions": counts[Status.REJECTED],
        "expired_interventions": counts[Status.EXPIRED],
        "completed_interventions": counts[Status.COMPLETED],
        "cancelled_interventions": counts[Status.CANCELLED],
    }
