"""The form a `response_schema` asks for: its fields for the page, and the answer in what was posted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from interventions.answers import Answer
from pilots.strict_json import MAX_INTEGER

type Rule = dict[str, Any]

# Up to so many choices are all shown at once; more go into a menu.
MAX_RADIOS = 5
_LONG_TEXT = 200
_INPUT_TYPES = {"email": "email", "uri": "url", "date": "date", "date-time": "datetime-local"}


@dataclass(slots=True)
class Field:
    """One property as the page shows it. `name` is the input's: the property's own, `key`, may hold any character."""

    key: str
    name: str
    label: str
    kind: str
    widget: str
    required: bool
    value: str = ""
    checked: bool = False
    description: str = ""
    choices: list[tuple[str, str]] = field(default_factory=list)
    limits: dict[str, Any] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    @property
    def described_by(self) -> str:
        parts = [("hint", self.description), ("error", self.errors)]
        return " ".join(f"{self.name}-{part}" for part, there in parts if there)


@dataclass(frozen=True, slots=True)
class Given:
    """An answer as read from a form, with what could not be read, by property."""

    answer: Answer
    errors: dict[str, list[str]]


def fields_of(schema: Rule, posted: Mapping[str, str] | None = None, errors: Rule | None = None) -> list[Field]:
    """The form's fields in the schema's order; with `posted` they hold what was typed, whatever it was."""
    required = schema.get("required", [])
    return [
        _field(index, key, rule, key in required, posted, (errors or {}).get(f"response.{key}", []))
        for index, (key, rule) in enumerate(schema["properties"].items())
    ]


def read(schema: Rule, posted: Mapping[str, str]) -> Given:
    """The answer that was typed. Blank optional fields are left out; the schema itself is checked by the action."""
    answer: Answer = {}
    errors: dict[str, list[str]] = {}
    for index, (key, rule) in enumerate(schema["properties"].items()):
        text = posted.get(_name(index), "")
        if rule["type"] == "boolean":
            answer[key] = bool(text)
        elif text == "":
            if key in schema.get("required", []):
                errors[f"response.{key}"] = ["Please fill this in."]
        else:
            try:
                answer[key] = _value(rule, text)
            except ValueError as error:
                errors[f"response.{key}"] = [str(error)]
    return Given(answer, errors)


def _field(
    index: int, key: str, rule: Rule, required: bool, posted: Mapping[str, str] | None, errors: list[str]
) -> Field:
    choices = _choices(rule)
    default = rule.get("default")
    value = _shown(rule, default) if posted is None else posted.get(_name(index), "")
    return Field(
        key=key,
        name=_name(index),
        label=rule.get("title") or key.replace("_", " "),
        kind=rule["type"],
        widget=_widget(rule, choices),
        required=required,
        value=value,
        checked=bool(value) if posted is not None else default is True,
        description=rule.get("description", ""),
        choices=choices,
        limits=_limits(rule),
        errors=errors,
    )


def _name(index: int) -> str:
    return f"answer-{index}"


def _widget(rule: Rule, choices: list[tuple[str, str]]) -> str:
    if choices:
        return "radios" if len(choices) <= MAX_RADIOS else "menu"
    if rule["type"] == "boolean":
        return "checkbox"
    if rule["type"] in ("number", "integer"):
        return "number"
    if rule.get("maxLength", 0) > _LONG_TEXT and "format" not in rule:
        return "area"
    return _INPUT_TYPES.get(rule.get("format", ""), "text")


def _choices(rule: Rule) -> list[tuple[str, str]]:
    if "oneOf" in rule:
        return [(item["const"], item.get("title", item["const"])) for item in rule["oneOf"]]
    values = rule.get("enum", [])
    names = rule.get("enumNames", [])
    return list(zip(values, names if len(names) == len(values) else values, strict=True))


def _limits(rule: Rule) -> dict[str, Any]:
    """Attributes that tell the browser's keyboard and spinner, not what is accepted."""
    limits = {"min": rule.get("minimum"), "max": rule.get("maximum"), "maxlength": rule.get("maxLength")}
    limits["step"] = {"integer": 1, "number": "any"}.get(rule["type"])
    return {name: value for name, value in limits.items() if value is not None}


def _shown(rule: Rule, default: Any) -> str:
    if default is None or isinstance(default, bool):
        return ""
    return str(default)[:16] if rule.get("format") == "date-time" else str(default)


def _value(rule: Rule, text: str) -> Any:
    match rule["type"]:
        case "integer":
            return _integer(text)
        case "number":
            return _number(text)
        case _ if rule.get("format") == "date-time" and len(text) == len("2026-01-01T10:00"):
            return f"{text}:00Z"  # the browser's field has no seconds and no zone; its label says UTC
        case _:
            return text.replace("\r\n", "\n")


def _integer(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise ValueError("Please give a whole number.") from None
    if abs(number) > MAX_INTEGER:
        raise ValueError("This number is too large.")
    return number


def _number(text: str) -> float | int:
    try:
        number = float(text)
    except ValueError:
        raise ValueError("Please give a number.") from None
    if abs(number) > MAX_INTEGER or number != number:
        raise ValueError("This number is too large.")
    return int(number) if number.is_integer() else number
