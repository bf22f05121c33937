"""What helps to decide as others decided: what came before in a request's unit of work, and what is like it."""

from typing import Any

from interventions import policy, wire
from interventions.lifecycle import Status
from interventions.models import Intervention
from interventions.similar import most_alike
from pilots.caller import Caller

MAX_EARLIER = 10
# Among so many of the latest decisions similar ones are looked for, so that the page costs the same for everybody.
LATEST = 500

_DECIDED = frozenset({Status.APPROVED, Status.REJECTED, Status.COMPLETED})
_SHOWN = ("pk", "request_id", "title", "status", "created_at", "action_timestamp", "decided_by", "action_reason")

type Precedent = dict[str, Any]


def earlier(caller: Caller, row: Intervention) -> list[Precedent]:
    """The newest of those asked before it for the same unit of work, whatever became of them."""
    policy.require(caller, "read")
    rows = Intervention.objects.for_caller(caller).filter(uow_id=row.uow_id, created_at__lte=row.created_at)
    return _precedents(rows.exclude(pk=row.pk).order_by("-created_at", "-pk")[:MAX_EARLIER].values(*_SHOWN))


def similar(caller: Caller, row: Intervention, besides: list[Precedent]) -> list[Precedent]:
    """Decisions on requests of its type that are most like it, most alike first; none of those in `besides`."""
    policy.require(caller, "read")
    known = {precedent["pk"] for precedent in besides} | {row.pk}
    decided = Intervention.objects.for_caller(caller).decided()
    latest = decided.order_by("-action_timestamp").values("pk", "title", "tags", "intervention_type", "status")[:LATEST]
    candidates = (
        one
        for one in latest
        if one["intervention_type"] == row.intervention_type and one["status"] in _DECIDED and one["pk"] not in known
    )
    order = [one["pk"] for one in most_alike(row.title, row.tags, candidates)]
    # Reasons are long, and only these few are shown.
    rows = Intervention.objects.for_caller(caller).filter(pk__in=order).values(*_SHOWN)
    return sorted(_precedents(rows), key=lambda one: order.index(one["pk"]))


def _precedents(rows: Any) -> list[Precedent]:
    moments = ("created_at", "action_timestamp")
    return [row | {name: wire.moment(row[name]) for name in moments} for row in rows]
