"""Where a page of a list ends: an opaque text that a client hands back to get the next page."""

import base64
import binascii
from datetime import UTC, datetime
from typing import Any

import orjson

from pilots.errors import InvalidInput
from pilots.wire import moment

MAX_LENGTH = 500
# A column of Django's BigAutoField; a larger number would be an error of the database.
_MAX_ID = 2**63 - 1


def encode(ordering: str, position: list[Any]) -> str:
    """A cursor after the row at `position`, good for lists of this ordering only."""
    parts = [moment(part) if isinstance(part, datetime) else part for part in position]
    return base64.urlsafe_b64encode(orjson.dumps([ordering, *parts])).decode().rstrip("=")


def decode(text: str, ordering: str, kinds: tuple[type, ...]) -> list[Any]:
    """The position in a cursor; raises InvalidInput on anything `encode` did not write for this ordering."""
    try:
        if len(text) > MAX_LENGTH or not text.isascii():
            raise ValueError("too long")
        value = orjson.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        if not isinstance(value, list) or len(value) != len(kinds) + 1 or value[0] != ordering:
            raise ValueError("of another list")
        return [_part(part, kind) for part, kind in zip(value[1:], kinds, strict=True)]
    except (ValueError, OverflowError, binascii.Error) as error:
        raise InvalidInput.field("cursor", "must be one that `next` gave for this same list") from error


def _part(part: object, kind: type) -> Any:
    if kind is datetime and isinstance(part, str):
        instant = datetime.fromisoformat(part)
        if instant.tzinfo is None:
            raise ValueError("no zone")
        # In UTC, as it was written: a moment at the edge of the calendar would be an error of the database.
        return instant.astimezone(UTC)
    if kind is int and type(part) is int and 0 <= part <= _MAX_ID:
        return part
    raise ValueError("of another type")
