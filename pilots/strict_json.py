"""JSON as the contract takes it: what Python's parser lets through by itself is refused with a reason."""

import json
import math
from typing import Any, NoReturn

from pilots.errors import InvalidInput

MAX_INTEGER = 2**53 - 1
# Far above any body of ours; it only keeps the walk below from recursing too deep.
MAX_NESTING = 100


def loads(raw: bytes | str) -> Any:
    """The value of one JSON text; raises InvalidInput (code `malformed`) on anything not exact and portable."""
    try:
        text = raw.decode("utf-8") if isinstance(raw, bytes) else raw
        value = json.loads(
            text,
            object_pairs_hook=_unique_keys,
            parse_constant=_refuse_constant,
            parse_float=_finite_float,
            parse_int=_safe_integer,
        )
    except UnicodeDecodeError as error:
        raise _malformed(f"the text is not UTF-8 (byte {error.start})") from error
    except json.JSONDecodeError as error:
        raise _malformed(f"{error.msg} at line {error.lineno}, column {error.colno}") from error
    except RecursionError as error:
        raise _malformed(f"nested deeper than {MAX_NESTING} levels") from error
    _walk(value, 0)
    return value


def depth(value: Any) -> int:
    """Levels of nesting: 0 for a plain value, 1 for an object or list of plain values."""
    if isinstance(value, dict):
        return 1 + max((depth(item) for item in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((depth(item) for item in value), default=0)
    return 0


def check_text(text: str) -> None:
    """Refuses what PostgreSQL or UTF-8 cannot hold."""
    if "\x00" in text:
        raise _malformed("a text contains the NUL character; leave it out")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise _malformed("a text contains half of a surrogate pair; send whole characters") from error


def _walk(value: Any, level: int) -> None:
    if level > MAX_NESTING:
        raise _malformed(f"nested deeper than {MAX_NESTING} levels")
    if isinstance(value, str):
        check_text(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            check_text(key)
            _walk(item, level + 1)
    elif isinstance(value, list):
        for item in value:
            _walk(item, level + 1)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _malformed(f"the key {twice[:100]!r} stands twice in one object")
    return result


def _refuse_constant(word: str) -> NoReturn:
    raise _malformed(f"{word} is not a JSON number")


def _finite_float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise _malformed(f"the number {digits[:40]} is too large")
    return number


def _safe_integer(digits: str) -> int:
    if len(digits) > 17 or abs(int(digits)) > MAX_INTEGER:
        raise _malformed(f"the integer {digits[:40]} is beyond ±(2^53−1); send it as a string")
    return int(digits)


def _malformed(reason: str) -> InvalidInput:
    return InvalidInput(f"The JSON cannot be taken: {reason}.", code="malformed")
