"""How much more time a pilot may give a request, and when that is."""

from math import ceil

from interventions.content import MAX_LIFETIME_SECONDS
from interventions.models import Intervention
from pilots import database
from pilots.errors import InvalidInput

_NEVER = "never"
CHOICES = {
    "900": "15 minutes",
    "3600": "1 hour",
    "14400": "4 hours",
    "86400": "1 day",
    _NEVER: "No deadline",
}


def choices_for(row: Intervention) -> list[tuple[str, str]]:
    """What the menu offers; without a deadline there is none to take away."""
    return [(value, label) for value, label in CHOICES.items() if row.expires_at is not None or value != _NEVER]


def seconds_from_now(row: Intervention, chosen: str) -> int | None:
    """The new deadline as `actions.extend` takes it. "1 hour" never brings one forward that is three hours off."""
    if chosen not in CHOICES:
        raise InvalidInput.field("more", "Choose how much more time it gets.")
    if chosen == _NEVER:
        return None
    left = (row.expires_at - database.now()).total_seconds() if row.expires_at else 0
    return min(ceil(max(left, 0)) + int(chosen), MAX_LIFETIME_SECONDS)
