"""What does a trusted program's word make of a request? No role is asked, reasons may lack, and no claim binds.

One answer for the store's tables and for its memory: each only writes down the steps that come out here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from interventions.errors import Conflict
from interventions.lifecycle import OPEN, EventType, Status, assignee, closed, is_past

# Who acts where nobody is named.
NOBODY = "system"


class Standing(Protocol):
    """A request as it stands: a row, or what stands for one in memory."""

    @property
    def status(self) -> str: ...
    @property
    def assigned_to(self) -> str | None: ...
    @property
    def claimed_until(self) -> datetime | None: ...
    @property
    def expires_at(self) -> datetime | None: ...
    @property
    def decided_by(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Word:
    """What it is to be; None: nothing is said of the pilot, or of why."""

    status: Status
    assigned_to: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One event, and the fields it changes."""

    event_type: EventType
    changes: dict[str, Any]


def actor_of(row: Standing, word: Word, now: datetime) -> str:
    """Who acts: the pilot named, else the one it is with."""
    return word.assigned_to or assignee(row.assigned_to, row.claimed_until, now) or NOBODY


def steps(row: Standing, word: Word, now: datetime) -> list[Step]:
    """What has to happen, in order; nothing, where all is as it shall be already. Raises Conflict where it may not."""
    if row.status == Status.APPROVED and word.status == Status.COMPLETED:
        return [Step(EventType.COMPLETED, {"status": Status.COMPLETED} | _said(word))]
    # Only the end that has come may still be written down once it is past.
    late = word.status == Status.EXPIRED and row.status in OPEN
    if not late and (code := closed(row.status, row.expires_at, now)):
        raise Conflict.closed(code, row.status, row.decided_by)
    found = _STEPS[word.status](row, word, now)
    return [step for step in found if any(getattr(row, name) != value for name, value in step.changes.items())]


def _back(row: Standing, word: Word, now: datetime) -> list[Step]:
    """Released, or put into the queue of the pilot named."""
    given = word.assigned_to is not None
    if not given and row.status == Status.PENDING and row.assigned_to is None:
        raise Conflict("Nobody has it; there is nothing to release.")
    changes = {"status": Status.PENDING, "assigned_to": word.assigned_to, "claimed_until": None} | _said(word)
    return [Step(EventType.ASSIGNED if given else EventType.RELEASED, changes)]


def _claimed(row: Standing, word: Word, now: datetime) -> list[Step]:
    changes = {"status": Status.IN_PROGRESS, "assigned_to": _assigned(row, word, now), "claimed_until": None}
    return [Step(EventType.CLAIMED, changes | _said(word))]


def _approved(row: Standing, word: Word, now: datetime) -> list[Step]:
    decided_by = {"decided_by": actor_of(row, word, now)}
    return [Step(EventType.APPROVED, _ended(row, word, now) | decided_by | {"status": Status.APPROVED})]


def _rejected(row: Standing, word: Word, now: datetime) -> list[Step]:
    decided_by = {"decided_by": actor_of(row, word, now)}
    return [Step(EventType.REJECTED, _ended(row, word, now) | decided_by)]


def _completed(row: Standing, word: Word, now: datetime) -> list[Step]:
    """Only what was approved can be completed; whoever completes it has approved it."""
    return [*_approved(row, word, now), Step(EventType.COMPLETED, {"status": Status.COMPLETED})]


def _cancelled(row: Standing, word: Word, now: datetime) -> list[Step]:
    return [Step(EventType.CANCELLED, _ended(row, word, now))]


def _expired(row: Standing, word: Word, now: datetime) -> list[Step]:
    """Nothing expires before its time: where that is still ahead, it ends now."""
    deadline = {} if is_past(row.expires_at, now) else {"expires_at": now}
    return [Step(EventType.EXPIRED, _ended(row, word, now) | deadline)]


_STEPS: dict[Status, Callable[[Standing, Word, datetime], list[Step]]] = {
    Status.PENDING: _back,
    Status.IN_PROGRESS: _claimed,
    Status.APPROVED: _approved,
    Status.REJECTED: _rejected,
    Status.COMPLETED: _completed,
    Status.CANCELLED: _cancelled,
    Status.EXPIRED: _expired,
}


def _ended(row: Standing, word: Word, now: datetime) -> dict[str, Any]:
    changes = {"status": word.status, "action_timestamp": now, "assigned_to": _assigned(row, word, now)}
    return changes | {"claimed_until": None} | _said(word)


def _assigned(row: Standing, word: Word, now: datetime) -> str | None:
    return word.assigned_to or assignee(row.assigned_to, row.claimed_until, now)


def _said(word: Word) -> dict[str, Any]:
    """What was said; what was not stays as it is."""
    said = {"assigned_to": word.assigned_to, "action_reason": word.reason}
    return {name: value for name, value in said.items() if value is not None}
