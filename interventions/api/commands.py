"""Pilot commands, at the addresses and in the shapes that clients have used since Phase 2."""

from functools import partial

from django.http import HttpResponse

from interventions import actions, policy
from interventions.api import inputs, outputs
from interventions.lifecycle import OPEN, Type
from interventions.models import Intervention
from pilots.operations import Call, answer, operation

_TAG = "pilot commands"


@operation(
    answers={200: outputs.KILLED},
    body=inputs.KILL_SWITCH,
    allow=partial(policy.require, verb="command", intervention_type=Type.KILL_SWITCH),
    tag=_TAG,
)
def kill_switch(call: Call) -> HttpResponse:
    """Stop an instance."""
    instance_id = call.body["instance_id"]
    row = actions.command(call.caller, Type.KILL_SWITCH, instance_id, reason=call.body["reason"])
    paused = actions.count_open(call.caller, instance_id, besides=row.request_id)
    return _done(row, f"Kill switch for {instance_id}", paused_uow_count=paused)


@operation(
    answers={200: outputs.MOVED},
    body=inputs.CLARIFICATION,
    allow=partial(policy.require, verb="command", intervention_type=Type.CLARIFICATION),
    tag=_TAG,
)
def clarify(call: Call, uow_id: str) -> HttpResponse:
    """Answer a unit of work's question."""
    row = actions.command(call.caller, Type.CLARIFICATION, uow_id, reason=call.body["text"])
    return _done(row, f"Clarification for {uow_id}", new_status=_status(row, "ACTIVE"))


@operation(
    answers={200: outputs.WAIVED},
    body=inputs.WAIVE,
    allow=partial(policy.require, verb="command", intervention_type=Type.WAIVE_VIOLATION),
    tag=_TAG,
)
def waive(call: Call, uow_id: str, guard_rule_id: str) -> HttpResponse:
    """Waive a guard rule's violation, on record."""
    row = actions.command(
        call.caller,
        Type.WAIVE_VIOLATION,
        uow_id,
        reason=call.body["reason"],
        context={"guard_rule_id": guard_rule_id},
    )
    return _done(row, f"Waiver of {guard_rule_id} for {uow_id}", waiver_logged=True)


@operation(
    answers={200: outputs.MOVED}, allow=partial(policy.require, verb="command", intervention_type=Type.RESUME), tag=_TAG
)
def resume(call: Call, uow_id: str) -> HttpResponse:
    """Let a unit of work go on."""
    row = actions.command(call.caller, Type.RESUME, uow_id, reason=None)
    return _done(row, f"Resumption of {uow_id}", new_status=_status(row, "ACTIVE"))


@operation(
    answers={200: outputs.MOVED},
    body=inputs.CANCEL_UOW,
    allow=partial(policy.require, verb="command", intervention_type=Type.CANCEL),
    tag=_TAG,
)
def cancel_unit(call: Call, uow_id: str) -> HttpResponse:
    """End a unit of work."""
    row = actions.command(call.caller, Type.CANCEL, uow_id, reason=inputs.spoken(call.body["reason"]))
    return _done(row, f"Cancellation of {uow_id}", new_status=_status(row, "FAILED"))


def _status(row: Intervention, done: str) -> str:
    return "PENDING" if row.status in OPEN else done


def _done(row: Intervention, what: str, **members: object) -> HttpResponse:
    missing = row.status in OPEN
    message = f"{what}: approved by you, more approvals are needed." if missing else f"{what}: approved."
    return answer({"success": True, "message": message, "request_id": row.request_id} | members)
