"""What does a row of Phase 2 say? Checked as strictly as what an agent sends; what cannot be taken is refused by field.

Words stand there as values or names, in small letters or capitals; moments are UTC, most of them without saying so.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from interventions import content
from interventions.actions import Arrival
from interventions.content import Draft
from interventions.lifecycle import FINAL, OPEN, Priority, Status, Type
from interventions.phase2.sources import Raw
from interventions.store import arguments
from interventions.trust import Word
from pilots import strict_json
from pilots.errors import InvalidInput
from pilots.roles import Role

# Of what the history alone keeps, nobody knows what was asked.
UNTITLED = "Kept in the history of Phase 2 only, without title and content"
_ONLY_IN_HISTORY = (
    "stands in the history only, which keeps neither type nor title; name a type by --history-type to take it as that"
)
_STATUSES = {status.value.lower(): status for status in Status}
_TYPES = {kind.value: kind for kind in Type}
_PRIORITIES = {level.word: level for level in Priority}
_ROLES = {role.value.lower(): role for role in Role}
_MOMENTS = ("created_at", "expires_at", "updated_at", "action_timestamp", "completed_at", "archived_at")
# No clocks are further apart.
_SKEW = timedelta(minutes=5)
# The least by which a deadline comes after a decision.
_NEXT = timedelta(microseconds=1)
_FIRST_YEAR, _LAST_YEAR = 1970, 9000

type Moments = dict[str, datetime | None]


def arrival_of(raw: Raw, now: datetime) -> Arrival:
    """The request that a row of `interventions` tells of. Raises InvalidInput naming what is wrong with it."""
    _check_texts(raw)
    moments = _moments(raw, now)
    status = _word(raw, "status", _STATUSES)
    arrival = _in_time(_draft(raw), _said(raw, status), moments, now)
    if status in OPEN and (raw.values.get("is_archived") or "").lower() in ("1", "true", "t"):
        arrival = replace(arrival, notes=(*arrival.notes, f"it was archived while it was {status}"))
    return arrival


def outcome_of(raw: Raw, now: datetime, kind: Type | None) -> Arrival:
    """How a request ended, as a row of `intervention_history` tells it. With a `kind` it may begin here as that.

    Raises InvalidInput, also for what did not end.
    """
    _check_texts(raw)
    moments = _moments(raw, now)
    status = _word(raw, "status", _STATUSES)
    if status in OPEN:
        raise InvalidInput.field("status", f"{status} is no outcome")
    ended = moments["completed_at"] or moments["archived_at"]
    if ended is None:
        raise InvalidInput.field("completed_at", "is missing: nothing says when it ended")
    known = {"intervention_type": (kind or Type.CLARIFICATION).value, "title": UNTITLED, "priority": _priority(raw)}
    asked = {name: raw.values.get(name) for name in ("request_id", "uow_id")}
    moments |= {"action_timestamp": ended, "created_at": moments["created_at"] or ended}
    arrival = _in_time(_checked(asked | known), _said(raw, status), moments, now)
    return replace(arrival, notes=(*arrival.notes, UNTITLED), is_whole=False, barred="" if kind else _ONLY_IN_HISTORY)


def _check_texts(raw: Raw) -> None:
    for name, text in raw.values.items():
        try:
            strict_json.check_text(text or "")
        except InvalidInput as error:
            reason = "holds the NUL character" if "\x00" in (text or "") else "is not UTF-8"
            raise InvalidInput.field(name, reason) from error
    if not raw.request_id:
        raise InvalidInput.field("request_id", "is missing")


def _draft(raw: Raw) -> Draft:
    asked: dict[str, Any] = {name: raw.values.get(name) for name in ("request_id", "uow_id", "title", "description")}
    return _checked(
        asked
        | {
            "intervention_type": _word(raw, "intervention_type", _TYPES).value,
            "priority": _priority(raw),
            "required_role": _word(raw, "required_role", _ROLES, Role.OPERATOR).value,
            "context": _context(raw.values.get("context")),
        }
    )


def _checked(asked: dict[str, Any]) -> Draft:
    return content.draft_of({name: value for name, value in asked.items() if value is not None})


def _context(text: str | None) -> dict[str, Any]:
    try:
        value = strict_json.loads(text) if text and text.strip() else None
        # Where it was written as JSON into a column of JSON.
        value = strict_json.loads(value) if isinstance(value, str) else value
    except InvalidInput as error:
        raise InvalidInput.field("context", error.detail) from error
    if value is not None and not isinstance(value, dict):
        raise InvalidInput.field("context", "must be a JSON object")
    return value or {}


def _said(raw: Raw, status: Status) -> Word:
    return arguments.word_of(status.value, raw.values.get("action_reason"), raw.values.get("assigned_to") or None)


def _priority(raw: Raw) -> str:
    return _word(raw, "priority", _PRIORITIES, Priority.NORMAL).word


def _word[Known](raw: Raw, name: str, known: Mapping[str, Known], default: Known | None = None) -> Known:
    """What the text means; a name may have its class before it, as `Status.PENDING`."""
    text = (raw.values.get(name) or "").strip()
    if not text and default is not None:
        return default
    found = known.get(text.rpartition(".")[2].lower().replace("-", "_").replace(" ", "_"))
    if found is None:
        problem = f"{text[:40]!r} is none of {', '.join(known)}" if text else "is missing"
        raise InvalidInput.field(name, problem)
    return found


def _moments(raw: Raw, now: datetime) -> Moments:
    moments = {name: _moment(name, raw.values.get(name)) for name in _MOMENTS}
    for name, moment in moments.items():
        if name != "expires_at" and moment is not None and moment > now + _SKEW:
            raise InvalidInput.field(name, f"{raw.values[name]} is still to come")
    return moments


def _moment(name: str, text: str | None) -> datetime | None:
    if text is None or not text.strip():
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise InvalidInput.field(name, f"{text[:40]!r} is no date and time") from error
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise InvalidInput.field(name, f"{text[:40]!r} is no year of ours")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _in_time(draft: Draft, word: Word, moments: Moments, now: datetime) -> Arrival:
    """Puts the moments in an order that the record can hold, and notes what had to be moved for that."""
    created, deadline = moments["created_at"], moments["expires_at"]
    if created is None:
        raise InvalidInput.field("created_at", "is missing")
    lifetime = None if deadline is None else round((deadline - created).total_seconds())
    arrival = Arrival(replace(draft, expires_in_seconds=lifetime), word, created, created, deadline)
    return _ended(arrival, moments, now) if word.status in FINAL else _waiting(arrival, moments)


def _waiting(arrival: Arrival, moments: Moments) -> Arrival:
    since = max(moments["updated_at"] or arrival.created_at, arrival.created_at)
    if arrival.expires_at is not None and since >= arrival.expires_at:
        # It came into its status while there was time; what touched it later is not told.
        since = arrival.expires_at - _NEXT
        if since < arrival.created_at and arrival.word != Word(Status.PENDING):
            raise InvalidInput.field("expires_at", "its time was over before anybody could have it")
        since = max(since, arrival.created_at)
    return replace(arrival, since=since)


def _ended(arrival: Arrival, moments: Moments, now: datetime) -> Arrival:
    updated, deadline, status = moments["updated_at"], arrival.expires_at, arrival.word.status
    ended = moments["action_timestamp"] or updated
    if status == Status.EXPIRED and moments["action_timestamp"] is None and deadline is not None and deadline <= now:
        ended = max(deadline, updated or deadline)
    if ended is None:
        raise InvalidInput.field("action_timestamp", f"is missing: nothing says since when it is {status}")
    if ended < arrival.created_at:
        raise InvalidInput.field("action_timestamp", f"it was {status} before it was created")
    arrival = replace(arrival, since=ended, completed_at=max(ended, updated or ended))
    if status == Status.EXPIRED and (deadline is None or deadline > ended):
        note = f"it expired before its deadline {deadline or '(none)'}, which stands as that moment"
        return replace(arrival, expires_at=ended, notes=(note,))
    if status != Status.EXPIRED and deadline is not None and deadline <= ended:
        note = f"it was {status} after its deadline {deadline}, which stands as right after that"
        return replace(arrival, expires_at=ended + _NEXT, notes=(note,))
    return arrival
