"""What the history is narrowed to, as its address says: by days, by who decided and how, by type, tag and words."""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Final, Self
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, available_timezones

from django.db.models import OuterRef, Q, Subquery

from interventions import search
from interventions.lifecycle import Status, Type
from interventions.models import Approval
from interventions.queries import InterventionQuerySet
from interventions.search_index import Found
from pilots.caller import Caller

MAX_LENGTH = 255
# How it ended, in an address; what was approved is so for good, whether or not the agent has acted since.
OUTCOMES: Final[Mapping[str, tuple[Status, ...]]] = {
    "approved": (Status.APPROVED, Status.COMPLETED),
    "rejected": (Status.REJECTED,),
    "expired": (Status.EXPIRED,),
    "cancelled": (Status.CANCELLED,),
    "completed": (Status.COMPLETED,),
}
LAST: Final[Mapping[str, timedelta]] = {
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
# Beyond, a zone's offset would lead out of the calendar.
_YEARS = range(1970, 3000)
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
UTC_NAME = "UTC"


@dataclass(frozen=True, slots=True)
class HistoryFilters:
    """'' : not narrowed by this. Texts as they were typed: `problems` says what is wrong with them.

    `since` and `until` are days of `zone`, both included; `last` is a length of time up to now instead of them.
    """

    last: str = ""
    since: str = ""
    until: str = ""
    zone: str = ""
    actor: str = ""
    outcome: str = ""
    type: str = ""
    tag: str = ""
    q: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Self:
        """What an address asks for. Other than in the queue nothing is left out silently: it may be exported."""
        read = cls(**{name: query.get(name, "").strip() for name in cls.__slots__})
        if not (read.since or read.until):
            return replace(read, zone="")
        return replace(read, last="", zone=read.zone or UTC_NAME)

    @property
    def is_narrow(self) -> bool:
        return self != type(self)()

    def query(self, **changes: str) -> str:
        """The address's query, '' for the whole history; `changes` are set on top."""
        return urlencode({name: value for name, value in (asdict(self) | changes).items() if value})

    def problems(self) -> dict[str, str]:
        """What cannot be meant, by field, in words for whoever typed it."""
        found = {name: _problem(name, value) for name, value in asdict(self).items() if value}
        if not (found.get("since") or found.get("until")) and self.since and self.until and self.until < self.since:
            found["until"] = "This day is before the first one."
        return {name: problem for name, problem in found.items() if problem}

    @property
    def looks(self) -> bool:
        """Whether each decision has to be looked at: the days alone are found by the index."""
        return any((self.actor, self.outcome, self.type, self.tag, self.q))

    @property
    def marks(self) -> list[str]:
        """What the index of words may be asked for besides the words."""
        return search.marks(tag=self.tag, intervention_type=self.type)

    def narrow(self, rows: InterventionQuerySet, caller: Caller, found: Found) -> InterventionQuerySet:
        """Those of the rows that fit but for their days; only where there are no `problems`. `found` by `q`."""
        if self.actor:
            # One of several who approved has decided, too. Asked as a value, row by row: of `in` or `exists` PostgreSQL
            # may make a list of all that this pilot ever approved.
            approvals = Approval.objects.for_caller(caller).filter(intervention=OuterRef("pk"), pilot_id=self.actor)
            approved = Q(approvals_required__gt=1, approval__isnull=False)
            rows = rows.alias(approval=Subquery(approvals.values("pk")[:1]))
            rows = rows.filter(Q(decided_by=self.actor) | approved)
        if self.outcome:
            rows = rows.filter(status__in=OUTCOMES[self.outcome])
        if self.type:
            rows = rows.filter(intervention_type=self.type)
        if self.tag:
            rows = rows.filter(tags__has=self.tag)
        return rows.among(found)

    def within(self, rows: InterventionQuerySet, now: datetime) -> InterventionQuerySet:
        """Those of the days asked for; only where there are no `problems`."""
        if self.last:
            return rows.filter(action_timestamp__gte=now - LAST[self.last])
        if self.since:
            rows = rows.filter(action_timestamp__gte=self._beginning_of(self.since))
        if self.until:
            rows = rows.filter(action_timestamp__lt=self._beginning_of(self.until, days_later=1))
        return rows

    def _beginning_of(self, day: str, *, days_later: int = 0) -> datetime:
        return datetime.combine(date.fromisoformat(day) + timedelta(days_later), time.min, ZoneInfo(self.zone))


def _problem(name: str, value: str) -> str:
    if len(value) > MAX_LENGTH:
        return f"At most {MAX_LENGTH} characters, please; these are {len(value):,}."
    if not value.isprintable():
        return "Some of these characters cannot be seen; type it anew."
    return _CHECKS[name](value) if name in _CHECKS else ""


def _problem_of_day(value: str) -> str:
    try:
        year = date.fromisoformat(value).year if _DAY.fullmatch(value) else 0
    except ValueError:
        year = 0
    return "" if year in _YEARS else f"Not a day from {_YEARS[0]} to {_YEARS[-1]}, written as 2026-11-29."


def _problem_of_zone(value: str) -> str:
    return "" if value in available_timezones() else "Not a time zone, written as Europe/Berlin."


def _one_of(choices: Mapping[str, object] | tuple[str, ...]) -> str:
    return f"Only one of these can be chosen: {', '.join(choices)}."


_CHECKS: Final[Mapping[str, Callable[[str], str]]] = {
    "since": _problem_of_day,
    "until": _problem_of_day,
    "zone": _problem_of_zone,
    "last": lambda value: "" if value in LAST else _one_of(LAST),
    "outcome": lambda value: "" if value in OUTCOMES else _one_of(OUTCOMES),
    "type": lambda value: "" if value in tuple(Type) else _one_of(tuple(Type)),
}
