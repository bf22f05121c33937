"""How query parameters are read: as strictly as bodies, against a JSON Schema that says what each may be."""

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from pilots.errors import InvalidInput
from pilots.inputs import Schema, check
from pilots.strict_json import check_text

MAX_PARAMETERS = 50
MOMENT: Schema = {
    "type": "string",
    "format": "date-time",
    "maxLength": 50,
    "description": "must be a date and time with its offset, as 2026-11-22T09:30:00Z (write + as %2B)",
}
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,15}", re.ASCII)


def read(query: str, schema: Schema) -> dict[str, Any]:
    """The parameters in a query string, in their own types, with defaults; InvalidInput names each wrong one."""
    given: dict[str, Any] = {}
    for name, text in _pairs(query):
        if name in given:
            raise InvalidInput.field(name[:100], "stands more than once; give it once")
        given[name] = _value(text, schema["properties"].get(name, {}))
    values = check(schema, given)
    return {name: _moment(name, value, schema["properties"][name]) for name, value in values.items()}


def _pairs(query: str) -> list[tuple[str, str]]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except UnicodeDecodeError as error:
        raise InvalidInput("The query is not UTF-8; percent-encode each parameter.", errors={}) from error
    except ValueError as error:
        raise InvalidInput(f"There are more than {MAX_PARAMETERS} parameters.", errors={}) from error
    for name, text in pairs:
        try:
            check_text(name + text)
        except InvalidInput as error:
            named = name.replace("\x00", "")[:100]
            raise InvalidInput.field(named, "holds a character that no text may hold") from error
    return pairs


def _value(text: str, rule: Schema) -> str | int:
    """`text` as the rule's type; what does not read as one stays text, for `check` to refuse."""
    return int(text) if rule.get("type") == "integer" and _WHOLE_NUMBER.fullmatch(text) else text


def _moment(name: str, value: Any, rule: Schema) -> Any:
    if rule.get("format") != "date-time" or value is None:
        return value
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        # The grammar lets through what no calendar has: a leap second, the year 0000.
        raise InvalidInput.field(name, MOMENT["description"]) from error
