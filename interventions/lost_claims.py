"""How a pilot came to lose the claim they last had on a request, read from its events."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from interventions.lifecycle import EventType


@dataclass(frozen=True, slots=True)
class LostClaim:
    """`how` is taken, lapsed, returned or assigned; `by` whoever did it, None where only time did; `at` on the wire."""

    how: str
    at: str
    by: str | None = None
    to: str | None = None


def lost_claim(trail: Iterable[Mapping[str, Any]], pilot_id: str, lapsed_at: str | None = None) -> LostClaim | None:
    """What ended the pilot's last claim; None while it lives, where they ended it themselves, or never had one.

    `trail` is on the wire, oldest first; `lapsed_at` when the claim that stands ran out, before any sweep has told it.
    """
    is_held, lost = False, None
    for event in trail:
        if event["type"] == EventType.CLAIMED and event["actor"] == pilot_id:
            is_held, lost = True, None
        elif is_held and event["type"] in (EventType.CLAIMED, EventType.RELEASED, EventType.ASSIGNED):
            is_held, lost = False, _ended(event, pilot_id)
        elif _settles(event, pilot_id):
            lost = None
    if is_held and lapsed_at is not None:
        return LostClaim("lapsed", lapsed_at)
    return lost


def _settles(event: Mapping[str, Any], pilot_id: str) -> bool:
    """True where the loss is of no concern any more: they have had their say since, or were given it."""
    if event["type"] == EventType.APPROVAL_ADDED:
        return bool(event["actor"] == pilot_id)
    return bool(event["type"] == EventType.ASSIGNED and event["data"].get("assigned_to") == pilot_id)


def _ended(event: Mapping[str, Any], pilot_id: str) -> LostClaim | None:
    """By this event the claim was over."""
    by, at, data = event["actor"], event["at"], event["data"]
    if by == pilot_id:
        return None
    if event["type"] == EventType.CLAIMED:
        # Without `from` there was nothing left to take: the time had run out before.
        return LostClaim("taken" if data.get("from") == pilot_id else "lapsed", at, by)
    if event["type"] == EventType.ASSIGNED:
        to = data.get("assigned_to")
        return None if to == pilot_id else LostClaim("assigned", at, by, to)
    return LostClaim("lapsed", at) if data.get("lapsed") else LostClaim("returned", at, by)
