"""Cancel: the agent withdraws what is still open."""

from typing import Any

import pytest

from conftest import Clock, World, stored, told
from interventions import actions
from interventions.errors import Conflict
from pilots.errors import NotAllowed, NotFound

pytestmark = pytest.mark.embedded


def test_an_open_request_is_withdrawn(world: World, ask: Any) -> None:
    row = actions.cancel(world.key(), ask(request_id="r").request_id, reason="found it myself")
    assert (row.status, row.action_reason, row.decided_by, row.version) == ("CANCELLED", "found it myself", None, 2)
    assert row.action_timestamp is not None
    assert told("r") == ["created", "cancelled"]


def test_a_claim_does_not_hold_it(world: World, ask: Any) -> None:
    actions.claim(world.pilot("otto"), ask(request_id="r").request_id)
    row = actions.cancel(world.key(), "r", reason=None)
    assert (row.status, row.assigned_to, row.claimed_until) == ("CANCELLED", "local:otto", None)


def test_the_same_withdrawal_again_changes_nothing(world: World, ask: Any) -> None:
    first = actions.cancel(world.key(), ask(request_id="r").request_id, reason=None)
    assert actions.cancel(world.key(), "r", reason="  ").version == first.version
    assert told("r") == ["created", "cancelled"]


def test_a_withdrawal_with_another_reason_is_refused(world: World, ask: Any) -> None:
    actions.cancel(world.key(), ask(request_id="r").request_id, reason="one")
    with pytest.raises(Conflict) as refusal:
        actions.cancel(world.key(), "r", reason="two")
    assert refusal.value.code == "already_decided"


def test_what_is_decided_cannot_be_withdrawn(world: World, ask: Any) -> None:
    actions.approve(world.pilot("otto"), ask(request_id="r").request_id)
    with pytest.raises(Conflict) as refusal:
        actions.cancel(world.key(), "r", reason=None)
    assert refusal.value.code == "already_decided"
    assert refusal.value.intervention.decided_by == "local:otto"


def test_what_ran_out_cannot_be_withdrawn_whether_swept_or_not(world: World, ask: Any, clock: Clock) -> None:
    ask(request_id="r", expires_in_seconds=60)
    clock.forward(seconds=60)
    for _ in range(2):
        with pytest.raises(Conflict) as refusal:
            actions.cancel(world.key(), "r", reason=None)
        assert refusal.value.code == "expired"
        actions.expire_due()
    assert stored("r").status == "EXPIRED"


def test_nobody_decides_what_was_withdrawn(world: World, ask: Any) -> None:
    actions.cancel(world.key(), ask(request_id="r").request_id, reason=None)
    with pytest.raises(Conflict) as refusal:
        actions.approve(world.pilot("otto"), "r")
    assert refusal.value.code == "already_decided"


def test_pilots_readers_and_strangers_do_not_cancel(world: World, ask: Any) -> None:
    ask(request_id="r")
    callers = [
        (world.pilot("ada"), NotAllowed),
        (world.key("reader"), NotAllowed),
        (world.key("globex-agent"), NotFound),
    ]
    for caller, refusal in callers:
        with pytest.raises(refusal):
            actions.cancel(caller, "r", reason=None)
    assert stored("r").status == "PENDING"
