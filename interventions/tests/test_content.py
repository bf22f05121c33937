"""What may be asked, what is hashed, and that it comes back from the table exactly as it was sent."""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import DRAFT, World, stored
from interventions import actions, content, wire
from interventions.content import MAX_CONTEXT_BYTES, RESERVED_IDS, draft_of
from interventions.models import Intervention
from pilots.errors import InvalidInput
from pilots.strict_json import MAX_INTEGER


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


GOOD: list[dict[str, Any]] = [
    {"request_id": "A.b_c:d-9"},
    {"request_id": "x" * 255},
    {"uow_id": "ü w €"},
    {"uow_id": "x" * 255},
    {"title": "🙂" * 255},
    {"title": " x "},
    {"description": "line\nline\r\n\ttab\u202e\u200b"},
    {"description": "x" * 10_000},
    {"context": nested(32)},
    {"context": {"a": "x" * (MAX_CONTEXT_BYTES - 8)}},
    {"tags": ["x" * 50] * 20},
    {"tags": [""]},
    {"expires_in_seconds": 1},
    {"expires_in_seconds": 31_536_000},
    {"expires_in_seconds": None},
    {"approvals_required": 5},
    {"response_schema": None},
]
BAD: list[dict[str, Any]] = [
    {"request_id": ""},
    {"request_id": "a b"},
    {"request_id": "a/b"},
    {"request_id": "a\n"},
    {"request_id": "ü"},
    {"request_id": "x" * 256},
    {"request_id": None},
    {"request_id": 5},
    *({"request_id": name} for name in RESERVED_IDS),
    {"uow_id": ""},
    {"uow_id": "a/b"},
    {"uow_id": "a\nb"},
    {"uow_id": "a\x7f"},
    {"uow_id": "a\x85"},
    {"uow_id": "x" * 256},
    {"uow_id": None},
    {"intervention_type": "CLARIFICATION"},
    {"intervention_type": "other"},
    {"intervention_type": 1},
    {"priority": "urgent"},
    {"priority": 2},
    {"priority": None},
    {"title": ""},
    {"title": " \t\n\u00a0\u2003"},
    {"title": "x" * 256},
    {"title": ["x"]},
    {"description": "x" * 10_001},
    {"description": None},
    {"context": []},
    {"context": None},
    {"context": "{}"},
    {"context": nested(33)},
    {"context": {"a": "x" * (MAX_CONTEXT_BYTES - 7)}},
    {"tags": "a"},
    {"tags": ["x" * 51]},
    {"tags": ["x"] * 21},
    {"tags": [1]},
    {"tags": None},
    {"required_role": "admin"},
    {"required_role": None},
    {"approvals_required": 0},
    {"approvals_required": 6},
    {"approvals_required": "2"},
    {"approvals_required": 2.0},
    {"approvals_required": True},
    {"expires_in_seconds": 0},
    {"expires_in_seconds": -1},
    {"expires_in_seconds": 31_536_001},
    {"expires_in_seconds": 1.5},
    {"expires_in_seconds": "60"},
    {"expires_in_seconds": False},
    {"response_schema": {}},
    {"response_schema": "string"},
    {"status": "APPROVED"},
    {"organization": "globex"},
    {"decided_by": "local:otto"},
    {"created_at": "2026-01-01T00:00:00Z"},
    {"": 1},
]


@pytest.mark.parametrize("fields", GOOD, ids=lambda fields: str(fields)[:40])
def test_the_contract_takes_it(fields: dict[str, Any]) -> None:
    draft = draft_of(DRAFT | fields)
    assert all(getattr(draft, name) == value for name, value in fields.items())


@pytest.mark.parametrize("fields", BAD, ids=lambda fields: str(fields)[:40])
def test_the_contract_refuses_it_and_names_the_field(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refusal:
        draft_of(DRAFT | fields)
    (name,) = fields
    assert {field.split(".")[0] for field in refusal.value.errors or {}} == {name}


@pytest.mark.parametrize("name", ["uow_id", "intervention_type", "title"])
def test_what_is_required_is_named(name: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        draft_of({key: value for key, value in DRAFT.items() if key != name})
    assert refusal.value.errors == {name: ["is required"]}


def test_each_missing_field_is_named_once() -> None:
    with pytest.raises(InvalidInput) as refusal:
        draft_of({})
    missing = {name: ["is required"] for name in ("uow_id", "intervention_type", "title")}
    assert refusal.value.errors == missing


@pytest.mark.parametrize("data", [None, [], "x", 5, True])
def test_only_an_object_is_a_request(data: object) -> None:
    with pytest.raises(InvalidInput):
        draft_of(data)


def test_every_wrong_field_is_named_at_once() -> None:
    with pytest.raises(InvalidInput) as refusal:
        draft_of({"title": 1, "priority": "x", "colour": "red"})
    assert set(refusal.value.errors or {}) == {"uow_id", "intervention_type", "title", "priority", "colour"}


def test_two_requests_do_not_share_their_defaults() -> None:
    one, other = draft_of(DRAFT), draft_of(DRAFT)
    one.context["a"] = 1
    one.tags.append("x")
    assert (other.context, other.tags) == ({}, [])


def test_the_hash_is_that_of_the_canonical_json() -> None:
    """Computed here by hand, as an agent in another language would."""
    fields = {
        "context": {"a": 1, "b": 1e21, "ä": [True, None]},
        "description": "",
        "intervention_type": "clarification",
        "request_id": "r-1",
        "response_schema": None,
        "title": "Which vendor is it?",
        "uow_id": "uow-1",
    }
    canonical = (
        '{"context":{"a":1,"b":1e+21,"ä":[true,null]},"description":"","intervention_type":"clarification",'
        '"request_id":"r-1","response_schema":null,"title":"Which vendor is it?","uow_id":"uow-1"}'
    )
    assert content.content_hash(**fields) == hashlib.sha256(canonical.encode()).hexdigest()  # type: ignore[arg-type]


@pytest.mark.embedded
def test_what_is_not_shown_to_the_pilot_does_not_change_the_hash(ask: Any) -> None:
    one = ask(request_id="r", priority="low").content_hash
    Intervention.across_organizations.all().delete()
    assert ask(request_id="r", priority="high", tags=["x"], expires_in_seconds=5).content_hash == one


numbers = st.integers(-MAX_INTEGER, MAX_INTEGER) | st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=10,
)


@pytest.mark.embedded
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(context=st.dictionaries(texts, values, max_size=4), title=texts.filter(str.strip), description=texts)
def test_whatever_was_sent_comes_back_as_it_was(
    world: World, context: dict[str, Any], title: str, description: str
) -> None:
    draft = draft_of(DRAFT | {"context": context, "title": title, "description": description})
    sent = json.dumps([context, title, description])
    row = stored(actions.create(world.key(), draft).row.request_id)
    assert json.dumps([row.context, row.title, row.description]) == sent
    assert content.hash_of(row) == row.content_hash
    shown = json.loads(wire.dumps(wire.intervention(row)))
    assert json.dumps([shown["context"], shown["title"], shown["description"]]) == sent
