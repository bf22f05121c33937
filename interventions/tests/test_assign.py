"""Assign: into a pilot's queue, on record, and never over another's living claim."""

from typing import Any

import pytest

from conftest import Clock, World, stored, told
from interventions import actions
from interventions.errors import Conflict
from interventions.models import Event, Intervention
from pilots.errors import InvalidInput, NotAllowed, NotFound
from pilots.models import Pilot
from pilots.roles import Role

pytestmark = pytest.mark.embedded


def test_an_assignment_chooses_a_pilot_and_claims_nothing(world: World, ask: Any) -> None:
    row = actions.assign(world.pilot("ada"), ask(request_id="r").request_id, pilot_id="local:otto")
    assert (row.status, row.assigned_to, row.claimed_until, row.version) == ("PENDING", "local:otto", None, 2)
    assert told("r") == ["created", "assigned"]


def test_anybody_may_decide_what_is_assigned_to_another(world: World, ask: Any) -> None:
    actions.assign(world.pilot("ada"), ask(request_id="r").request_id, pilot_id="local:otto")
    row = actions.approve(world.pilot("olga"), "r")
    assert (row.decided_by, row.assigned_to) == ("local:olga", "local:otto")


def test_assigning_to_whom_it_is_assigned_changes_nothing(world: World, ask: Any) -> None:
    first = actions.assign(world.pilot("ada"), ask(request_id="r").request_id, pilot_id="local:otto")
    assert actions.assign(world.pilot("otto"), "r", pilot_id="local:otto").version == first.version
    assert told("r") == ["created", "assigned"]


def test_it_leaves_the_queues_of_all_others(world: World, ask: Any) -> None:
    actions.assign(world.pilot("ada"), ask(request_id="r").request_id, pilot_id="local:otto")
    rows = Intervention.objects.for_caller(world.pilot("otto"))
    assert rows.queue_of("local:otto", Role.OPERATOR).count() == 1
    assert rows.queue_of("local:olga", Role.OPERATOR).count() == 0


def test_handing_over_ends_ones_own_claim(world: World, ask: Any) -> None:
    actions.claim(world.pilot("otto"), ask(request_id="r").request_id)
    row = actions.assign(world.pilot("otto"), "r", pilot_id="local:olga")
    assert (row.status, row.assigned_to, row.claimed_until) == ("PENDING", "local:olga", None)
    assert Event.across_organizations.latest("seq").data["old_status"] == "IN_PROGRESS"


def test_nobody_hands_over_what_another_has_claimed(world: World, ask: Any) -> None:
    actions.claim(world.pilot("otto"), ask(request_id="r").request_id)
    with pytest.raises(Conflict) as refusal:
        actions.assign(world.pilot("ada"), "r", pilot_id="local:olga")
    assert refusal.value.code == "claimed"
    assert stored("r").assigned_to == "local:otto"


def test_a_lapsed_claim_can_be_handed_over_even_to_its_former_holder(world: World, ask: Any, clock: Clock) -> None:
    actions.claim(world.pilot("otto"), ask(request_id="r", expires_in_seconds=None).request_id)
    clock.forward(minutes=10)
    row = actions.assign(world.pilot("ada"), "r", pilot_id="local:otto")
    assert (row.status, row.assigned_to, row.claimed_until) == ("PENDING", "local:otto", None)


@pytest.mark.parametrize("pilot_id", ["local:nobody", "local:gina", "otto", "LOCAL:OTTO"])
def test_only_a_pilot_of_the_organization_can_be_chosen(world: World, ask: Any, pilot_id: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        actions.assign(world.pilot("ada"), ask(request_id="r").request_id, pilot_id=pilot_id)
    assert list(refusal.value.errors or {}) == ["pilot_id"]
    assert told("r") == ["created"]


def test_viewers_and_locked_accounts_cannot_be_chosen(world: World, ask: Any) -> None:
    Pilot.objects.filter(pilot_id="local:olga").update(is_active=False)
    ask(request_id="r")
    for pilot_id in ("local:vera", "local:olga"):
        with pytest.raises(InvalidInput):
            actions.assign(world.pilot("ada"), "r", pilot_id=pilot_id)


def test_what_is_decided_can_no_longer_be_assigned(world: World, ask: Any) -> None:
    actions.reject(world.pilot("otto"), ask(request_id="r").request_id, reason="no")
    with pytest.raises(Conflict) as refusal:
        actions.assign(world.pilot("ada"), "r", pilot_id="local:otto")
    assert refusal.value.code == "already_decided"


def test_viewers_keys_and_strangers_do_not_assign(world: World, ask: Any) -> None:
    ask(request_id="r")
    for caller, refusal in [
        (world.pilot("vera"), NotAllowed),
        (world.key(), NotAllowed),
        (world.pilot("gina"), NotFound),
    ]:
        with pytest.raises(refusal):
            actions.assign(caller, "r", pilot_id="local:otto")
