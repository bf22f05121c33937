"""How the console looks and listens for one pilot, whatever the device."""

from typing import Any

from pilots.errors import InvalidInput
from pilots.inputs import Schema, check, object_of
from pilots.models import Pilot

THEMES = {"system": "System", "light": "Light", "dark": "Dark", "contrast": "High contrast"}
DENSITIES = {"comfortable": "Comfortable", "compact": "Compact"}
CHANGES: Schema = object_of(
    {
        "theme": {"enum": list(THEMES)},
        "density": {"enum": list(DENSITIES)},
        # Whether single letters are commands.
        "letters": {"type": "boolean"},
        # Own keys by command, '' for none; which there are is not known here.
        "keys": {
            "type": "object",
            "maxProperties": 60,
            "additionalProperties": {"type": "string", "maxLength": 24},
        },
    }
)


def of(pilot: Pilot) -> dict[str, Any]:
    """Those that are chosen. What makes no sense, by whatever hand, counts as not chosen."""
    stored = pilot.preferences if isinstance(pilot.preferences, dict) else {}
    return {name: value for name, value in stored.items() if name in CHANGES["properties"] and _fits(name, value)}


def _fits(name: str, value: object) -> bool:
    try:
        check(CHANGES, {name: value})
    except InvalidInput:
        return False
    return True
