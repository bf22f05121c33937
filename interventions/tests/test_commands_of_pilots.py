"""Pilot commands: approve the unit's open request of that kind, else put the command itself on record."""

from typing import Any

import pytest

from conftest import Clock, World, stored, told
from interventions import actions
from interventions.errors import Conflict
from interventions.lifecycle import Type
from interventions.models import Intervention
from pilots.errors import InvalidInput, NotAllowed

pytestmark = pytest.mark.embedded
SCHEMA = {"type": "object", "properties": {"vendor": {"type": "string"}}}


def test_the_open_request_is_approved(world: World, ask: Any) -> None:
    ask(request_id="r", uow_id="u", intervention_type="resume")
    row = actions.command(world.pilot("otto"), Type.RESUME, "u", reason="go on")
    assert (row.request_id, row.status, row.action_reason) == ("r", "APPROVED", "go on")


def test_of_several_the_oldest(world: World, ask: Any) -> None:
    for name in ("z", "a"):
        ask(request_id=name, uow_id="u", priority="critical" if name == "a" else "low")
    assert actions.command(world.pilot("otto"), Type.CLARIFICATION, "u", reason="x").request_id == "z"
    assert actions.command(world.pilot("otto"), Type.CLARIFICATION, "u", reason="x").request_id == "a"


def test_without_one_the_command_itself_is_recorded_as_approved(world: World, ask: Any) -> None:
    ask(uow_id="other", intervention_type="cancel")
    ask(uow_id="u", intervention_type="resume")
    row = actions.command(world.pilot("otto"), Type.CANCEL, "u", reason="stop", context={"by": "hand"})
    assert (row.status, row.decided_by, row.action_reason, row.uow_id) == ("APPROVED", "local:otto", "stop", "u")
    assert (row.expires_at, row.context, row.version) == (None, {"by": "hand"}, 2)
    assert told(row.request_id) == ["created", "approved"]
    assert [item.pilot_id for item in stored(row.request_id).approvals.all()] == ["local:otto"]


def test_what_ran_out_or_was_decided_is_no_open_request(world: World, ask: Any, clock: Clock) -> None:
    ask(request_id="late", uow_id="u", expires_in_seconds=1)
    actions.reject(world.pilot("otto"), ask(request_id="no", uow_id="u").request_id, reason="no")
    clock.forward(seconds=1)
    row = actions.command(world.pilot("otto"), Type.CLARIFICATION, "u", reason="x")
    assert row.request_id not in ("late", "no")
    assert stored("late").status == "PENDING"


@pytest.mark.parametrize(
    ("name", "kind", "allowed"),
    [
        ("vera", Type.RESUME, False),
        ("otto", Type.RESUME, True),
        ("otto", Type.CANCEL, True),
        ("otto", Type.CLARIFICATION, True),
        ("otto", Type.KILL_SWITCH, False),
        ("otto", Type.WAIVE_VIOLATION, False),
        ("ada", Type.KILL_SWITCH, True),
        ("ada", Type.WAIVE_VIOLATION, True),
        ("agent", Type.RESUME, False),
    ],
)
def test_who_may(world: World, name: str, kind: Type, allowed: bool) -> None:
    caller = world.key() if name == "agent" else world.pilot(name)
    if allowed:
        assert actions.command(caller, kind, "u", reason="why").status == "APPROVED"
    else:
        with pytest.raises(NotAllowed):
            actions.command(caller, kind, "u", reason="why")
        assert not Intervention.across_organizations.exists()


@pytest.mark.parametrize("kind", [Type.KILL_SWITCH, Type.WAIVE_VIOLATION])
@pytest.mark.parametrize("reason", [None, "", " \t"])
def test_grave_commands_need_a_reason(world: World, kind: Type, reason: str | None) -> None:
    with pytest.raises(InvalidInput) as refusal:
        actions.command(world.pilot("ada"), kind, "u", reason=reason)
    assert refusal.value.code == "reason_required"
    assert not Intervention.across_organizations.exists()


def test_a_request_that_needs_an_admin_needs_one_here_too(world: World, ask: Any) -> None:
    ask(uow_id="u", required_role="ADMIN")
    with pytest.raises(NotAllowed):
        actions.command(world.pilot("otto"), Type.CLARIFICATION, "u", reason="x")


def test_another_pilots_claim_holds_here_too(world: World, ask: Any) -> None:
    actions.claim(world.pilot("olga"), ask(uow_id="u").request_id)
    with pytest.raises(Conflict) as refusal:
        actions.command(world.pilot("otto"), Type.CLARIFICATION, "u", reason="x")
    assert refusal.value.code == "claimed"


def test_an_answer_that_is_asked_for_cannot_be_left_out(world: World, ask: Any) -> None:
    ask(uow_id="u", response_schema=SCHEMA)
    with pytest.raises(InvalidInput) as refusal:
        actions.command(world.pilot("otto"), Type.CLARIFICATION, "u", reason="x")
    assert refusal.value.code == "response_required"


def test_while_approvals_are_missing_it_stays_open(world: World, ask: Any) -> None:
    ask(request_id="r", uow_id="u", intervention_type="resume", approvals_required=2)
    assert actions.command(world.pilot("otto"), Type.RESUME, "u", reason=None).status == "PENDING"
    assert actions.command(world.pilot("olga"), Type.RESUME, "u", reason=None).status == "APPROVED"


def test_the_other_open_requests_of_the_unit_are_counted(world: World, ask: Any, clock: Clock) -> None:
    ask(uow_id="u", expires_in_seconds=1)
    clock.forward(seconds=1)
    ask(uow_id="u")
    actions.claim(world.pilot("olga"), ask(uow_id="u").request_id)
    ask(uow_id="other")
    ask(key="globex-agent", uow_id="u")
    row = actions.command(world.pilot("ada"), Type.KILL_SWITCH, "u", reason="stop")
    assert actions.count_open(world.pilot("ada"), "u", besides=row.request_id) == 2


def test_another_organizations_requests_are_out_of_reach(world: World, ask: Any) -> None:
    ask(key="globex-agent", request_id="theirs", uow_id="u")
    assert actions.command(world.pilot("otto"), Type.CLARIFICATION, "u", reason="x").request_id != "theirs"
    assert stored("theirs").status == "PENDING"


def test_a_unit_of_the_longest_name_fits_the_title(world: World) -> None:
    row = actions.command(world.pilot("otto"), Type.RESUME, "u" * 255, reason=None)
    assert len(stored(row.request_id).title) == 255


def test_a_request_decided_meanwhile_is_passed_over(world: World, ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two at once the second finds its request decided when it gets the lock; it goes on to the next."""
    for name in ("first", "second"):
        ask(request_id=name, uow_id="u")
    found = iter(["first", "second"])
    monkeypatch.setattr("interventions.actions.commanding._oldest_open", lambda *_: next(found))
    actions.approve(world.pilot("olga"), "first")
    assert actions.command(world.pilot("otto"), Type.CLARIFICATION, "u", reason="x").request_id == "second"
