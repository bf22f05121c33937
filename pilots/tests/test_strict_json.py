"""JSON is taken exactly, or refused with a reason."""

import json
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pilots.errors import InvalidInput
from pilots.strict_json import MAX_INTEGER, MAX_NESTING, depth, loads

BAD: list[tuple[bytes | str, str]] = [
    (b"", "line 1"),
    (b"{", "line 1"),
    (b"{'a': 1}", "double quotes"),
    (b'{"a": 1,}', "line 1"),
    (b'{"a": 1} x', "Extra data"),
    (b"\xff", "UTF-8"),
    (b'"\xed\xa0\x80"', "UTF-8"),
    ("\ufeff{}", "BOM"),
    (b'{"a": 1, "a": 1}', "'a' stands twice"),
    (b'{"x": {"a": 1, "\\u0061": 2}}', "'a' stands twice"),
    (b"NaN", "NaN"),
    (b'{"a": [Infinity]}', "Infinity"),
    (b"-Infinity", "-Infinity"),
    (b"1e400", "too large"),
    (b"-1e400", "too large"),
    (b"9007199254740992", "beyond"),
    (b"-9007199254740992", "beyond"),
    (b"1" + b"0" * 5000, "beyond"),
    (b'"a\\u0000b"', "NUL"),
    (b'{"a\\u0000": 1}', "NUL"),
    (b'"\\ud800"', "surrogate"),
    (b'{"\\udc00": 1}', "surrogate"),
    (b'["\\udc00\\ud800"]', "surrogate"),
    (b'"a\nb"', "control character"),
    (b"[" * (MAX_NESTING + 2) + b"]" * (MAX_NESTING + 2), "nested deeper"),
    (b"[" * 200_000, "nested deeper"),
    (b'{"a":' * 200_000, "nested deeper"),
]


@pytest.mark.parametrize(("raw", "reason"), BAD, ids=[reason for _, reason in BAD])
def test_what_is_not_exact_is_refused_with_its_reason(raw: bytes | str, reason: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        loads(raw)
    assert refusal.value.code == "malformed"
    assert reason in refusal.value.detail
    assert len(refusal.value.detail) < 300


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"{}", {}),
        (b' {"a": "\xc3\xa9"} ', {"a": "é"}),
        (b'"\\ud83d\\ude42"', "🙂"),
        (b"9007199254740991", MAX_INTEGER),
        (b"-9007199254740991", -MAX_INTEGER),
        (b"1e300", 1e300),
        (b"1.0", 1.0),
        (b"true", True),
        (b'["\\u202e\\u200b<script>"]', ["\u202e\u200b<script>"]),
    ],
)
def test_what_is_exact_is_taken(raw: bytes, value: object) -> None:
    assert loads(raw) == value
    assert type(loads(raw)) is type(value)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-MAX_INTEGER, MAX_INTEGER)
        | st.floats(allow_nan=False, allow_infinity=False),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])), inner)
        ),
        max_leaves=20,
    )
)
def test_every_other_value_comes_through_unchanged(value: object) -> None:
    assert json.dumps(loads(json.dumps(value))) == json.dumps(value)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary() | st.text(alphabet='{}[]",:0123456789.eE+-\\udDcCnulltrefasNaI \n').map(str.encode))
def test_any_bytes_at_all_are_a_value_or_a_refusal(raw: bytes) -> None:
    with suppress(InvalidInput):
        loads(raw)


@pytest.mark.parametrize(
    ("value", "levels"), [(1, 0), ("x", 0), ({}, 1), ([], 1), ({"a": 1}, 1), ({"a": [1]}, 2), ({"a": [{}], "b": 1}, 3)]
)
def test_depth_counts_objects_and_lists(value: object, levels: int) -> None:
    assert depth(value) == levels
