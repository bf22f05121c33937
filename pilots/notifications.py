"""What is a pilot told of while they do not look, and how? As they choose for each priority; the rest by default."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from pilots import duty
from pilots.errors import InvalidInput
from pilots.inputs import Schema, check, object_of
from pilots.models import Pilot

MAIL = {"at_once": "At once", "digest": "Digest", "off": "Off"}
PUSH = {"on": "On", "off": "Off"}
# By channel, what can be chosen.
WAYS: Final[Mapping[str, Mapping[str, str]]] = {"mail": MAIL, "push": PUSH}
LABELS: Final[Mapping[str, str]] = {"mail": "E-mail", "push": "Push"}
DIGESTS = {
    "quarter": "Every 15 minutes",
    "hour": "Every hour",
    "day": "Once a day, when my working hours begin",
}
_STEP_SECONDS = {"quarter": 15 * 60, "hour": 3600}

# Most requests live for an hour: a digest that comes once in an hour would tell of many too late.
DIGEST = "quarter"
DEFAULTS: Final[Mapping[str, Mapping[str, str]]] = {
    "critical": {"mail": "at_once", "push": "on"},
    "high": {"mail": "digest", "push": "on"},
    "normal": {"mail": "off", "push": "off"},
    "low": {"mail": "off", "push": "off"},
}

_WAY: Schema = object_of({channel: {"enum": list(ways)} for channel, ways in WAYS.items()})
BY_PRIORITY: Schema = object_of(dict.fromkeys(DEFAULTS, _WAY))
DIGEST_EVERY: Schema = {"enum": list(DIGESTS)}
# What of `notifications` has a meaning here; everything else in it is left alone.
KNOWN: Final[Mapping[str, Schema]] = {
    "quiet_hours": duty.QUIET,
    "by_priority": BY_PRIORITY,
    "digest_every": DIGEST_EVERY,
}
_STORED: Schema = object_of(KNOWN)


def way(pilot: Pilot, priority: str, channel: str) -> str:
    """How this channel tells the pilot of a request of this priority."""
    return rules(pilot)[priority][channel]


def rules(pilot: Pilot) -> dict[str, dict[str, str]]:
    """By priority and channel. What makes no sense, by whatever hand, counts as not chosen."""
    chosen = _stored(pilot, "by_priority")
    return {priority: {**ways, **_sensible(priority, chosen)} for priority, ways in DEFAULTS.items()}


def digest_every(pilot: Pilot) -> str:
    every = _stored(pilot, "digest_every")
    return every if _makes_sense("digest_every", every) else DIGEST


def next_digest(pilot: Pilot, at: datetime) -> datetime:
    """When what comes to the digest at this moment goes out: all of it at the same one."""
    every = digest_every(pilot)
    if every == "day":
        return duty.next_start(pilot, at)
    step = _STEP_SECONDS[every]
    return datetime.fromtimestamp((at.timestamp() // step + 1) * step, UTC)


def merged(stored: object, changes: Mapping[str, Any]) -> dict[str, Any]:
    """`notifications` with some of KNOWN changed; of the rules those that are named."""
    kept = dict(stored) if isinstance(stored, dict) else {}
    changed = dict(changes)
    if "by_priority" in changed:
        found = kept.get("by_priority")
        before: dict[str, dict[str, str]] = (
            found if isinstance(found, dict) and _makes_sense("by_priority", found) else {}
        )
        changed["by_priority"] = before | {
            priority: before.get(priority, {}) | ways for priority, ways in changed["by_priority"].items()
        }
    return kept | changed


def _sensible(priority: str, chosen: object) -> dict[str, str]:
    ways = chosen.get(priority) if isinstance(chosen, dict) else None
    found = ways.items() if isinstance(ways, dict) else ()
    return {channel: value for channel, value in found if isinstance(value, str) and value in WAYS.get(channel, {})}


def _stored(pilot: Pilot, name: str) -> Any:
    return pilot.notifications.get(name) if isinstance(pilot.notifications, dict) else None


def _makes_sense(name: str, stored: object) -> bool:
    try:
        check(_STORED, {name: stored})
    except InvalidInput:
        return False
    return True
