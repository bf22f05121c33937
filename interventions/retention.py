"""How long does an organization keep what was decided? For ever, or for so many days as its admins set."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from pilots.errors import InvalidInput

SETTING: Final = "retention_days"
# Whoever asks what happened last month finds it, whatever was set; and so a forged pruning can take no more than this
# leaves.
MIN_DAYS: Final = 30
MAX_DAYS: Final = 36_500
KEPT: Final = timedelta(days=MIN_DAYS)


def days_of(settings: Mapping[str, Any]) -> int | None:
    """What an organization has set; None: it keeps everything. What cannot be meant counts as that."""
    stored = settings.get(SETTING)
    return stored if isinstance(stored, int) and MIN_DAYS <= stored <= MAX_DAYS else None


def read(text: str) -> int | None:
    """The days in a field of a form; None where it is empty. Raises InvalidInput."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MAX_DAYS))):
        raise _refusal()
    return check(int(text))


def check(days: int) -> int:
    """The same number; raises InvalidInput where so few or so many cannot be meant."""
    if not MIN_DAYS <= days <= MAX_DAYS:
        raise _refusal()
    return days


def _refusal() -> InvalidInput:
    return InvalidInput.field(SETTING, f"write {MIN_DAYS} days or more, at most {MAX_DAYS:,}, or nothing for ever")
