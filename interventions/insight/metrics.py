"""How is the organization doing: the figures of docs/api.md, at the same cost for ten interventions and ten million."""

from collections import Counter, defaultdict
from datetime import datetime
from typing import Any

from interventions import tallies
from interventions.events import stream_of
from interventions.lifecycle import Priority, Status
from interventions.models import Intervention, PilotTally, Tally
from pilots import database

TOP_PILOTS = 10


def snapshot(organization_id: int) -> dict[str, Any]:
    """The figures as of now, at least as new as their `seq`.

    Averages and rates are 0 where nothing was decided; `oldest_pending_seconds` is None where nothing is pending.
    """
    stream = stream_of(organization_id)
    now = database.now()
    rows = list(Tally.objects.for_organization(organization_id).filter(day=tallies.ALL_TIME, count__gt=0))
    by_status: Counter[str] = Counter()
    seconds: defaultdict[str, float] = defaultdict(float)
    for row in rows:
        by_status[row.status] += row.count
        seconds[row.status] += row.seconds
    approved = by_status[Status.APPROVED] + by_status[Status.COMPLETED]
    judged = approved + by_status[Status.REJECTED]
    spent = sum(seconds[status] for status in (Status.APPROVED, Status.COMPLETED, Status.REJECTED))
    return {
        "total_interventions": by_status.total(),
        "pending_interventions": max(0, by_status[Status.PENDING] - _past_deadline(organization_id, now)),
        "in_progress_interventions": by_status[Status.IN_PROGRESS],
        "approved_interventions": approved,
        "rejected_interventions": by_status[Status.REJECTED],
        "expired_interventions": by_status[Status.EXPIRED],
        "completed_interventions": by_status[Status.COMPLETED],
        "cancelled_interventions": by_status[Status.CANCELLED],
        "avg_resolution_time_seconds": round(spent / judged, 3) if judged else 0,
        "approval_rate": round(approved / judged, 4) if judged else 0,
        "oldest_pending_seconds": _oldest_pending(organization_id, now),
        "by_type": _sums((row.intervention_type, row.count) for row in rows),
        "by_priority": _sums((Priority(row.priority).word, row.count) for row in sorted(rows, key=_priority)),
        "top_pilots": _top_pilots(organization_id),
        "seq": stream.last_seq,
        "epoch": stream.epoch,
    }


def _past_deadline(organization_id: int, now: datetime) -> int:
    """What no sweep has marked yet: the tallies still count it as pending, a pilot can no longer decide it."""
    rows = Intervention.objects.for_organization(organization_id)
    return rows.filter(status=Status.PENDING, expires_at__lte=now).count()


def _oldest_pending(organization_id: int, now: datetime) -> float | None:
    rows = Intervention.objects.for_organization(organization_id).pending(now).order_by("created_at")
    oldest = rows.values_list("created_at", flat=True).first()
    return None if oldest is None else round(max(0.0, (now - oldest).total_seconds()), 3)


def _top_pilots(organization_id: int) -> list[dict[str, Any]]:
    rows = PilotTally.objects.for_organization(organization_id).filter(count__gt=0).order_by("-count", "pilot_id")
    return [{"pilot_id": row.pilot_id, "interventions": row.count} for row in rows[:TOP_PILOTS]]


def _sums(pairs: Any) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for name, count in pairs:
        sums[name] += count
    return dict(sums)


def _priority(row: Tally) -> int:
    return row.priority
