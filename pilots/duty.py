"""When is a pilot on duty, and what may ring then? By their switch, their working hours and their quiet hours."""

from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from pilots import zones
from pilots.errors import InvalidInput
from pilots.inputs import Schema, check, object_of
from pilots.models import Pilot

DAYS = {"mon": "Monday", "tue": "Tuesday", "wed": "Wednesday", "thu": "Thursday", "fri": "Friday"}
DAYS |= {"sat": "Saturday", "sun": "Sunday"}
_NAMES = list(DAYS)
MORNING = "09:00"
_TIME: Schema = {
    "type": "string",
    "pattern": r"^([01]\d|2[0-3]):[0-5]\d$",
    "description": "must be a time of day, as 09:00",
}
_SPAN: Schema = {"type": "array", "items": _TIME, "minItems": 2, "maxItems": 2}
# By day, `{"mon": ["09:00", "17:00"]}`, in the pilot's own time zone; a day left out is a day off, none at all means
# that no hours are kept. A day that ends before it begins ends on the next.
HOURS: Schema = object_of(dict.fromkeys(DAYS, _SPAN))
# The same of any day; null: none are kept.
QUIET: Schema = object_of({"from": _TIME, "to": _TIME, "critical_rings": {"type": "boolean"}}, required=("from", "to"))
QUIET = QUIET | {"type": ["object", "null"]}
_STORED: Schema = object_of({"hours": HOURS, "quiet": QUIET})
# The tiles ask it of every member each time they are drawn, and most keep the same hours as somebody else.
_REMEMBERED = 4096


def require_sense(hours: dict[str, list[str]], quiet: dict[str, Any] | None) -> None:
    """What a schema cannot say: whatever begins and ends at the same time could mean all of it or nothing."""
    for day, (begin, end) in hours.items():
        if begin == end:
            raise InvalidInput.field(f"working_hours.{day}", "must end at another time than it begins")
    if quiet and quiet["from"] == quiet["to"]:
        raise InvalidInput.field("quiet_hours.to", "must be another time than the one before")


def state(pilot: Pilot, at: datetime) -> str:
    """`on`, `off` as the pilot says, or `outside` the hours they keep."""
    if not pilot.on_duty:
        return "off"
    return "on" if _is_working(hours_of(pilot), at.astimezone(zone_of(pilot))) else "outside"


def rings(pilot: Pilot, at: datetime, device_zone: str = "") -> str:
    """What may ring on the pilot's devices: `all`, `critical` or `none`. Quiet hours are those of the place where the
    device is, unless a time zone is chosen."""
    if state(pilot, at) != "on":
        return "none"
    quiet = quiet_of(pilot)
    local = at.astimezone(zone_of(pilot, device_zone)).strftime("%H:%M")
    if quiet is None or not _is_between(local, quiet["from"], quiet["to"]):
        return "all"
    return "critical" if quiet.get("critical_rings") else "none"


def next_start(pilot: Pilot, at: datetime) -> datetime:
    """When the pilot's working hours begin next; of who keeps none, in the morning."""
    zone, hours = zone_of(pilot), hours_of(pilot)
    today = at.astimezone(zone).date()
    for days in range(8):
        date = today + timedelta(days=days)
        begin = hours.get(_NAMES[date.weekday()], [""])[0] if hours else MORNING
        if begin and (start := datetime.combine(date, time.fromisoformat(begin), zone)) > at:
            return start.astimezone(UTC)
    raise AssertionError("hours that are kept begin within a week")


def zone_of(pilot: Pilot, otherwise: str = "") -> ZoneInfo:
    name = next((name for name in (pilot.timezone, otherwise) if zones.is_known(name)), "UTC")
    return ZoneInfo(name)


def hours_of(pilot: Pilot) -> dict[str, list[str]]:
    """What makes no sense, by whatever hand, counts as none."""
    return pilot.working_hours if _makes_sense("hours", pilot.working_hours) else {}


def quiet_of(pilot: Pilot) -> dict[str, Any] | None:
    stored = pilot.notifications.get("quiet_hours") if isinstance(pilot.notifications, dict) else None
    return stored if _makes_sense("quiet", stored) else None


def _makes_sense(name: str, stored: object) -> bool:
    try:
        return _is_valid(name, orjson.dumps(stored))
    except TypeError:
        # A number beyond what JSON is read for; nobody's hours have one.
        return False


@lru_cache(_REMEMBERED)
def _is_valid(name: str, text: bytes) -> bool:
    try:
        check(_STORED, {name: orjson.loads(text)})
    except InvalidInput:
        return False
    return True


def _is_working(hours: dict[str, list[str]], local: datetime) -> bool:
    if not hours:
        return True
    now, today = local.strftime("%H:%M"), local.weekday()
    begin, end = hours.get(_NAMES[today], ["", ""])
    # Of a day that goes on over midnight the evening is today's, the morning is the next day's.
    if begin and begin <= now and (now < end or end < begin):
        return True
    begin, end = hours.get(_NAMES[today - 1], ["", ""])
    return end < begin and now < end


def _is_between(now: str, begin: str, end: str) -> bool:
    return begin <= now < end if begin < end else now >= begin or now < end
