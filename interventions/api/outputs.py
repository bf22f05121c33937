"""What operations on interventions answer, as JSON Schemas: for the API's document, and for tests that hold it true."""

from interventions.content import CREATE
from interventions.lifecycle import EventType, Status
from pilots.inputs import Schema

MOMENT: Schema = {"type": "string", "format": "date-time"}
_TEXT: Schema = {"type": "string"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_NULL: Schema = {"type": "null"}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, _NULL]}


def _all_of(properties: dict[str, Schema]) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _asked(name: str) -> Schema:
    return {key: value for key, value in CREATE["properties"][name].items() if key not in ("default", "description")}


APPROVAL = _all_of({"pilot_id": _TEXT, "at": MOMENT, "action_reason": _or_null(_TEXT)})
INTERVENTION = _all_of(
    {
        name: _asked(name)
        for name in ("request_id", "uow_id", "intervention_type", "priority", "title", "description", "context", "tags")
    }
    | {
        "status": {"type": "string", "enum": [status.value for status in Status]},
        "response_schema": _or_null({"type": "object"}),
        "response": _or_null({"type": "object"}),
        "required_role": {"type": "string", "enum": ["OPERATOR", "ADMIN"]},
        "approvals_required": _asked("approvals_required"),
        "approvals": {"type": "array", "items": APPROVAL},
        "created_at": MOMENT,
        "updated_at": MOMENT,
        "expires_at": _or_null(MOMENT),
        "action_timestamp": _or_null(MOMENT),
        "assigned_to": _or_null(_TEXT),
        "claimed_until": _or_null(MOMENT),
        "decided_by": _or_null(_TEXT),
        "action_reason": _or_null(_TEXT),
        "version": {"type": "integer", "minimum": 1},
        "content_hash": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "delivered_at": _or_null(MOMENT),
        "outcome": _or_null({"type": "object"}),
    }
)
EVENT = _all_of(
    {
        "seq": {"type": "integer", "minimum": 1},
        # The set may grow: clients ignore what they don't know.
        "type": {"type": "string", "examples": [kind.value for kind in EventType]},
        "request_id": _TEXT,
        "at": MOMENT,
        "actor": _TEXT,
        "data": {"type": "object"},
    }
)
METRICS = _all_of(
    {
        f"{name}_interventions": _COUNT
        for name in (
            "total",
            "pending",
            "in_progress",
            "approved",
            "rejected",
            "expired",
            "completed",
            "cancelled",
        )
    }
    | {
        "avg_resolution_time_seconds": {"type": "number", "minimum": 0},
        "approval_rate": {"type": "number", "minimum": 0, "maximum": 1},
        "oldest_pending_seconds": _or_null({"type": "number", "minimum": 0}),
        "by_type": {"type": "object", "additionalProperties": _COUNT},
        "by_priority": {"type": "object", "additionalProperties": _COUNT},
        "top_pilots": {
            "type": "array",
            "maxItems": 10,
            "items": _all_of({"pilot_id": _TEXT, "interventions": _COUNT}),
        },
        "seq": _COUNT,
        "epoch": _TEXT,
    }
)


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def page_of(item: Schema) -> Schema:
    return _all_of({"results": {"type": "array", "items": item}, "next": _or_null({"type": "string", "format": "uri"})})


LIST = page_of(ref("Intervention"))
TRAIL = page_of(ref("Event"))
PENDING: Schema = {"type": "array", "items": ref("Intervention")}
RESULTS = _all_of({"results": {"type": "array", "items": ref("Intervention")}})
LOG = _all_of({"epoch": _TEXT, "results": {"type": "array", "items": ref("Event")}, "next_after": _COUNT})
VERDICTS = _all_of(
    {
        "results": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"request_id": _TEXT, "status": _or_null(_TEXT), "code": _TEXT},
                "required": ["request_id", "status"],
            },
        }
    }
)
_COMMAND: dict[str, Schema] = {"success": {"const": True}, "message": _TEXT, "request_id": _TEXT}
KILLED = _all_of(_COMMAND | {"paused_uow_count": _COUNT})
WAIVED = _all_of(_COMMAND | {"waiver_logged": {"const": True}})
MOVED = _all_of(_COMMAND | {"new_status": {"type": "string", "enum": ["ACTIVE", "FAILED", "PENDING"]}})
_LINE: dict[str, Schema] = {
    "organization": _TEXT,
    "name": _TEXT,
    "pilots": _COUNT,
    "api_keys": _COUNT,
    "oldest_pending_at": {"anyOf": [MOMENT, _NULL]},
    "last_activity_at": {"anyOf": [MOMENT, _NULL]},
}
REPORT = _all_of(
    {
        "totals": ref("OrganizationTotals"),
        "organizations": {
            "type": "array",
            "items": {"allOf": [ref("OrganizationTotals"), _all_of(_LINE)]},
        },
    }
)
TOTALS = _all_of(
    {
        f"{name}_interventions": _COUNT
        for name in ("total", "pending", "in_progress", "approved", "rejected", "expired", "completed", "cancelled")
    }
)
COMPONENTS: dict[str, Schema] = {
    "Intervention": INTERVENTION,
    "Event": EVENT,
    "Metrics": METRICS,
    "OrganizationTotals": TOTALS,
}
