"""Complete: the agent reports that it acted; delivered: that it learned the decision."""

from typing import Any

import pytest

from conftest import Clock, World, stored, told
from interventions import actions
from interventions.errors import Conflict
from pilots.errors import NotAllowed, NotFound

pytestmark = pytest.mark.embedded


@pytest.fixture
def approved(world: World, ask: Any) -> str:
    request_id: str = ask(request_id="r").request_id
    actions.approve(world.pilot("otto"), request_id)
    return request_id


def test_the_report_is_kept(world: World, approved: str) -> None:
    outcome = {"paid": 12.5, "note": "Ø\n", "huge": 1e300, "minus": -0.0, "list": [1, None, True]}
    row = actions.complete(world.key(), approved, outcome=outcome)
    assert (row.status, row.decided_by, row.version) == ("COMPLETED", "local:otto", 3)
    assert stored(approved).outcome == outcome
    assert str(stored(approved).outcome) == str(outcome)
    assert told(approved) == ["created", "approved", "completed"]


def test_the_same_report_again_changes_nothing(world: World, approved: str) -> None:
    first = actions.complete(world.key(), approved, outcome={"n": 1, "ok": True})
    assert actions.complete(world.key(), approved, outcome={"ok": True, "n": 1}).version == first.version
    assert told(approved) == ["created", "approved", "completed"]


@pytest.mark.parametrize("other", [None, {}, {"n": 2}, {"n": "1"}, {"n": True}])
def test_another_report_is_refused(world: World, approved: str, other: Any) -> None:
    actions.complete(world.key(), approved, outcome={"n": 1})
    with pytest.raises(Conflict) as refusal:
        actions.complete(world.key(), approved, outcome=other)
    assert refusal.value.code == "illegal_transition"
    assert stored(approved).outcome == {"n": 1}


def test_only_what_was_approved_can_be_completed(world: World, ask: Any, clock: Clock) -> None:
    actions.reject(world.pilot("otto"), ask(request_id="rejected").request_id, reason="no")
    actions.claim(world.pilot("otto"), ask(request_id="claimed").request_id)
    actions.cancel(world.key(), ask(request_id="cancelled").request_id, reason=None)
    ask(request_id="open")
    ask(request_id="expired", expires_in_seconds=1)
    clock.forward(seconds=1)
    actions.expire_due()
    for request_id in ("rejected", "claimed", "cancelled", "open", "expired"):
        with pytest.raises(Conflict) as refusal:
            actions.complete(world.key(), request_id, outcome=None)
        assert refusal.value.code == "illegal_transition"
        assert refusal.value.intervention.request_id == request_id


def test_a_report_may_come_after_the_deadline(world: World, approved: str, clock: Clock) -> None:
    clock.forward(days=2)
    assert actions.expire_due() == 0
    assert actions.complete(world.key(), approved, outcome=None).status == "COMPLETED"


def test_pilots_readers_and_strangers_do_not_complete(world: World, approved: str) -> None:
    callers = [
        (world.pilot("ada"), NotAllowed),
        (world.key("reader"), NotAllowed),
        (world.key("globex-agent"), NotFound),
    ]
    for caller, refusal in callers:
        with pytest.raises(refusal):
            actions.complete(caller, approved, outcome=None)
    assert stored(approved).status == "APPROVED"


def test_delivery_is_noted_once(world: World, approved: str, clock: Clock) -> None:
    assert actions.record_delivery(world.key(), [approved]) == 1
    first = stored(approved)
    clock.forward(seconds=5)
    assert actions.record_delivery(world.key(), [approved]) == 0
    assert (stored(approved).delivered_at, stored(approved).version) == (first.delivered_at, 2)
    assert told(approved) == ["created", "approved", "delivered"]


def test_only_decisions_are_delivered(world: World, ask: Any, clock: Clock) -> None:
    """A withdrawal is the agent's own doing: nobody has to bring it the news."""
    ask(request_id="open")
    actions.cancel(world.key(), ask(request_id="cancelled").request_id, reason=None)
    actions.reject(world.pilot("otto"), ask(request_id="rejected").request_id, reason="no")
    ask(request_id="expired", expires_in_seconds=1)
    clock.forward(seconds=1)
    actions.expire_due()
    ids = ["open", "cancelled", "rejected", "expired", "unknown"]
    assert actions.record_delivery(world.key("globex-agent"), ids) == 0
    assert actions.record_delivery(world.key(), ids) == 2
    assert [stored(name).delivered_at is not None for name in ids[:4]] == [False, False, True, True]
