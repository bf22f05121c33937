"""What the agent does with its request later: complete, cancel."""

from typing import Any

from interventions.actions.change import hold, require_open, write
from interventions.answers import same
from interventions.errors import Conflict
from interventions.lifecycle import EventType, Status
from interventions.models import Intervention
from pilots.caller import Caller
from pilots.database import writing


def complete(caller: Caller, request_id: str, *, outcome: dict[str, Any] | None) -> Intervention:
    """The agent reports that it acted on the approval; the same report again changes nothing."""
    with writing():
        held = hold(caller, request_id, "complete")
        if held.status == Status.COMPLETED and same(held.row.outcome, outcome):
            return held.row
        if held.status != Status.APPROVED:
            raise Conflict(
                f"Only an approved request can be completed; this one is {held.status}.", intervention=held.row
            )
        return write(held, EventType.COMPLETED, {"status": Status.COMPLETED, "outcome": outcome})


def cancel(caller: Caller, request_id: str, *, reason: str | None) -> Intervention:
    """The agent withdraws its open request; the same withdrawal again changes nothing."""
    reason = reason if reason and reason.strip() else None
    with writing():
        held = hold(caller, request_id, "cancel")
        if held.status == Status.CANCELLED and held.row.action_reason == reason:
            return held.row
        require_open(held)
        changes = {
            "status": Status.CANCELLED,
            "action_timestamp": held.now,
            "action_reason": reason,
            "assigned_to": held.assignee,
            "claimed_until": None,
        }
        return write(held, EventType.CANCELLED, changes)
