"""Several approvals: distinct pilots, one rejection rejects, the first answer stands."""

from typing import Any

import pytest

from conftest import Clock, World, stored, told
from interventions import actions
from interventions.errors import Conflict
from interventions.models import Event
from pilots.errors import InvalidInput

pytestmark = pytest.mark.embedded
SCHEMA = {"type": "object", "properties": {"vendor": {"type": "string"}}, "required": ["vendor"]}


def test_below_the_quorum_it_stays_open_and_each_approval_is_a_version(world: World, ask: Any) -> None:
    row = actions.approve(world.pilot("otto"), ask(request_id="r", approvals_required=3).request_id, reason="one")
    assert (row.status, row.version, row.decided_by, row.action_reason) == ("PENDING", 2, None, None)
    assert told("r") == ["created", "approval_added"]
    assert [(item.pilot_id, item.action_reason) for item in row.approvals.all()] == [("local:otto", "one")]


def test_the_last_approval_decides_and_gives_its_reason(world: World, ask: Any) -> None:
    ask(request_id="r", approvals_required=2)
    actions.approve(world.pilot("otto"), "r", reason="one")
    row = actions.approve(world.pilot("olga"), "r", reason="two")
    assert (row.status, row.decided_by, row.action_reason, row.version) == ("APPROVED", "local:olga", "two", 3)
    assert [item.pilot_id for item in stored("r").approvals.all()] == ["local:otto", "local:olga"]
    assert told("r") == ["created", "approval_added", "approved"]


def test_one_pilot_counts_once_and_repeating_is_no_news(world: World, ask: Any) -> None:
    ask(request_id="r", approvals_required=2)
    for _ in range(3):
        row = actions.approve(world.pilot("otto"), "r", reason="again")
    assert (row.status, row.version) == ("PENDING", 2)
    assert told("r") == ["created", "approval_added"]


def test_one_rejection_rejects_also_by_one_who_approved(world: World, ask: Any) -> None:
    ask(request_id="r", approvals_required=2)
    actions.approve(world.pilot("otto"), "r")
    row = actions.reject(world.pilot("otto"), "r", reason="on second thoughts")
    assert (row.status, row.decided_by) == ("REJECTED", "local:otto")


def test_an_approval_repeated_after_the_rejection_is_refused(world: World, ask: Any) -> None:
    ask(request_id="r", approvals_required=2)
    actions.approve(world.pilot("otto"), "r")
    actions.reject(world.pilot("olga"), "r", reason="no")
    with pytest.raises(Conflict) as refusal:
        actions.approve(world.pilot("otto"), "r")
    assert (refusal.value.code, refusal.value.intervention.decided_by) == ("already_decided", "local:olga")


def test_an_approval_repeated_after_the_decision_is_no_news_for_each_who_approved(world: World, ask: Any) -> None:
    ask(request_id="r", approvals_required=2)
    actions.approve(world.pilot("otto"), "r")
    version = actions.approve(world.pilot("olga"), "r").version
    for name in ("otto", "olga"):
        assert actions.approve(world.pilot(name), "r").version == version
    with pytest.raises(Conflict) as refusal:
        actions.approve(world.pilot("ada"), "r")
    assert refusal.value.code == "already_decided"


def test_an_approval_repeated_past_the_deadline_is_too_late_swept_or_not(world: World, ask: Any, clock: Clock) -> None:
    ask(request_id="r", approvals_required=2, expires_in_seconds=60)
    actions.approve(world.pilot("otto"), "r")
    clock.forward(seconds=60)
    for _ in range(2):
        with pytest.raises(Conflict) as refusal:
            actions.approve(world.pilot("otto"), "r")
        assert refusal.value.code == "expired"
        actions.expire_due()
    assert stored("r").status == "EXPIRED"


def test_a_claim_stands_while_approvals_are_missing(world: World, ask: Any) -> None:
    ask(request_id="r", approvals_required=2)
    actions.claim(world.pilot("otto"), "r")
    assert actions.approve(world.pilot("otto"), "r").status == "IN_PROGRESS"
    with pytest.raises(Conflict) as refusal:
        actions.approve(world.pilot("olga"), "r")
    assert refusal.value.code == "claimed"
    actions.release(world.pilot("otto"), "r")
    assert actions.approve(world.pilot("olga"), "r").status == "APPROVED"


def test_the_first_answer_stands_and_need_not_be_repeated(world: World, ask: Any) -> None:
    ask(request_id="r", approvals_required=3, response_schema=SCHEMA)
    actions.approve(world.pilot("otto"), "r", response={"vendor": "A"})
    with pytest.raises(Conflict) as refusal:
        actions.approve(world.pilot("olga"), "r", response={"vendor": "B"})
    assert refusal.value.code == "response_differs"
    assert actions.approve(world.pilot("olga"), "r").status == "PENDING"
    row = actions.approve(world.pilot("ada"), "r", response={"vendor": "A"})
    assert (row.status, row.response) == ("APPROVED", {"vendor": "A"})


def test_the_same_pilot_with_another_answer_is_refused(world: World, ask: Any) -> None:
    ask(request_id="r", response_schema=SCHEMA)
    actions.approve(world.pilot("otto"), "r", response={"vendor": "A"})
    with pytest.raises(Conflict) as refusal:
        actions.approve(world.pilot("otto"), "r", response={"vendor": "B"})
    assert refusal.value.code == "response_differs"
    assert actions.approve(world.pilot("otto"), "r", response={"vendor": "A"}).version == 2


def test_no_answer_no_approval(world: World, ask: Any) -> None:
    ask(request_id="r", approvals_required=2, response_schema=SCHEMA)
    with pytest.raises(InvalidInput) as refusal:
        actions.approve(world.pilot("otto"), "r")
    assert refusal.value.code == "response_required"
    assert told("r") == ["created"]


def test_the_event_tells_of_all_approvals(world: World, ask: Any) -> None:
    ask(request_id="r", approvals_required=2)
    actions.approve(world.pilot("otto"), "r")
    actions.approve(world.pilot("olga"), "r")
    data = Event.across_organizations.latest("seq").data
    assert [item["pilot_id"] for item in data["approvals"]] == ["local:otto", "local:olga"]
