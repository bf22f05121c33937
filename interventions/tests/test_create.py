"""Create: one by one, in batches, and again."""

from typing import Any

import pytest

from conftest import DRAFT, Clock, World, stored, told
from interventions import actions
from interventions.actions import IdempotencyKey
from interventions.content import draft_of
from interventions.errors import Conflict
from interventions.models import Event, IdempotencyRecord, Intervention
from pilots.errors import NotAllowed

pytestmark = pytest.mark.embedded


def test_defaults_are_filled_in(ask: Any) -> None:
    row = ask()
    assert (row.status, row.priority, row.required_role, row.approvals_required) == ("PENDING", 2, "OPERATOR", 1)
    assert (row.description, row.context, row.tags, row.response_schema) == ("", {}, [], None)
    assert (row.expires_at - row.created_at).total_seconds() == 3600
    assert (row.version, row.assigned_to, row.decided_by) == (1, None, None)
    assert told(row.request_id) == ["created"]


def test_no_deadline_means_never(ask: Any, clock: Clock) -> None:
    assert ask(request_id="r", expires_in_seconds=None).expires_at is None
    clock.forward(days=4000)
    assert actions.expire_due() == 0


@pytest.mark.parametrize(
    ("kind", "asked", "effective"),
    [
        ("clarification", "VIEWER", "OPERATOR"),
        ("clarification", "ADMIN", "ADMIN"),
        ("kill_switch", "VIEWER", "ADMIN"),
        ("kill_switch", "OPERATOR", "ADMIN"),
        ("waive_violation", "OPERATOR", "ADMIN"),
        ("resume", "OPERATOR", "OPERATOR"),
        ("cancel", "VIEWER", "OPERATOR"),
    ],
)
def test_the_role_is_raised_not_refused(ask: Any, kind: str, asked: str, effective: str) -> None:
    assert ask(intervention_type=kind, required_role=asked).required_role == effective


def test_the_same_again_gives_the_first_whatever_became_of_it(world: World, ask: Any) -> None:
    ask(request_id="r", title="One?")
    actions.approve(world.pilot("otto"), "r")
    again = actions.create(world.key(), draft_of(DRAFT | {"request_id": "r", "title": "One?"}))
    assert (again.created, again.row.status) == (False, "APPROVED")
    assert told("r") == ["created", "approved"]


def test_what_differs_only_in_spelled_out_defaults_is_the_same(world: World, ask: Any) -> None:
    ask(request_id="r")
    spelled = {"request_id": "r", "priority": "normal", "context": {}, "tags": [], "required_role": "VIEWER"}
    spelled |= {"expires_in_seconds": 3600, "approvals_required": 1, "response_schema": None, "description": ""}
    assert not actions.create(world.key(), draft_of(DRAFT | spelled)).created


@pytest.mark.parametrize(
    "other",
    [
        {"title": "Other"},
        {"description": "more"},
        {"context": {"a": 1}},
        {"context": {"a": True}},
        {"tags": ["a"]},
        {"priority": "high"},
        {"uow_id": "uow-2"},
        {"intervention_type": "resume"},
        {"required_role": "ADMIN"},
        {"approvals_required": 2},
        {"expires_in_seconds": 3601},
        {"expires_in_seconds": None},
        {"response_schema": {"type": "object", "properties": {"a": {"type": "string"}}}},
    ],
)
def test_other_content_under_the_same_id_is_refused(world: World, ask: Any, other: dict[str, Any]) -> None:
    ask(request_id="r")
    with pytest.raises(Conflict) as refusal:
        ask(request_id="r", **other)
    assert (refusal.value.code, refusal.value.intervention.request_id) == ("request_id_reused", "r")
    assert told("r") == ["created"]


def test_true_and_one_are_other_content(ask: Any) -> None:
    ask(request_id="r", context={"a": 1})
    with pytest.raises(Conflict):
        ask(request_id="r", context={"a": True})


def test_the_order_of_keys_is_no_content_but_kept(ask: Any) -> None:
    ask(request_id="r", context={"b": 1, "a": {"z": 1, "y": 2}})
    ask(request_id="r", context={"a": {"y": 2, "z": 1}, "b": 1})
    assert str(stored("r").context) == "{'b': 1, 'a': {'z': 1, 'y': 2}}"


def test_two_organizations_may_use_one_id(world: World, ask: Any) -> None:
    ask(request_id="r", title="Acme's")
    assert ask(key="globex-agent", request_id="r", title="Globex's").title == "Globex's"


def test_ids_that_differ_in_case_are_two(ask: Any) -> None:
    ask(request_id="r", title="one")
    assert ask(request_id="R", title="two").title == "two"
    assert Intervention.across_organizations.count() == 2


def test_pilots_and_readers_do_not_create(world: World) -> None:
    for caller in (world.pilot("ada"), world.key("reader")):
        with pytest.raises(NotAllowed):
            actions.create(caller, draft_of(DRAFT))
    assert not Intervention.across_organizations.exists()


def drafts(*fields: dict[str, Any]) -> list[Any]:
    return [draft_of(DRAFT | item) for item in fields]


def test_a_batch_is_answered_and_told_in_its_own_order(world: World, ask: Any) -> None:
    ask(request_id="b")
    asked = actions.create_many(world.key(), drafts(*({"request_id": name} for name in ("c", "b", "a", "c"))))
    assert [(item.row.request_id, item.created) for item in asked] == [
        ("c", True),
        ("b", False),
        ("a", True),
        ("c", False),
    ]
    assert list(Event.across_organizations.order_by("seq").values_list("request_id", flat=True)) == ["b", "c", "a"]
    assert stored("c").created_at < stored("a").created_at


def test_a_batch_is_stored_wholly_or_not_at_all(world: World, ask: Any) -> None:
    ask(request_id="b")
    with pytest.raises(Conflict) as refusal:
        actions.create_many(world.key(), drafts({"request_id": "a"}, {"request_id": "b", "title": "Other"}))
    assert refusal.value.intervention.request_id == "b"
    assert Intervention.across_organizations.count() == 1
    assert Event.across_organizations.count() == 1


def test_a_batch_that_contradicts_itself_shows_no_row_for_none_stands(world: World) -> None:
    with pytest.raises(Conflict) as refusal:
        actions.create_many(world.key(), drafts({"request_id": "a"}, {"request_id": "a", "title": "Other"}))
    assert (refusal.value.code, refusal.value.intervention) == ("request_id_reused", None)
    assert not Intervention.across_organizations.exists()


def test_a_key_used_again_gives_what_it_gave(world: World) -> None:
    once = IdempotencyKey("k", "body")
    (first,) = actions.create_many(world.key(), drafts({}), once)
    (again,) = actions.create_many(world.key(), drafts({}), once)
    assert (again.row.request_id, again.created) == (first.row.request_id, True)
    assert Intervention.across_organizations.count() == 1


def test_a_key_with_another_body_is_refused(world: World) -> None:
    actions.create(world.key(), draft_of(DRAFT), IdempotencyKey("k", "body"))
    with pytest.raises(Conflict) as refusal:
        actions.create(world.key(), draft_of(DRAFT), IdempotencyKey("k", "other body"))
    assert (refusal.value.code, refusal.value.intervention) == ("idempotency_key_reused", None)


def test_a_key_counts_for_one_credential_and_a_day(world: World, clock: Clock) -> None:
    once = IdempotencyKey("k", "body")
    actions.create(world.key(), draft_of(DRAFT), once)
    actions.create(world.key("globex-agent"), draft_of(DRAFT), once)
    assert Intervention.across_organizations.count() == 2
    clock.forward(hours=24, seconds=1)
    actions.create(world.key(), draft_of(DRAFT), IdempotencyKey("k", "other body"))
    assert Intervention.across_organizations.count() == 3
    assert IdempotencyRecord.across_organizations.count() == 2


def test_what_was_refused_does_not_use_up_its_key(world: World, ask: Any) -> None:
    ask(request_id="r")
    once = IdempotencyKey("k", "body")
    with pytest.raises(Conflict):
        actions.create(world.key(), draft_of(DRAFT | {"request_id": "r", "title": "Other"}), once)
    assert actions.create(world.key(), draft_of(DRAFT), once).created


def test_a_key_whose_request_was_archived_starts_anew(world: World) -> None:
    once = IdempotencyKey("k", "body")
    actions.create(world.key(), draft_of(DRAFT), once)
    Intervention.across_organizations.all().delete()
    assert actions.create(world.key(), draft_of(DRAFT), once).created
