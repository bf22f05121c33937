"""The states of an intervention and the ways between them: pure rules, nothing stored here."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum


class Status(StrEnum):
    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"


class Type(StrEnum):
    KILL_SWITCH = "kill_switch"
    CLARIFICATION = "clarification"
    WAIVE_VIOLATION = "waive_violation"
    RESUME = "resume"
    CANCEL = "cancel"


class Priority(IntEnum):
    """Stored as its number, so that urgency is the order of an index; named in lower case outside."""

    CRITICAL = 0
    HIGH = 1
    NORMAL = 2
    LOW = 3

    @property
    def word(self) -> str:
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> "Priority":
        return cls[word.upper()]


class EventType(StrEnum):
    CREATED = "created"
    CLAIMED = "claimed"
    RELEASED = "released"
    ASSIGNED = "assigned"
    ESCALATED = "escalated"
    COMMENTED = "commented"
    EXTENDED = "extended"
    APPROVAL_ADDED = "approval_added"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    DELIVERED = "delivered"


OPEN = frozenset({Status.PENDING, Status.IN_PROGRESS})
FINAL = frozenset({Status.APPROVED, Status.REJECTED, Status.EXPIRED, Status.CANCELLED, Status.COMPLETED})
# Events by which a pilot says yes or no.
VERDICTS = frozenset({EventType.APPROVAL_ADDED, EventType.APPROVED, EventType.REJECTED})
# What an agent waits to hear; a withdrawal is its own doing.
ANSWERS = FINAL - {Status.CANCELLED}

TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.IN_PROGRESS, Status.APPROVED, Status.REJECTED, Status.EXPIRED, Status.CANCELLED}),
    Status.IN_PROGRESS: frozenset({Status.PENDING, Status.APPROVED, Status.REJECTED, Status.EXPIRED, Status.CANCELLED}),
    Status.APPROVED: frozenset({Status.COMPLETED}),
    Status.REJECTED: frozenset(),
    Status.EXPIRED: frozenset(),
    Status.COMPLETED: frozenset(),
    Status.CANCELLED: frozenset(),
}

CLAIM_LEASE = timedelta(minutes=10)
# A change of any of these is a new version; comments, deliveries and lease renewals are not.
VERSIONED = frozenset({"status", "assigned_to", "approvals", "expires_at", "priority", "required_role"})
# Never without a reason.
_GRAVE = frozenset({Type.KILL_SWITCH, Type.WAIVE_VIOLATION})


def may_follow(before: Status, after: Status) -> bool:
    return after in TRANSITIONS[before]


def is_past(expires_at: datetime | None, now: datetime) -> bool:
    """True from the deadline's own moment on."""
    return expires_at is not None and expires_at <= now


def closed(status: str, expires_at: datetime | None, now: datetime) -> str | None:
    """The code of why nothing can be decided or changed any more; None while something can."""
    if status == Status.EXPIRED or (status not in FINAL and is_past(expires_at, now)):
        return "expired"
    return "already_decided" if status in FINAL else None


def claim_lives(status: str, claimed_until: datetime | None, now: datetime) -> bool:
    """True while a claim binds the others. Only the lease does: a claim made without one binds nobody."""
    return status == Status.IN_PROGRESS and claimed_until is not None and claimed_until > now


def assignee(assigned_to: str | None, claimed_until: datetime | None, now: datetime) -> str | None:
    """`assigned_to` as it counts: a lapsed claim clears it, whether or not a sweep has passed."""
    return None if is_past(claimed_until, now) else assigned_to


def reason_needed(intervention_type: str, verdict: Status) -> bool:
    return verdict == Status.REJECTED or intervention_type in _GRAVE


def quorum_reached(approvers: Iterable[str], required: int) -> bool:
    return len(set(approvers)) >= required
