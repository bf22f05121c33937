"""The decision: approve and reject; each intervention is decided exactly once."""

from dataclasses import dataclass
from typing import Any

from interventions.actions.change import Held, hold, require_open, require_unclaimed, write
from interventions.answers import answer_needed, check_answer, same
from interventions.errors import Conflict
from interventions.lifecycle import FINAL, EventType, Status, is_past, quorum_reached, reason_needed
from interventions.models import Approval, Intervention
from pilots.caller import Caller
from pilots.database import writing
from pilots.errors import InvalidInput

VERDICTS = {"approve": Status.APPROVED, "reject": Status.REJECTED}


@dataclass(frozen=True, slots=True)
class Seen:
    """What the pilot had before their eyes; None: the door does not tell."""

    version: int | None = None
    content_hash: str | None = None


UNSEEN = Seen()


def approve(
    caller: Caller,
    request_id: str,
    *,
    reason: str | None = None,
    response: dict[str, Any] | None = None,
    seen: Seen = UNSEEN,
) -> Intervention:
    """Adds the caller's approval; with the last one needed the request is APPROVED.

    The same pilot approving again changes nothing. Raises InvalidInput (`reason_required`, `response_required`,
    `invalid_response`), NotAllowed, NotFound, or Conflict with what stands instead.
    """
    with writing():
        held = hold(caller, request_id, "approve")
        return approve_held(held, spoken(reason), response, seen)


def reject(
    caller: Caller,
    request_id: str,
    *,
    reason: str | None = None,
    response: dict[str, Any] | None = None,
    seen: Seen = UNSEEN,
) -> Intervention:
    """Rejects for good, whatever approvals there are. Errors as for `approve`; an answer goes with an approval only."""
    with writing():
        held = hold(caller, request_id, "reject")
        if response is not None:
            raise InvalidInput.field("response", "goes with an approval only; say why in action_reason")
        return _reject_held(held, spoken(reason), seen)


def decide(caller: Caller, request_id: str, verdict: str, **given: Any) -> Intervention:
    """`approve` or `reject` by its name."""
    return approve(caller, request_id, **given) if verdict == "approve" else reject(caller, request_id, **given)


def approve_held(held: Held, reason: str | None, response: dict[str, Any] | None, seen: Seen) -> Intervention:
    """`approve` on a row that is locked already."""
    row = held.row
    require_reason(row.intervention_type, Status.APPROVED, reason)
    if _is_repeated(held, row.given_approvals()):
        _require_same_response(held, response)
        return row
    _require_decidable(held, seen)
    return record_approval(held, reason, answer_of(held, response), _decision(held, Status.APPROVED, reason))


def record_approval(
    held: Held,
    reason: str | None,
    answer: dict[str, Any] | None,
    decision: dict[str, Any],
    extra: dict[str, Any] | None = None,
) -> Intervention:
    """Adds the caller's approval, which may be given; the last one needed makes the `decision` too."""
    row, changes = held.row, {"response": answer}
    approval = Approval.objects.create(
        organization_id=row.organization_id,
        intervention=row,
        pilot_id=held.caller.actor,
        at=held.now,
        action_reason=reason,
    )
    approvals = [*row.given_approvals(), approval]
    if not quorum_reached((item.pilot_id for item in approvals), row.approvals_required):
        return write(held, EventType.APPROVAL_ADDED, changes, approvals=approvals, extra=extra)
    return write(held, EventType.APPROVED, changes | decision, approvals=approvals, extra=extra)


def _is_repeated(held: Held, approvals: list[Approval]) -> bool:
    """True where the caller's approval counts already, or still may: not once it is rejected, withdrawn or too late."""
    approvers = {item.pilot_id for item in approvals}
    if held.status in FINAL:
        decided = held.status in (Status.APPROVED, Status.COMPLETED)
        return decided and held.caller.actor in approvers | {held.row.decided_by}
    return held.caller.actor in approvers and not is_past(held.row.expires_at, held.now)


def _reject_held(held: Held, reason: str | None, seen: Seen) -> Intervention:
    require_reason(held.row.intervention_type, Status.REJECTED, reason)
    if held.status == Status.REJECTED and held.row.decided_by == held.caller.actor:
        return held.row
    _require_decidable(held, seen)
    return write(held, EventType.REJECTED, _decision(held, Status.REJECTED, reason))


def _decision(held: Held, status: Status, reason: str | None) -> dict[str, Any]:
    return {
        "status": status,
        "action_timestamp": held.now,
        "decided_by": held.caller.actor,
        "action_reason": reason,
        "assigned_to": held.assignee,
        "claimed_until": None,
    }


def spoken(reason: str | None) -> str | None:
    """A blank reason counts as none."""
    return reason if reason and reason.strip() else None


def require_reason(intervention_type: str, verdict: Status, reason: str | None) -> None:
    if reason is None and reason_needed(intervention_type, verdict):
        raise InvalidInput.field(
            "action_reason", "is required here: say why, the agent reads it", code="reason_required"
        )


def _require_decidable(held: Held, seen: Seen) -> None:
    """Raises the Conflict that stands against a decision now."""
    require_open(held)
    require_unclaimed(held)
    row = held.row
    if seen.content_hash is not None and seen.content_hash != row.content_hash:
        raise Conflict("Its content is not what you saw; read it again.", code="content_changed", intervention=row)
    if seen.version is not None and seen.version != row.version:
        raise Conflict("It has changed since you looked; look again.", code="version_mismatch", intervention=row)


def answer_of(held: Held, response: dict[str, Any] | None) -> dict[str, Any] | None:
    """The answer that will stand: the first one given, valid against the schema. Raises InvalidInput without one."""
    row = held.row
    if response is None:
        if answer_needed(row.response_schema) and row.response is None:
            raise InvalidInput.field("response", "is required: the agent asks for an answer", code="response_required")
        standing: dict[str, Any] | None = row.response
        return standing
    if row.response_schema is None:
        raise InvalidInput.field("response", "this request asks for no answer; leave it out", code="invalid_response")
    check_answer(row.response_schema, response)
    _require_same_response(held, response)
    return response


def _require_same_response(held: Held, response: dict[str, Any] | None) -> None:
    standing = held.row.response
    if response is not None and standing is not None and not same(response, standing):
        raise Conflict("Another answer stands already.", code="response_differs", intervention=held.row)
