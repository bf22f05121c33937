"""What the page of the access log is narrowed to, as its address says: by what happened, who had part in it, days."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Self
from urllib.parse import urlencode

from django.db.models import Q, QuerySet

from pilots.models import AccessEvent

MAX_LENGTH = 255
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_YEARS = range(1970, 3000)
# Whatever is recorded, by what it is about; a test looks for those that are missing.
TYPES: Final[Mapping[str, tuple[str, ...]]] = {
    "Signing in": (
        "signed_in",
        "signed_out",
        "sign_in_failed",
        "sessions_ended",
        "token_reused",
        "password_changed",
        "provider_connected",
        "provider_disconnected",
        "second_factor_added",
        "second_factor_removed",
    ),
    "Members": (
        "invited",
        "invitation_revoked",
        "member_joined",
        "role_changed",
        "member_deactivated",
        "member_reactivated",
        "member_removed",
    ),
    "Pilots": (
        "pilot_created",
        "pilot_changed",
        "pilot_activated",
        "pilot_deactivated",
        "pilot_erased",
        "superuser_granted",
        "superuser_revoked",
    ),
    "Keys": ("key_created", "key_rotated", "key_revoked"),
    "Chat": ("chat_hook_created", "chat_hook_changed", "chat_hook_removed"),
    "Organization": (
        "organization_created",
        "organization_exported",
        "history_exported",
        "settings_changed",
        "record_pruned",
        "erasures_vouched",
        "restored",
    ),
}
ALL_TYPES: Final = frozenset(name for names in TYPES.values() for name in names)


@dataclass(frozen=True, slots=True)
class AccessFilters:
    """'' : not narrowed by this. Texts as they were typed: `problems` says what is wrong with them. Days are UTC's."""

    type: str = ""
    who: str = ""
    since: str = ""
    until: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Self:
        return cls(**{name: query.get(name, "").strip() for name in cls.__slots__})

    @property
    def is_narrow(self) -> bool:
        return self != type(self)()

    def query(self, **more: str) -> str:
        return urlencode({name: value for name, value in (asdict(self) | more).items() if value})

    def problems(self) -> dict[str, str]:
        """What cannot be meant, by field, in words for whoever typed it."""
        found = {name: _problem(name, value) for name, value in asdict(self).items() if value}
        if self.since and self.until and not (found["since"] or found["until"]) and self.until < self.since:
            found["until"] = "This day is before the first one."
        return {name: problem for name, problem in found.items() if problem}

    def narrow(self, rows: QuerySet[AccessEvent]) -> QuerySet[AccessEvent]:
        """The entries that fit; only where there are no `problems`."""
        if self.type:
            rows = rows.filter(type=self.type)
        if self.who:
            rows = rows.filter(Q(actor=self.who) | Q(subject=self.who))
        if self.since:
            rows = rows.filter(at__gte=_beginning_of(self.since))
        if self.until:
            rows = rows.filter(at__lt=_beginning_of(self.until) + timedelta(days=1))
        return rows


def _beginning_of(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time.min, UTC)


def _problem(name: str, value: str) -> str:
    if len(value) > MAX_LENGTH:
        return f"At most {MAX_LENGTH} characters, please; these are {len(value):,}."
    if not value.isprintable():
        return "Some of these characters cannot be seen; type it anew."
    if name == "type":
        return "" if value in ALL_TYPES else "There is no entry of this kind; choose one of the list."
    return "" if name == "who" else _problem_of_day(value)


def _problem_of_day(value: str) -> str:
    try:
        year = date.fromisoformat(value).year if _DAY.fullmatch(value) else 0
    except ValueError:
        year = 0
    return "" if year in _YEARS else f"Not a day from {_YEARS[0]} to {_YEARS[-1]}, written as 2026-11-29."
