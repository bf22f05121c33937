"""Reasons that stand ready to be put into a decision: an organization's own, or those everybody starts with."""

from collections.abc import Mapping
from typing import Any, Final

from pilots.errors import InvalidInput

SETTING: Final = "canned_reasons"
VERDICTS: Final = ("approve", "reject")
MAX_REASONS = 12
MAX_LENGTH = 200
DEFAULTS: Final[Mapping[str, tuple[str, ...]]] = {
    "approve": (
        "Checked against the source; go on.",
        "Within our rules.",
        "Only this once; ask again next time.",
    ),
    "reject": (
        "Not enough to decide on. Ask again with more context.",
        "Outside our rules.",
        "Too risky now; hold until a person has looked.",
        "Already done elsewhere.",
    ),
}

type Reasons = dict[str, list[str]]


def reasons_of(settings: Mapping[str, Any]) -> Reasons:
    """For each verdict what stands ready. What an organization has set counts, also where it is nothing."""
    stored = settings.get(SETTING)
    own = stored if isinstance(stored, dict) else {}
    return {verdict: _texts(own.get(verdict, DEFAULTS[verdict])) for verdict in VERDICTS}


def read(verdict: str, text: str) -> list[str]:
    """The reasons in a text with one on each line; raises InvalidInput naming the verdict's field."""
    reasons = list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
    if len(reasons) > MAX_REASONS:
        raise InvalidInput.field(verdict, f"At most {MAX_REASONS} reasons, please; these are {len(reasons)}.")
    for number, reason in enumerate(reasons, 1):
        if len(reason) > MAX_LENGTH:
            raise InvalidInput.field(
                verdict, f"Reason {number} has {len(reason)} characters; at most {MAX_LENGTH} fit on a button."
            )
    return reasons


def _texts(stored: Any) -> list[str]:
    """Whatever somebody else may have written there, the page gets texts."""
    return [item for item in stored if isinstance(item, str)] if isinstance(stored, list | tuple) else []
