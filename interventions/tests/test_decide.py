"""Approve and reject: who, when, once."""

from typing import Any

import pytest

from conftest import Clock, World, stored, told
from interventions import actions
from interventions.actions import Result, Seen
from interventions.errors import Conflict
from interventions.models import Event
from pilots.errors import InvalidInput, NotAllowed, NotFound

pytestmark = pytest.mark.embedded


def test_approval_decides(world: World, ask: Any) -> None:
    row = actions.approve(world.pilot("otto"), ask().request_id)
    assert (row.status, row.decided_by, row.version) == ("APPROVED", "local:otto", 2)


def test_the_second_pilot_learns_who_was_first(world: World, ask: Any) -> None:
    request_id = ask().request_id
    actions.approve(world.pilot("otto"), request_id)
    with pytest.raises(Conflict) as refusal:
        actions.reject(world.pilot("olga"), request_id, reason="no")
    assert refusal.value.code == "already_decided"
    assert refusal.value.intervention.decided_by == "local:otto"


def test_the_same_decision_again_changes_nothing(world: World, ask: Any) -> None:
    request_id = ask().request_id
    first = actions.approve(world.pilot("otto"), request_id)
    assert actions.approve(world.pilot("otto"), request_id).version == first.version


def test_two_approvals_of_two_pilots_reach_a_quorum_of_two(world: World, ask: Any) -> None:
    request_id = ask(approvals_required=2).request_id
    assert actions.approve(world.pilot("otto"), request_id).status == "PENDING"
    assert actions.approve(world.pilot("otto"), request_id).status == "PENDING"
    row = actions.approve(world.pilot("olga"), request_id)
    assert (row.status, row.decided_by) == ("APPROVED", "local:olga")


def test_a_rejection_needs_a_reason(world: World, ask: Any) -> None:
    with pytest.raises(InvalidInput) as refusal:
        actions.reject(world.pilot("otto"), ask().request_id, reason="  ")
    assert refusal.value.code == "reason_required"


def test_grave_matters_need_an_admin(world: World, ask: Any) -> None:
    request_id = ask(intervention_type="kill_switch", required_role="VIEWER").request_id
    with pytest.raises(NotAllowed):
        actions.approve(world.pilot("otto"), request_id, reason="stop")
    assert actions.approve(world.pilot("ada"), request_id, reason="stop").status == "APPROVED"


def test_another_organization_does_not_find_it(world: World, ask: Any) -> None:
    with pytest.raises(NotFound):
        actions.approve(world.pilot("gina"), ask().request_id)


@pytest.mark.parametrize("name", ["vera", "agent"])
def test_viewers_and_keys_do_not_decide(world: World, ask: Any, name: str) -> None:
    caller = world.key() if name == "agent" else world.pilot(name)
    ask(request_id="r")
    for verdict in ("approve", "reject"):
        with pytest.raises(NotAllowed):
            actions.decide(caller, "r", verdict, reason="because")
    assert told("r") == ["created"]


def test_what_needs_an_admin_is_not_for_operators(world: World, ask: Any) -> None:
    ask(request_id="r", required_role="ADMIN")
    for verdict in ("approve", "reject"):
        with pytest.raises(NotAllowed):
            actions.decide(world.pilot("otto"), "r", verdict, reason="because")
    assert actions.reject(world.pilot("ada"), "r", reason="because").status == "REJECTED"


@pytest.mark.parametrize("kind", ["kill_switch", "waive_violation"])
@pytest.mark.parametrize("reason", [None, "", " \n"])
def test_approving_grave_matters_needs_a_reason(world: World, ask: Any, kind: str, reason: str | None) -> None:
    ask(request_id="r", intervention_type=kind)
    with pytest.raises(InvalidInput) as refusal:
        actions.approve(world.pilot("ada"), "r", reason=reason)
    assert refusal.value.code == "reason_required"
    assert told("r") == ["created"]


@pytest.mark.parametrize("reason", [None, "", " \n"])
def test_a_blank_reason_counts_as_none(world: World, ask: Any, reason: str | None) -> None:
    row = actions.approve(world.pilot("otto"), ask(request_id="r").request_id, reason=reason)
    assert (row.action_reason, stored("r").action_reason) == (None, None)


def test_a_reason_is_kept_as_it_was_written(world: World, ask: Any) -> None:
    actions.reject(world.pilot("otto"), ask(request_id="r").request_id, reason="  no,\nnot today ")
    assert stored("r").action_reason == "  no,\nnot today "


def test_while_another_pilots_claim_lives_nobody_else_decides(world: World, ask: Any, clock: Clock) -> None:
    actions.claim(world.pilot("otto"), ask(request_id="r").request_id)
    for verdict in ("approve", "reject"):
        with pytest.raises(Conflict) as refusal:
            actions.decide(world.pilot("ada"), "r", verdict, reason="because")
        assert (refusal.value.code, refusal.value.intervention.assigned_to) == ("claimed", "local:otto")
    clock.forward(minutes=10)
    assert actions.approve(world.pilot("olga"), "r").status == "APPROVED"


def test_a_decision_ends_the_claim_and_keeps_the_claimant(world: World, ask: Any) -> None:
    actions.claim(world.pilot("otto"), ask(request_id="r").request_id)
    row = actions.approve(world.pilot("otto"), "r")
    assert (row.status, row.assigned_to, row.claimed_until) == ("APPROVED", "local:otto", None)


@pytest.mark.parametrize("verdict", ["approve", "reject"])
def test_what_the_pilot_saw_must_still_stand(world: World, ask: Any, verdict: str) -> None:
    row = ask(request_id="r")
    actions.extend(world.pilot("olga"), "r", expires_in_seconds=60)
    for seen, code in [
        (Seen(version=1), "version_mismatch"),
        (Seen(version=3), "version_mismatch"),
        (Seen(content_hash="0" * 64), "content_changed"),
        (Seen(version=1, content_hash="0" * 64), "content_changed"),
        (Seen(version=2, content_hash=row.content_hash.upper()), "content_changed"),
    ]:
        with pytest.raises(Conflict) as refusal:
            actions.decide(world.pilot("otto"), "r", verdict, reason="because", seen=seen)
        assert (refusal.value.code, refusal.value.intervention.version) == (code, 2)
    seen = Seen(version=2, content_hash=row.content_hash)
    assert actions.decide(world.pilot("otto"), "r", verdict, reason="because", seen=seen).version == 3


def test_a_repeated_decision_is_no_news_even_with_the_version_seen_then(world: World, ask: Any) -> None:
    ask(request_id="r")
    first = actions.reject(world.pilot("otto"), "r", reason="no", seen=Seen(version=1))
    again = actions.reject(world.pilot("otto"), "r", reason="no", seen=Seen(version=1))
    assert (again.version, again.action_timestamp) == (first.version, first.action_timestamp)
    assert told("r") == ["created", "rejected"]


def test_the_same_pilot_cannot_turn_a_decision_round(world: World, ask: Any) -> None:
    actions.approve(world.pilot("otto"), ask(request_id="r").request_id)
    with pytest.raises(Conflict) as refusal:
        actions.reject(world.pilot("otto"), "r", reason="on second thoughts")
    assert refusal.value.code == "already_decided"


def test_a_repeated_approval_after_completion_is_no_news(world: World, ask: Any) -> None:
    actions.approve(world.pilot("otto"), ask(request_id="r").request_id)
    actions.complete(world.key(), "r", outcome=None)
    assert actions.approve(world.pilot("otto"), "r").status == "COMPLETED"


def test_an_answer_goes_with_an_approval_only(world: World, ask: Any) -> None:
    schema = {"type": "object", "properties": {"vendor": {"type": "string"}}}
    ask(request_id="r", response_schema=schema)
    with pytest.raises(InvalidInput) as refusal:
        actions.reject(world.pilot("otto"), "r", reason="no", response={"vendor": "A"})
    assert list(refusal.value.errors or {}) == ["response"]
    assert actions.reject(world.pilot("otto"), "r", reason="no").response is None


def test_an_answer_nobody_asked_for_is_refused(world: World, ask: Any) -> None:
    with pytest.raises(InvalidInput) as refusal:
        actions.approve(world.pilot("otto"), ask(request_id="r").request_id, response={"a": 1})
    assert refusal.value.code == "invalid_response"
    assert told("r") == ["created"]


def test_an_answer_that_does_not_fit_is_refused(world: World, ask: Any) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    ask(request_id="r", response_schema=schema)
    for answer in ({}, {"n": "1"}, {"n": True}):
        with pytest.raises(InvalidInput) as refusal:
            actions.approve(world.pilot("otto"), "r", response=answer)
        assert refusal.value.code == "invalid_response"
    assert actions.approve(world.pilot("otto"), "r", response={"n": 1}).response == {"n": 1}


def test_many_are_decided_each_for_itself(world: World, ask: Any, clock: Clock) -> None:
    ask(request_id="late", expires_in_seconds=1)
    clock.forward(seconds=1)
    ask(request_id="ok")
    ask(request_id="grave", intervention_type="kill_switch")
    ask(request_id="asks", response_schema={"type": "object", "properties": {"a": {"type": "string"}}})
    ask(request_id="half", approvals_required=2)
    actions.claim(world.pilot("olga"), ask(request_id="claimed").request_id)
    actions.reject(world.pilot("olga"), ask(request_id="decided").request_id, reason="no")
    ask(key="globex-agent", request_id="theirs")
    ids = ["ok", "late", "grave", "asks", "half", "claimed", "decided", "theirs", "unknown", "ok"]
    assert actions.decide_many(world.pilot("otto"), ids, "approve", reason=None) == [
        Result("ok", "APPROVED"),
        Result("late", "PENDING", "expired"),
        Result("grave", "PENDING", "forbidden"),
        Result("asks", "PENDING", "response_required"),
        Result("half", "PENDING"),
        Result("claimed", "IN_PROGRESS", "claimed"),
        Result("decided", "REJECTED", "already_decided"),
        Result("theirs", None, "not_found"),
        Result("unknown", None, "not_found"),
        Result("ok", "APPROVED"),
    ]


def test_a_bulk_rejection_without_a_reason_rejects_none(world: World, ask: Any) -> None:
    ask(request_id="r")
    verdicts = actions.decide_many(world.pilot("otto"), ["r"], "reject", reason=" ")
    assert verdicts == [Result("r", "PENDING", "reason_required")]


@pytest.mark.parametrize("name", ["vera", "agent"])
def test_who_may_decide_nothing_is_refused_a_bulk_decision_as_a_whole(world: World, ask: Any, name: str) -> None:
    caller = world.key() if name == "agent" else world.pilot(name)
    with pytest.raises(NotAllowed):
        actions.decide_many(caller, [ask().request_id, "unknown"], "approve", reason=None)


def test_who_may_decide_nothing_does_not_learn_which_requests_exist(world: World) -> None:
    with pytest.raises(NotAllowed):
        actions.approve(world.pilot("vera"), "no-such-request")
    with pytest.raises(NotAllowed):
        actions.approve(world.key(), "no-such-request")


def test_a_decision_records_what_it_was_made_on(world: World, ask: Any) -> None:
    row = ask(request_id="r", approvals_required=2)
    actions.approve(world.pilot("otto"), "r")
    actions.approve(world.pilot("olga"), "r")
    actions.reject(world.pilot("otto"), ask(request_id="s", title="Another").request_id, reason="no")
    recorded = {
        event.type: event.data.get("content_hash") for event in Event.across_organizations.exclude(type="created")
    }
    assert recorded == {
        "approval_added": row.content_hash,
        "approved": row.content_hash,
        "rejected": stored("s").content_hash,
    }


def test_who_decided_by_another_way_may_repeat_it_too(world: World, ask: Any) -> None:
    """A decision of the store has no approvals: its decided_by tells whose it was."""
    actions.approve(world.pilot("otto"), ask(request_id="r").request_id)
    stored("r").approvals.all().delete()
    assert actions.approve(world.pilot("otto"), "r").version == 2
    with pytest.raises(Conflict):
        actions.approve(world.pilot("olga"), "r")
