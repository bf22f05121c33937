"""How is the organization doing: the figures of docs/api.md, at the same cost for ten interventions and ten million."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Count

from interventions import tallies
from interventions.events import stream_of
from interventions.lifecycle import Priority, Status
from interventions.models import Intervention, PilotTally, Stream, Tally
from pilots import database
from pilots.prepared import Prepared, moment_of, rows_of

TOP_PILOTS = 10

_HEAD = Prepared(
    lambda organization_id, _: Stream.objects.for_organization(organization_id).values_list("last_seq", "epoch")
)
_TALLIES = Prepared(
    lambda organization_id, _: (
        Tally.objects.for_organization(organization_id)
        .filter(day=tallies.ALL_TIME, count__gt=0)
        .values_list("intervention_type", "priority", "status", "count", "seconds")
    )
)
# What no sweep has marked yet: the tallies still count it as pending, a pilot can no longer decide it.
_PAST_DEADLINE = Prepared(
    lambda organization_id, now: (
        Intervention.objects.for_organization(organization_id)
        .filter(status=Status.PENDING, expires_at__lte=now)
        .values("status")
        .annotate(number=Count("*"))
        .values_list("number")
    )
)
_OLDEST_PENDING = Prepared(
    lambda organization_id, now: (
        Intervention.objects.for_organization(organization_id)
        .pending(now)
        .order_by("created_at")
        .values_list("created_at")[:1]
    )
)
_TOP_PILOTS = Prepared(
    lambda organization_id, _: (
        PilotTally.objects.for_organization(organization_id)
        .filter(count__gt=0)
        .order_by("-count", "pilot_id")
        .values_list("pilot_id", "count")[:TOP_PILOTS]
    )
)
_QUERIES = (_HEAD, _TALLIES, _PAST_DEADLINE, _TOP_PILOTS, _OLDEST_PENDING)


class Counted(NamedTuple):
    """How many are of a kind and status; `seconds` sums their time from creation to decision."""

    intervention_type: str
    priority: int
    status: str
    number: int
    seconds: float


def snapshot(organization_id: int) -> dict[str, Any]:
    """The figures as of now, at least as new as their `seq`.

    Averages and rates are 0 where nothing was decided; `oldest_pending_seconds` is None where nothing is pending.
    """
    now = database.now()
    # The head first: what is read after it is at least as new.
    head, counts, late, top, oldest = rows_of(_QUERIES, organization_id, now)
    rows = [Counted(*row) for row in counts]
    shown = figures(rows, dict(top), past_deadline=sum(number for (number,) in late))
    shown["oldest_pending_seconds"] = seconds_since(moment_of(oldest[0][0]), now) if oldest else None
    seq, epoch = head[0] if head else _new_head(organization_id)
    return shown | {"seq": seq, "epoch": epoch}


def figures(rows: list[Counted], pilots: Mapping[str, int], past_deadline: int) -> dict[str, Any]:
    """The figures that counts make; `past_deadline` of the pending are so no more, for their time has run out.

    What no count tells is as in an organization where nothing happens: nothing waits, there is no log.
    """
    top = sorted(pilots.items(), key=lambda item: (-item[1], item[0]))[:TOP_PILOTS]
    by_status: Counter[str] = Counter()
    seconds: defaultdict[str, float] = defaultdict(float)
    for row in rows:
        by_status[row.status] += row.number
        seconds[row.status] += row.seconds
    by_priority = sorted(rows, key=lambda row: row.priority)
    approved = by_status[Status.APPROVED] + by_status[Status.COMPLETED]
    judged = approved + by_status[Status.REJECTED]
    spent = sum(seconds[status] for status in (Status.APPROVED, Status.COMPLETED, Status.REJECTED))
    return {
        "total_interventions": by_status.total(),
        "pending_interventions": max(0, by_status[Status.PENDING] - past_deadline),
        "in_progress_interventions": by_status[Status.IN_PROGRESS],
        "approved_interventions": approved,
        "rejected_interventions": by_status[Status.REJECTED],
        "expired_interventions": by_status[Status.EXPIRED],
        "completed_interventions": by_status[Status.COMPLETED],
        "cancelled_interventions": by_status[Status.CANCELLED],
        "avg_resolution_time_seconds": round(spent / judged, 3) if judged else 0,
        "approval_rate": round(approved / judged, 4) if judged else 0,
        "oldest_pending_seconds": None,
        "by_type": _sums((row.intervention_type, row.number) for row in rows),
        "by_priority": _sums((Priority(row.priority).word, row.number) for row in by_priority),
        "top_pilots": [{"pilot_id": pilot_id, "interventions": number} for pilot_id, number in top if number],
        "seq": 0,
        "epoch": None,
    }


def _new_head(organization_id: int) -> tuple[int, str]:
    stream = stream_of(organization_id)
    return stream.last_seq, stream.epoch


def seconds_since(moment: datetime, now: datetime) -> float:
    return round(max(0.0, (now - moment).total_seconds()), 3)


def _sums(pairs: Any) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for name, count in pairs:
        sums[name] += count
    return dict(sums)
