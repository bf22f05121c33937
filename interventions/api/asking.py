"""The agent's side: asking, withdrawing, reporting; and what anybody may read."""

import hashlib
from functools import partial
from typing import Any

import rfc8785
from django.http import HttpResponse

from interventions import actions, content, listing, policy, wire
from interventions.actions import IdempotencyKey
from interventions.api import answers, inputs, outputs
from interventions.insight import metrics
from pilots.bodies import MAX_BATCH_BODY
from pilots.inputs import check, object_of
from pilots.operations import Call, answer, operation

_READ = partial(policy.require, verb="read")
_CREATE = partial(policy.require, verb="create")
_HEADERS = {"Idempotency-Key": inputs.IDEMPOTENCY_KEY}
_ONE = outputs.ref("Intervention")


@operation(answers={200: _ONE, 201: _ONE}, body=content.CREATE, headers=_HEADERS, allow=_CREATE)
def create(call: Call) -> HttpResponse:
    """Ask a pilot.

    The same request_id with the same content gives the first one, whatever its state, with status 200.
    """
    asked = actions.create(call.caller, content.draft_of(call.body), _once(call))
    if not asked.created:
        return answers.received(call, asked.row)
    response = answers.received(call, asked.row, 201)
    response["Location"] = f"/api/interventions/{asked.row.request_id}"
    return response


@operation(
    answers={200: outputs.RESULTS, 201: outputs.RESULTS},
    body=inputs.BATCH,
    shown_body=inputs.SHOWN_BATCH,
    headers=_HEADERS,
    allow=_CREATE,
    max_body=MAX_BATCH_BODY,
)
def create_batch(call: Call) -> HttpResponse:
    """Ask up to 500 at once, all or nothing.

    Status 201 where at least one is new, else 200.
    """
    asked = actions.create_many(call.caller, inputs.drafts_of(call.body["interventions"]), _once(call))
    rows = [item.row for item in asked]
    status = 201 if any(item.created for item in asked) else 200
    return answers.note_delivery(call, rows, answer({"results": [wire.intervention(row) for row in rows]}, status))


@operation(answers={200: outputs.LIST}, query=inputs.LIST, allow=_READ)
def list_interventions(call: Call) -> HttpResponse:
    """List interventions, filtered and in order, page by page."""
    query = call.query
    filters = inputs.filters_of(query)
    return answers.page(
        call, listing.page(call.caller, filters, query["ordering"], query["limit"], query.get("cursor"))
    )


@operation(answers={200: outputs.PENDING}, query=inputs.PENDING, allow=_READ)
def list_pending(call: Call) -> HttpResponse:
    """List what waits for a pilot, most urgent first.

    With pilot_id that pilot's queue: assigned to them or to nobody, as far as their role may decide it.
    """
    query = call.query
    rows = listing.pending(
        call.caller, pilot_id=query.get("pilot_id") or None, limit=query["limit"], offset=query["offset"]
    )
    return answer([wire.intervention(row) for row in rows])


@operation(answers={200: outputs.ref("Metrics")}, allow=partial(policy.require, verb="read_metrics"), tag="metrics")
def get_metrics(call: Call) -> HttpResponse:
    """How the organization is doing."""
    return answer(metrics.snapshot(call.caller.organization.pk))


@operation(answers={200: _ONE}, allow=_READ)
def get_intervention(call: Call, request_id: str) -> HttpResponse:
    """Read one intervention."""
    return answers.received(call, listing.detail(call.caller, request_id))


@operation(
    answers={200: outputs.TRAIL}, query=inputs.TRAIL, allow=partial(policy.require, verb="read_events"), tag="events"
)
def list_trail(call: Call, request_id: str) -> HttpResponse:
    """Read an intervention's audit trail, oldest first."""
    query = call.query
    return answers.trail(call, listing.events_page(call.caller, request_id, query["limit"], query.get("cursor")))


@operation(answers={200: _ONE}, body=inputs.COMPLETE, allow=partial(policy.require, verb="complete"))
def complete(call: Call, request_id: str) -> HttpResponse:
    """Report that you acted on the approval."""
    outcome = call.body["outcome"]
    if outcome is not None:
        content.check_size("outcome", outcome)
    return answers.one(actions.complete(call.caller, request_id, outcome=outcome))


@operation(answers={200: _ONE}, body=inputs.CANCEL, allow=partial(policy.require, verb="cancel"))
def cancel(call: Call, request_id: str) -> HttpResponse:
    """Withdraw an open request."""
    return answers.one(actions.cancel(call.caller, request_id, reason=call.body.get("action_reason")))


def _once(call: Call) -> IdempotencyKey | None:
    key = call.request.headers.get("Idempotency-Key")
    if key is None:
        return None
    check(object_of({"Idempotency-Key": inputs.IDEMPOTENCY_KEY}), {"Idempotency-Key": key})
    # Over the value, not the bytes: a client that writes its keys in another order still makes the same attempt.
    attempt: list[Any] = [call.request.path.rstrip("/"), call.body]
    return IdempotencyKey(key, hashlib.sha256(rfc8785.dumps(attempt)).hexdigest())
