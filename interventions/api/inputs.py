"""What each operation on interventions reads: the schemas that check it are the ones that document it."""

from typing import Any

from interventions import content
from interventions.lifecycle import Priority, Status, Type
from interventions.listing import DEFAULT_ORDERING, LIMIT, MAX_LIMIT, ORDERINGS, Filters
from pilots.errors import InvalidInput
from pilots.inputs import Schema, object_of
from pilots.parameters import MOMENT
from pilots.strict_json import MAX_INTEGER

MAX_BATCH = 500
MAX_DECIDE = 200
MAX_REASON = 2000

UOW_ID: Schema = content.CREATE["properties"]["uow_id"]
REASON: Schema = {"type": ["string", "null"], "maxLength": MAX_REASON}
SPOKEN_REASON: Schema = {
    "type": "string",
    "maxLength": MAX_REASON,
    "pattern": r"\S",
    "description": "must say why: it may not be blank",
}
_LIMIT: Schema = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": LIMIT}
_CURSOR: Schema = {"type": "string", "maxLength": 500, "description": "must be taken from `next` of the page before"}
_PILOT: Schema = {"type": "string", "maxLength": 255}


def _wait(default: int) -> Schema:
    return {"type": "integer", "minimum": 0, "maximum": 60, "default": default}


# Query parameters

LIST = object_of(
    {
        "status": {"type": "string", "enum": [status.value for status in Status]},
        "priority": {"type": "string", "enum": [level.word for level in Priority]},
        "intervention_type": {"type": "string", "enum": [kind.value for kind in Type]},
        "assigned_to": _PILOT,
        "uow_id": {"type": "string", "maxLength": 255},
        "tag": {"type": "string", "maxLength": 50},
        "q": {"type": "string", "maxLength": 255},
        "created_after": MOMENT,
        "created_before": MOMENT,
        "ordering": {"type": "string", "enum": list(ORDERINGS), "default": DEFAULT_ORDERING},
        "limit": _LIMIT,
        "cursor": _CURSOR,
    }
)
TRAIL = object_of({"limit": _LIMIT, "cursor": _CURSOR})
PENDING = object_of(
    {
        "pilot_id": _PILOT,
        "limit": _LIMIT,
        "offset": {"type": "integer", "minimum": 0, "maximum": MAX_INTEGER, "default": 0},
    }
)
DECISION = object_of({"wait": _wait(30)})
LOG = object_of(
    {
        "after": {"type": "integer", "minimum": 0, "maximum": MAX_INTEGER, "default": 0},
        "epoch": {"type": "string", "maxLength": 64},
        "limit": _LIMIT,
        "wait": _wait(0),
    }
)
REASON_PARAMETER = object_of({"action_reason": {"type": "string", "maxLength": MAX_REASON}})

# Bodies


def _batch_of(item: Schema) -> Schema:
    rule = {"type": "array", "items": item, "minItems": 1, "maxItems": MAX_BATCH}
    return object_of({"interventions": rule}, required=("interventions",))


# Each item is checked by itself, as a single one is.
BATCH = _batch_of({"type": "object"})
SHOWN_BATCH = _batch_of({"$ref": "#/components/schemas/NewIntervention"})
CLAIM = object_of({"take_over": {"type": "boolean", "default": False}})
ASSIGN = object_of({"pilot_id": _PILOT | {"minLength": 1}}, required=("pilot_id",))
COMMENT = object_of(
    {"text": SPOKEN_REASON | {"description": "must say something: it may not be blank"}}, required=("text",)
)
EXTEND = object_of({"expires_in_seconds": content.EXPIRES_IN}, required=("expires_in_seconds",))
VERDICT = object_of(
    {
        "action_reason": REASON,
        "response": {"type": ["object", "null"]},
        "version": {"type": "integer", "minimum": 1, "maximum": MAX_INTEGER},
        "content_hash": {"type": "string", "maxLength": 64},
    }
)
DECIDE = object_of(
    {
        "request_ids": {
            "type": "array",
            "items": {"type": "string", "minLength": 1, "maxLength": 255},
            "maxItems": MAX_DECIDE,
        },
        "verdict": {"type": "string", "enum": ["approve", "reject"]},
        "action_reason": REASON,
    },
    required=("request_ids", "verdict"),
)
COMPLETE = object_of({"outcome": {"type": ["object", "null"], "default": None}})
CANCEL = object_of({"action_reason": REASON})
KILL_SWITCH = object_of({"instance_id": UOW_ID, "reason": SPOKEN_REASON}, required=("instance_id", "reason"))
CLARIFICATION = object_of({"text": SPOKEN_REASON}, required=("text",))
WAIVE = object_of({"reason": SPOKEN_REASON}, required=("reason",))
CANCEL_UOW = object_of({"reason": {"type": "string", "maxLength": MAX_REASON}}, required=("reason",))

# Headers

IDEMPOTENCY_KEY: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": 255,
    "pattern": r"^[\x20-\x7e]*$",
    "description": "must be 1 to 255 printable ASCII characters, new for each attempt at something new",
}


def filters_of(query: dict[str, Any]) -> Filters:
    """The narrowing part of a list's query."""
    return Filters(**{name: value for name, value in query.items() if name not in ("ordering", "limit", "cursor")})


def drafts_of(items: list[Any]) -> list[content.Draft]:
    """The drafts of a batch; raises InvalidInput that names each wrong field as `interventions.<index>.<field>`."""
    drafts: list[content.Draft] = []
    errors: dict[str, list[str]] = {}
    for index, item in enumerate(items):
        try:
            drafts.append(content.draft_of(item))
        except InvalidInput as error:
            errors |= {f"interventions.{index}.{name}": texts for name, texts in (error.errors or {}).items()}
    if errors:
        name, texts = next(iter(errors.items()))
        raise InvalidInput(f"{name}: {texts[0]} ({len(errors)} wrong in all)", errors=errors)
    return drafts


def spoken(*reasons: str | None) -> str | None:
    """The first reason that says something: a blank one counts as none."""
    return next((reason for reason in reasons if reason and reason.strip()), None)
