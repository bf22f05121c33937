"""What a program hands to the store: checked once, for whichever store it is."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from interventions import content
from interventions.content import MAX_LIFETIME_SECONDS, Draft
from interventions.lifecycle import Priority, Status
from interventions.trust import Word
from pilots import strict_json
from pilots.errors import InvalidInput
from pilots.inputs import Schema, check, object_of

# Beyond what any table holds, and within what every database counts to.
_MOST = 2**40
# Nothing that is kept here is as old as that, and no calendar begins before.
_MOST_DAYS = 365 * 1000
_STATUS: Schema = {"type": "string", "enum": [status.value for status in Status]}
_PILOT: Schema = {
    "type": ["string", "null"],
    "minLength": 1,
    "maxLength": 255,
    "pattern": r"^[^\u0000-\u001f\u007f-\u009f]*$",
    "description": "must hold no control characters",
}
_UPDATE = object_of(
    {"status": _STATUS, "action_reason": {"type": ["string", "null"], "maxLength": 2000}, "assigned_to": _PILOT}
)
_FILTER = object_of(
    {
        "status": _STATUS,
        "priority": {"type": "string", "enum": [level.word for level in Priority]},
        "pilot_id": _PILOT,
    }
)


def draft_of(
    request_id: object,
    uow_id: object,
    intervention_type: object,
    title: object,
    description: object,
    priority: object,
    context: object,
    required_role: object,
    expires_in_seconds: object,
) -> Draft:
    """The draft of a request. Its lifetime may be negative here: then its time is over from the beginning."""
    values = _plain(
        {
            "request_id": request_id,
            "uow_id": uow_id,
            "intervention_type": intervention_type,
            "title": title,
            "description": description,
            "priority": priority,
            "context": {} if context is None else context,
            "required_role": required_role,
        }
    )
    return replace(content.draft_of(values), expires_in_seconds=_lifetime_of(expires_in_seconds))


def word_of(status: object, reason: object, assigned_to: object) -> Word:
    values = check(_UPDATE, _plain({"status": status, "action_reason": reason, "assigned_to": assigned_to}))
    said: str | None = values["action_reason"]
    # A blank reason counts as none.
    return Word(Status(values["status"]), values["assigned_to"], said if said and said.strip() else None)


def filters_of(**asked: object) -> dict[str, Any]:
    """The filters given, each of a kind there is: `status`, `priority` (as its number), `pilot_id`."""
    values = check(_FILTER, _plain(asked))
    return values | ({"priority": Priority.of(values["priority"])} if "priority" in values else {})


def pilot_of(pilot_id: object) -> str:
    if pilot_id is None:
        raise InvalidInput.field("pilot_id", "is required")
    pilot: str = filters_of(pilot_id=pilot_id)["pilot_id"]
    return pilot


def is_id(request_id: object) -> bool:
    """False for a text that can be no request's id: there is none of it, in any store."""
    if not isinstance(request_id, str):
        raise InvalidInput.field("request_id", "must be a string")
    return len(request_id) <= 255 and re.fullmatch(r"[A-Za-z0-9._:-]+", request_id) is not None


def count_of(name: str, value: object) -> int:
    """`limit` or `offset`: any whole number from 0 on."""
    if type(value) is not int or value < 0:
        raise InvalidInput.field(name, "must be a whole number from 0 on")
    return min(value, _MOST)


def age_of(days: object) -> timedelta:
    return timedelta(days=min(count_of("days", days), _MOST_DAYS))


def _lifetime_of(seconds: object) -> int | None:
    if seconds is None:
        return None
    if type(seconds) is not int or abs(seconds) > MAX_LIFETIME_SECONDS:
        raise InvalidInput.field(
            "expires_in_seconds", f"must be a whole number within ±{MAX_LIFETIME_SECONDS:,}, or None for never"
        )
    return seconds or None


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as JSON gives them back, and so nobody else's; raises InvalidInput for what JSON cannot carry."""
    return {name: _plain_value(name, value) for name, value in values.items()}


def _plain_value(name: str, value: object) -> Any:
    try:
        text = json.dumps(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput.field(name, "must be made of JSON's texts, numbers, lists and objects only") from error
    try:
        return strict_json.loads(text)
    except InvalidInput as error:
        raise InvalidInput.field(name, error.detail) from error
