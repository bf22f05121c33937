"""What a person typed: the checks a page makes before any rule is asked."""

from collections.abc import Mapping

MAX_TEXT = 2000
# Grave and irreversible: the hand that types this word is not clicking through a list.
CONFIRMATION = "STOP"


def text_of(posted: Mapping[str, str], name: str) -> str:
    """A text as typed; browsers send line breaks as two characters."""
    return posted.get(name, "").replace("\r\n", "\n")


def too_long(text: str) -> str:
    """What is wrong with a text that is too long; '' where it is not."""
    return f"At most {MAX_TEXT:,} characters, please; these are {len(text):,}." if len(text) > MAX_TEXT else ""


def unconfirmed(posted: Mapping[str, str]) -> str:
    """What is wrong with the confirming word; '' where it was typed."""
    return "" if posted.get("confirmation", "").strip().upper() == CONFIRMATION else f"Type {CONFIRMATION} to confirm."
