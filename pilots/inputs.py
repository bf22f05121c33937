"""Checks what came in against a JSON Schema, strictly, and says per field what would be right."""

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from pilots.errors import InvalidInput

type Schema = dict[str, Any]

# A body of a thousand unknown fields is answered with the first of them.
MAX_NAMED = 50


def check(schema: Schema, data: object) -> dict[str, Any]:
    """`data` with the schema's defaults filled in; raises InvalidInput naming every wrong field."""
    if not isinstance(data, dict):
        raise InvalidInput("Send a JSON object.", errors={})
    errors: dict[str, list[str]] = {}
    for error in StrictValidator(schema, format_checker=FormatChecker()).iter_errors(data):
        for name, message in _messages(error):
            if name in errors or len(errors) < MAX_NAMED:
                # The validator reports each missing field by itself, every time with the whole list of them.
                errors[name] = list(dict.fromkeys([*errors.get(name, []), message]))
    if errors:
        raise InvalidInput("; ".join(f"{name}: {texts[0]}" for name, texts in errors.items()), errors=errors)
    defaults = {name: deepcopy(rule["default"]) for name, rule in schema["properties"].items() if "default" in rule}
    return defaults | data


def object_of(properties: Mapping[str, Schema], required: tuple[str, ...] = ()) -> Schema:
    """The schema of one operation's body: these fields and no others."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }


def _messages(error: ValidationError) -> Iterator[tuple[str, str]]:
    """(field, what would be right) for each field one finding of the validator is about."""
    path = ".".join(str(part) for part in error.absolute_path)
    prefix = f"{path}." if path else ""
    # Known to be set where a schema's rule was broken; the library's types don't say so.
    rule: Any = error.validator_value
    instance: Any = error.instance
    schema: Any = error.schema
    if error.validator == "required":
        yield from ((prefix + name, "is required") for name in rule if name not in instance)
    elif error.validator == "additionalProperties":
        known = schema.get("properties", {})
        yield from ((prefix + name[:100], "is not a known field") for name in instance if name not in known)
    else:
        yield path or "body", _message(error)


def _message(error: ValidationError) -> str:
    rule: Any = error.validator_value
    instance: Any = error.instance
    schema: Any = error.schema
    match error.validator:
        case "type":
            return f"must be {_types(rule)}"
        case "enum":
            return f"must be one of {', '.join('null' if item is None else str(item) for item in rule)}"
        case "minLength" | "minItems":
            return "must not be empty" if rule == 1 else f"must have at least {rule}"
        case "maxLength":
            return f"must have at most {rule:,} characters, not {len(instance):,}"
        case "maxItems":
            return f"must have at most {rule} entries, not {len(instance)}"
        case "minimum":
            return f"must be at least {rule:,}"
        case "maximum":
            return f"must be at most {rule:,}"
        case "pattern" | "not":
            return str(schema.get("description") or "has characters that are not allowed here")
        case "format":
            return str(schema.get("description") or f"must be a valid {rule}")
        case _:
            return str(error.message)[:200]


def _types(rule: str | list[str]) -> str:
    words = {"object": "a JSON object", "array": "a list", "string": "a string", "integer": "a whole number"}
    words |= {"boolean": "true or false", "number": "a number", "null": "null"}
    return " or ".join(words[name] for name in ([rule] if isinstance(rule, str) else rule))


def _pattern(_validator: Any, pattern: str, instance: object, _schema: Schema) -> Iterator[ValidationError]:
    # Python's `$` also matches before a last line break; a pattern here means the whole text.
    if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance):
        yield ValidationError(f"does not match {pattern}")


def _is_integer(_checker: Any, instance: object) -> bool:
    # JSON Schema takes 1.0 for an integer; the contract coerces nothing.
    return isinstance(instance, int) and not isinstance(instance, bool)


StrictValidator = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    validators={"pattern": _pattern},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer),
)
