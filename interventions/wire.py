"""The JSON of an intervention and of an event: one shape for REST, sockets, pages and exports."""

from typing import Any

import orjson

from interventions.lifecycle import Priority
from interventions.models import Approval, Event, Intervention
from pilots.wire import moment as moment

type JSON = dict[str, Any]


def intervention(row: Intervention) -> JSON:
    """Every field of docs/api.md; `approvals` is read from memory where they were read along."""
    return {
        "request_id": row.request_id,
        "uow_id": row.uow_id,
        "intervention_type": row.intervention_type,
        "status": row.status,
        "priority": Priority(row.priority).word,
        "title": row.title,
        "description": row.description,
        "context": row.context,
        "tags": row.tags,
        "response_schema": row.response_schema,
        "response": row.response,
        "required_role": row.required_role,
        "approvals_required": row.approvals_required,
        "approvals": [approval(item) for item in row.given_approvals()],
        "created_at": moment(row.created_at),
        "updated_at": moment(row.updated_at),
        "expires_at": moment(row.expires_at),
        "action_timestamp": moment(row.action_timestamp),
        "assigned_to": row.assigned_to,
        "claimed_until": moment(row.claimed_until),
        "decided_by": row.decided_by,
        "action_reason": row.action_reason,
        "version": row.version,
        "content_hash": row.content_hash,
        "delivered_at": moment(row.delivered_at),
        "outcome": row.outcome,
    }


def card(row: Intervention) -> JSON:
    """The few fields a card in the queue shows; a row that was read with these columns only is enough."""
    return {
        "request_id": row.request_id,
        "uow_id": row.uow_id,
        "intervention_type": row.intervention_type,
        "status": row.status,
        "priority": Priority(row.priority).word,
        "title": row.title,
        "tags": row.tags,
        "response_schema": row.response_schema,
        "response": row.response,
        "required_role": row.required_role,
        "approvals_required": row.approvals_required,
        "approvals": [approval(item) for item in row.given_approvals()],
        "created_at": moment(row.created_at),
        "expires_at": moment(row.expires_at),
        "assigned_to": row.assigned_to,
        "version": row.version,
    }


def approval(row: Approval) -> JSON:
    return {"pilot_id": row.pilot_id, "at": moment(row.at), "action_reason": row.action_reason}


def event(row: Event) -> JSON:
    return {
        "seq": row.seq,
        "type": row.type,
        "request_id": row.request_id,
        "at": moment(row.at),
        "actor": row.actor,
        "data": row.data,
    }


def dumps(value: object) -> bytes:
    return orjson.dumps(value)
