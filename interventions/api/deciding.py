"""The pilot's side: claim, release, assign, comment, extend, approve, reject, and many decisions at once."""

from functools import partial
from typing import Any

from django.http import HttpResponse

from interventions import actions, policy
from interventions.actions import Seen
from interventions.api import answers, inputs, outputs
from pilots.operations import Call, answer, operation

_ONE = {200: outputs.ref("Intervention")}


@operation(answers=_ONE, body=inputs.CLAIM, allow=partial(policy.require, verb="claim"))
def claim(call: Call, request_id: str) -> HttpResponse:
    """Claim it for ten minutes; again renews the claim."""
    return answers.one(actions.claim(call.caller, request_id, take_over=call.body["take_over"]))


@operation(answers=_ONE, allow=partial(policy.require, verb="release"))
def release(call: Call, request_id: str) -> HttpResponse:
    """Give a claim or an assignment of yours back to everybody."""
    return answers.one(actions.release(call.caller, request_id))


@operation(answers=_ONE, body=inputs.ASSIGN, allow=partial(policy.require, verb="assign"))
def assign(call: Call, request_id: str) -> HttpResponse:
    """Put it into a pilot's queue."""
    return answers.one(actions.assign(call.caller, request_id, pilot_id=call.body["pilot_id"]))


@operation(answers=_ONE, body=inputs.COMMENT, allow=partial(policy.require, verb="comment"))
def comment(call: Call, request_id: str) -> HttpResponse:
    """Add a remark to the record."""
    return answers.one(actions.comment(call.caller, request_id, text=call.body["text"]))


@operation(answers=_ONE, body=inputs.EXTEND, allow=partial(policy.require, verb="extend"))
def extend(call: Call, request_id: str) -> HttpResponse:
    """Move the deadline to so many seconds from now; null means never."""
    seconds = call.body["expires_in_seconds"]
    return answers.one(actions.extend(call.caller, request_id, expires_in_seconds=seconds))


_VERDICT: dict[str, Any] = {"answers": _ONE, "query": inputs.REASON_PARAMETER, "body": inputs.VERDICT}


@operation(**_VERDICT, allow=partial(policy.require, verb="approve"))
def approve(call: Call, request_id: str) -> HttpResponse:
    """Approve it, with an answer where one is asked for."""
    return answers.one(actions.approve(call.caller, request_id, **_given(call)))


@operation(**_VERDICT, allow=partial(policy.require, verb="reject"))
def reject(call: Call, request_id: str) -> HttpResponse:
    """Reject it, saying why."""
    return answers.one(actions.reject(call.caller, request_id, **_given(call)))


@operation(answers={200: outputs.VERDICTS}, body=inputs.DECIDE, allow=partial(policy.require, verb="approve"))
def decide(call: Call) -> HttpResponse:
    """Approve or reject many, each for itself.

    `status` is what each has now; `code` says why one could not be decided.
    """
    given = call.body
    reason = inputs.spoken(given.get("action_reason"))
    verdicts = actions.decide_many(call.caller, given["request_ids"], given["verdict"], reason=reason)
    return answer({"results": [_result(verdict) for verdict in verdicts]})


def _given(call: Call) -> dict[str, Any]:
    body = call.body
    return {
        "reason": inputs.spoken(body.get("action_reason"), call.query.get("action_reason")),
        "response": body.get("response"),
        "seen": Seen(version=body.get("version"), content_hash=body.get("content_hash")),
    }


def _result(verdict: actions.Result) -> dict[str, str | None]:
    result = {"request_id": verdict.request_id, "status": verdict.status}
    return result if verdict.code is None else result | {"code": verdict.code}
