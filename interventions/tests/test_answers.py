"""Which answers may be asked for, and which fit."""

from typing import Any

import pytest

from interventions.answers import MAX_PROPERTIES, check_answer, check_schema, same
from pilots.errors import InvalidInput


def asking(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


STRING = {"type": "string"}

GOOD: list[dict[str, Any]] = [
    asking(a=STRING),
    asking(a={"type": "string", "minLength": 1, "maxLength": 5, "title": "A", "description": "which", "default": "x"}),
    asking(a={"type": "string", "enum": ["x", "y"], "enumNames": ["The x", "The y"], "default": "y"}),
    asking(a={"type": "string", "oneOf": [{"const": "x", "title": "The x"}, {"const": "y", "title": "The y"}]}),
    *(asking(a={"type": "string", "format": name}) for name in ("email", "uri", "date", "date-time")),
    asking(a={"type": "number", "minimum": 0.5, "maximum": 1e300, "default": 1}),
    asking(a={"type": "integer", "minimum": -3, "default": 3}, b={"type": "boolean", "default": False}),
    asking(a=STRING) | {"required": ["a"], "title": "T", "description": "D", "additionalProperties": False},
    asking(a=STRING) | {"$schema": "https://json-schema.org/draft/2020-12/schema"},
]
# schema, the field that the refusal names
BAD: list[tuple[dict[str, Any], str]] = [
    ({}, "response_schema.type"),
    ({"type": "object"}, "response_schema.properties"),
    (asking(), "response_schema.properties"),
    ({"type": "array", "items": STRING}, "response_schema.type"),
    ({"type": "string"}, "response_schema.type"),
    (asking(a={}), "response_schema.properties.a.type"),
    (asking(a={"type": "object", "properties": {}}), "response_schema.properties.a.type"),
    (asking(a={"type": "array", "items": STRING}), "response_schema.properties.a.type"),
    (asking(a={"type": ["string", "null"]}), "response_schema.properties.a.type"),
    (asking(a={"type": "null"}), "response_schema.properties.a.type"),
    (asking(a="string"), "response_schema.properties.a"),
    (asking(a={"type": "string", "pattern": "(a+)+$"}), "response_schema.properties.a.pattern"),
    (asking(a={"type": "string", "format": "regex"}), "response_schema.properties.a.format"),
    (asking(a={"type": "string", "enum": []}), "response_schema.properties.a.enum"),
    (asking(a={"type": "string", "enum": [1]}), "response_schema.properties.a.enum.0"),
    (asking(a={"type": "string", "maxLength": -1}), "response_schema.properties.a.maxLength"),
    (asking(a={"type": "string", "maxLength": True}), "response_schema.properties.a.maxLength"),
    (asking(a={"type": "number", "multipleOf": 2}), "response_schema.properties.a.multipleOf"),
    (asking(a={"type": "integer", "minimum": "0"}), "response_schema.properties.a.minimum"),
    (asking(a={"type": "boolean", "enum": [True]}), "response_schema.properties.a.enum"),
    (asking(a={"type": "string", "default": 5}), "response_schema.properties.a.default"),
    (asking(a={"type": "string", "enum": ["x"], "default": "y"}), "response_schema.properties.a.default"),
    (asking(a={"type": "integer", "maximum": 3, "default": 4}), "response_schema.properties.a.default"),
    (asking(a={"$ref": "#/$defs/a"}) | {"$defs": {"a": STRING}}, "response_schema.$defs"),
    (asking(a=STRING) | {"allOf": []}, "response_schema.allOf"),
    (asking(a=STRING) | {"required": ["b"]}, "response_schema.required"),
    (asking(a=STRING) | {"additionalProperties": STRING}, "response_schema.additionalProperties"),
    (asking(**{f"p{number}": STRING for number in range(MAX_PROPERTIES + 1)}), "response_schema.properties"),
]


@pytest.mark.parametrize("schema", GOOD)
def test_a_flat_object_of_primitives_may_be_asked(schema: dict[str, Any]) -> None:
    check_schema(schema)


@pytest.mark.parametrize(("schema", "field"), BAD, ids=[field for _, field in BAD])
def test_anything_else_is_refused_and_the_place_is_named(schema: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        check_schema(schema)
    assert field in (refusal.value.errors or {})


@pytest.mark.parametrize(
    ("rule", "fits", "does_not"),
    [
        (STRING, ["", "x"], [1, None, True, ["x"], {}]),
        ({"type": "string", "minLength": 2, "maxLength": 3}, ["ab", "🙂🙂🙂"], ["a", "abcd"]),
        ({"type": "string", "enum": ["x"]}, ["x"], ["X", ""]),
        ({"type": "string", "oneOf": [{"const": "x", "title": "The x"}]}, ["x"], ["The x"]),
        ({"type": "string", "format": "email"}, ["a@b.example"], ["a"]),
        ({"type": "string", "format": "date"}, ["2026-11-22"], ["2026-11-31", "22.11.2026"]),
        ({"type": "string", "format": "date-time"}, ["2026-11-22T10:00:00Z"], ["2026-11-22", "noon"]),
        ({"type": "string", "format": "uri"}, ["https://a.example/x?y=1#z"], ["not a uri", "/relative"]),
        ({"type": "number", "minimum": 0}, [0, 0.5, 1e300], [-0.1, "1", True, None]),
        ({"type": "integer", "maximum": 3}, [3, -9], [4, 1.5, "3", True]),
        ({"type": "boolean"}, [True, False], [0, 1, "true", None]),
    ],
)
def test_an_answer_fits_or_it_does_not(rule: dict[str, Any], fits: list[Any], does_not: list[Any]) -> None:
    schema = asking(a=rule)
    check_schema(schema)
    for value in fits:
        check_answer(schema, {"a": value})
    for value in does_not:
        with pytest.raises(InvalidInput) as refusal:
            check_answer(schema, {"a": value})
        assert (refusal.value.code, list(refusal.value.errors or {})) == ("invalid_response", ["response.a"])


def test_what_is_required_must_be_there() -> None:
    schema = asking(a=STRING, b=STRING) | {"required": ["a"]}
    check_answer(schema, {"a": ""})
    with pytest.raises(InvalidInput):
        check_answer(schema, {"b": ""})


def test_more_fields_than_asked_for_are_a_matter_of_the_schema() -> None:
    check_answer(asking(a=STRING), {"b": 1})
    with pytest.raises(InvalidInput):
        check_answer(asking(a=STRING) | {"additionalProperties": False}, {"b": 1})


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": 0}, {"a": False}, False),
        ({"a": ""}, {"a": None}, False),
        (None, {}, False),
        (None, None, True),
    ],
)
def test_two_answers_are_the_same_json(one: Any, other: Any, equal: bool) -> None:
    assert same(one, other) is equal
