"""The answer a request asks for: which schemas may be asked, and whether an answer fits one.

The subset is the one MCP elicitation uses: a flat object whose properties are strings, numbers, booleans or choices.
"""

from typing import Any

import rfc8785
from jsonschema import Draft202012Validator, FormatChecker

from pilots.errors import InvalidInput
from pilots.inputs import check

type Answer = dict[str, Any]

_TEXT = {"type": "string", "maxLength": 1000}
_LENGTH = {"type": "integer", "minimum": 0}
_CHOICES = {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": 100}
_TITLED_CHOICE = {
    "type": "object",
    "properties": {"const": _TEXT, "title": _TEXT},
    "required": ["const"],
    "additionalProperties": False,
}
_COMMON = {"title": _TEXT, "description": _TEXT}
_STRING = _COMMON | {
    "default": {"type": "string"},
    "minLength": _LENGTH,
    "maxLength": _LENGTH,
    "format": {"enum": ["email", "uri", "date", "date-time"]},
    "enum": _CHOICES,
    "enumNames": _CHOICES,
    "oneOf": {"type": "array", "items": _TITLED_CHOICE, "minItems": 1, "maxItems": 100},
}
_NUMBER = _COMMON | {"default": {"type": "number"}, "minimum": {"type": "number"}, "maximum": {"type": "number"}}
_KEYWORDS: dict[str, dict[str, Any]] = {
    "string": _STRING,
    "number": _NUMBER,
    "integer": _NUMBER | {"default": {"type": "integer"}},
    "boolean": _COMMON | {"default": {"type": "boolean"}},
}
_ROOT = {
    "type": "object",
    "properties": {
        "$schema": _TEXT,
        "type": {"enum": ["object"]},
        "title": _TEXT,
        "description": _TEXT,
        "properties": {"type": "object", "additionalProperties": {"type": "object"}, "minProperties": 1},
        "required": {"type": "array", "items": {"type": "string"}},
        "additionalProperties": {"type": "boolean"},
    },
    "required": ["type", "properties"],
    "additionalProperties": False,
}
MAX_PROPERTIES = 50


def check_schema(schema: dict[str, Any]) -> None:
    """Raises InvalidInput, naming the place, unless `schema` is of the subset a pilot's form can show."""
    try:
        check(_ROOT, schema)
        if len(schema["properties"]) > MAX_PROPERTIES:
            raise InvalidInput.field("properties", f"must have at most {MAX_PROPERTIES} entries")
        for name, rule in schema["properties"].items():
            _check_property(name, rule)
        unknown = [name for name in schema.get("required", []) if name not in schema["properties"]]
        if unknown:
            raise InvalidInput.field("required", f"names {', '.join(unknown)}, which properties lacks")
    except InvalidInput as error:
        inner = error.errors or {}
        errors = {f"response_schema.{name}": texts for name, texts in inner.items()}
        raise InvalidInput(f"response_schema: {error.detail}", errors=errors) from error


def check_answer(schema: dict[str, Any], answer: Answer) -> None:
    """Raises InvalidInput, naming each wrong field, unless `answer` is valid against `schema`."""
    errors: dict[str, list[str]] = {}
    for error in Draft202012Validator(schema, format_checker=FormatChecker()).iter_errors(answer):
        place = ".".join(["response", *(str(part) for part in error.absolute_path)])
        errors.setdefault(place, []).append(str(error.message)[:300])
    if errors:
        first = next(iter(errors.items()))
        raise InvalidInput(f"{first[0]}: {first[1][0]}", code="invalid_response", errors=errors)


def same(one: Answer | None, other: Answer | None) -> bool:
    """True where both are the same JSON. Python's own `==` takes true for 1."""
    return rfc8785.dumps(one) == rfc8785.dumps(other)


def answer_needed(schema: dict[str, Any] | None) -> bool:
    """True where an approval must carry an answer: any schema asks for one, even if each field is optional."""
    return schema is not None


def _check_property(name: str, rule: dict[str, Any]) -> None:
    kind = rule.get("type")
    if not isinstance(kind, str) or kind not in _KEYWORDS:
        raise InvalidInput.field(f"properties.{name}.type", f"must be one of {', '.join(_KEYWORDS)}")
    schema = {"type": "object", "properties": _KEYWORDS[kind] | {"type": {}}, "additionalProperties": False}
    try:
        check(schema, rule)
    except InvalidInput as error:
        errors = {f"properties.{name}.{key}": texts for key, texts in (error.errors or {}).items()}
        raise InvalidInput(f"properties.{name}: {error.detail}", errors=errors) from error
    if "default" in rule:
        check_default = {"type": "object", "properties": {"default": {k: v for k, v in rule.items() if k != "default"}}}
        try:
            check_answer(check_default, {"default": rule["default"]})
        except InvalidInput as error:
            raise InvalidInput.field(f"properties.{name}.default", "does not fit the property itself") from error
