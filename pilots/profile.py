"""What pilots may change about themselves, and the rules for it."""

from typing import Any
from zoneinfo import available_timezones

import orjson

from pilots.errors import InvalidInput
from pilots.inputs import Schema, object_of
from pilots.models import Pilot

MAX_FREE_FORM_BYTES = 8 * 1024

_FREE_FORM: Schema = {"type": "object", "maxProperties": 50}
CHANGES: Schema = object_of(
    {
        "name": {
            "type": "string",
            "maxLength": 255,
            "pattern": r"\S",
            "description": "must hold more than white space",
        },
        "timezone": {"type": "string", "maxLength": 64},
        "expertise_tags": {
            "type": "array",
            "items": {"type": "string", "minLength": 1, "maxLength": 50},
            "maxItems": 50,
        },
        # By day, `{"mon": ["09:00", "17:00"]}`, in the pilot's own time zone; a day left out is a day off.
        "working_hours": _FREE_FORM,
        "on_duty": {"type": "boolean"},
        # What to be told of and how, `{"email": true}`.
        "notifications": _FREE_FORM,
    }
)


def change(pilot: Pilot, changes: dict[str, Any]) -> Pilot:
    """The pilot as changed; `changes` have passed CHANGES. Raises InvalidInput for what a schema cannot say."""
    if "timezone" in changes and changes["timezone"] not in available_timezones():
        raise InvalidInput.field("timezone", "must be the name of a time zone, as Europe/Berlin")
    for name in ("working_hours", "notifications"):
        if len(orjson.dumps(changes.get(name, {}))) > MAX_FREE_FORM_BYTES:
            raise InvalidInput.field(name, f"must be at most {MAX_FREE_FORM_BYTES // 1024} KiB as JSON")
    for name, value in changes.items():
        setattr(pilot, name, value)
    if changes:
        pilot.save(update_fields=list(changes))
    return pilot
