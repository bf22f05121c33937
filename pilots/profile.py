"""What pilots may change about themselves, and the rules for it."""

from typing import Any

import orjson

from pilots import duty, expertise, notifications, preferences, zones
from pilots.database import writing
from pilots.errors import InvalidInput
from pilots.inputs import Schema, object_of
from pilots.models import Pilot

MAX_FREE_FORM_BYTES = 8 * 1024

_NOTIFICATIONS: Schema = {"type": "object", "maxProperties": 50, "properties": dict(notifications.KNOWN)}
CHANGES: Schema = object_of(
    {
        "name": {
            "type": "string",
            "maxLength": 255,
            "pattern": r"\S",
            "description": "must hold more than white space",
        },
        # Null: none is chosen.
        "timezone": {"type": ["string", "null"], "maxLength": 64},
        "expertise_tags": expertise.TAGS,
        "working_hours": duty.HOURS,
        "on_duty": {"type": "boolean"},
        # What to be told of and how: `pilots.notifications`; what a program keeps there besides is left alone.
        "notifications": _NOTIFICATIONS,
    }
)

# What pages save besides; the API's Pilot is the contract's, and looks are no business of programs.
OWN: Schema = object_of(CHANGES["properties"] | {"preferences": preferences.CHANGES} | dict(notifications.KNOWN))


def change(pilot: Pilot, changes: dict[str, Any]) -> Pilot:
    """The pilot as changed; `changes` have passed CHANGES or OWN. Raises InvalidInput for what a schema cannot say.

    Of preferences those that are named are changed, the others stay.
    """
    _require_sense(changes)
    with writing():
        row = Pilot.objects.select_for_update(no_key=True).get(pk=pilot.pk)
        stored = _stored(row, changes)
        for name, value in stored.items():
            setattr(row, name, value)
        if stored:
            row.save(update_fields=list(stored))
    return row


def _require_sense(changes: dict[str, Any]) -> None:
    zone = changes.get("timezone")
    if zone is not None and not zones.is_known(zone):
        raise InvalidInput.field("timezone", "must be the name of a time zone, as Europe/Berlin")
    told = changes.get("notifications", {})
    if len(orjson.dumps(told)) > MAX_FREE_FORM_BYTES:
        raise InvalidInput.field("notifications", f"must be at most {MAX_FREE_FORM_BYTES // 1024} KiB as JSON")
    quiet = changes.get("quiet_hours", told.get("quiet_hours"))
    duty.require_sense(changes.get("working_hours", {}), quiet)


def _stored(row: Pilot, changes: dict[str, Any]) -> dict[str, Any]:
    stored = dict(changes)
    if "timezone" in stored:
        stored["timezone"] = stored["timezone"] or ""
    if "expertise_tags" in stored:
        stored["expertise_tags"] = expertise.each_once(stored["expertise_tags"])
    if "preferences" in stored:
        stored["preferences"] = preferences.of(row) | stored["preferences"]
    known = {name: stored.pop(name) for name in notifications.KNOWN if name in stored}
    if known:
        stored["notifications"] = notifications.merged(stored.get("notifications", row.notifications), known)
    return stored
