"""Pilot commands: a pilot acts on a unit of work, whether or not its agent has asked."""

from interventions import policy
from interventions.actions.change import Held, hold, write
from interventions.actions.creating import announce, new_row
from interventions.actions.deciding import UNSEEN, approve_held, require_reason, spoken
from interventions.content import Draft
from interventions.lifecycle import OPEN, EventType, Status, Type
from interventions.models import Approval, Intervention
from pilots import database
from pilots.caller import Caller
from pilots.database import writing

_TITLES = {
    Type.KILL_SWITCH: "Kill switch for {}",
    Type.CLARIFICATION: "Clarification for {}",
    Type.WAIVE_VIOLATION: "Waiver for {}",
    Type.RESUME: "Resume {}",
    Type.CANCEL: "Cancel {}",
}


def command(
    caller: Caller, kind: Type, uow_id: str, *, reason: str | None, context: dict[str, str] | None = None
) -> Intervention:
    """Approves the unit's oldest open request of this kind; where there is none, records one, already approved.

    Raises InvalidInput `reason_required` where the kind needs one, and what `approve` raises.
    """
    policy.require(caller, "command", kind)
    reason = spoken(reason)
    require_reason(kind, Status.APPROVED, reason)
    while request_id := _oldest_open(caller, kind, uow_id):
        # Each turn lets go of its lock: who holds one and waits for the next may wait in a circle.
        with writing():
            held = hold(caller, request_id, "approve")
            # Decided by somebody else while this waited for its lock: there may be a next one.
            if held.status in OPEN:
                return approve_held(held, reason, None, UNSEEN)
    with writing():
        return _initiate(caller, kind, uow_id, reason, context or {})


def count_open(caller: Caller, uow_id: str, *, besides: str) -> int:
    """How many other requests of this unit of work still wait."""
    rows = Intervention.objects.for_caller(caller).open(database.now()).filter(uow_id=uow_id)
    return rows.exclude(request_id=besides).count()


def _oldest_open(caller: Caller, kind: Type, uow_id: str) -> str | None:
    rows = Intervention.objects.for_caller(caller).open(database.now())
    rows = rows.filter(uow_id=uow_id, intervention_type=kind.value).order_by("created_at", "id")
    return rows.values_list("request_id", flat=True).first()


def _initiate(caller: Caller, kind: Type, uow_id: str, reason: str | None, context: dict[str, str]) -> Intervention:
    draft = Draft(
        uow_id=uow_id,
        intervention_type=kind.value,
        title=_TITLES[kind].format(uow_id)[:255],
        context=context,
        required_role=policy.deciding_role(kind).value,
        expires_in_seconds=None,
    )
    row = new_row(caller, draft, database.now())
    row.save(force_insert=True)
    announce(caller, [row])
    held = Held(caller, row, database.now())
    approval = Approval.objects.create(
        organization_id=row.organization_id,
        intervention=row,
        pilot_id=caller.actor,
        at=held.now,
        action_reason=reason,
    )
    changes = {
        "status": Status.APPROVED,
        "action_timestamp": held.now,
        "decided_by": caller.actor,
        "action_reason": reason,
    }
    return write(held, EventType.APPROVED, changes, approvals=[approval])
