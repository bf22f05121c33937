"""Claim, renew, take over, release, lapse: at most one pilot works on a request."""

from datetime import timedelta
from typing import Any

import pytest

from conftest import Clock, World, stored, told
from interventions import actions
from interventions.errors import Conflict
from interventions.lifecycle import CLAIM_LEASE
from interventions.models import Event
from pilots.errors import NotAllowed, NotFound

pytestmark = pytest.mark.embedded


def test_a_claim_is_a_lease_of_ten_minutes(world: World, ask: Any) -> None:
    row = actions.claim(world.pilot("otto"), ask(request_id="r").request_id)
    assert (row.status, row.assigned_to, row.version) == ("IN_PROGRESS", "local:otto", 2)
    assert row.claimed_until == row.updated_at + timedelta(minutes=10)
    assert told("r") == ["created", "claimed"]


def test_claiming_again_moves_the_lease_and_nothing_else(world: World, ask: Any, clock: Clock) -> None:
    first = actions.claim(world.pilot("otto"), ask(request_id="r").request_id)
    before = stored("r")
    clock.forward(minutes=3)
    row = actions.claim(world.pilot("otto"), "r")
    assert row.claimed_until > before.claimed_until + timedelta(minutes=2)
    assert (row.version, row.updated_at) == (first.version, before.updated_at)
    assert told("r") == ["created", "claimed"]
    assert stored("r").claimed_until == row.claimed_until


def test_another_pilot_cannot_claim_what_is_claimed(world: World, ask: Any) -> None:
    actions.claim(world.pilot("otto"), ask(request_id="r").request_id)
    with pytest.raises(Conflict) as refusal:
        actions.claim(world.pilot("olga"), "r")
    assert (refusal.value.code, refusal.value.intervention.assigned_to) == ("claimed", "local:otto")
    assert told("r") == ["created", "claimed"]


def test_taking_over_is_on_record(world: World, ask: Any) -> None:
    actions.claim(world.pilot("otto"), ask(request_id="r").request_id)
    row = actions.claim(world.pilot("olga"), "r", take_over=True)
    assert (row.assigned_to, row.version) == ("local:olga", 3)
    event = Event.across_organizations.latest("seq")
    assert (event.type, event.data["take_over"], event.data["from"]) == ("claimed", True, "local:otto")


def test_a_take_over_of_what_nobody_has_is_a_plain_claim(world: World, ask: Any) -> None:
    actions.claim(world.pilot("olga"), ask().request_id, take_over=True)
    assert "take_over" not in Event.across_organizations.latest("seq").data


def test_who_lost_a_claim_by_take_over_can_no_longer_decide(world: World, ask: Any) -> None:
    actions.claim(world.pilot("otto"), ask(request_id="r").request_id)
    actions.claim(world.pilot("olga"), "r", take_over=True)
    with pytest.raises(Conflict) as refusal:
        actions.approve(world.pilot("otto"), "r")
    assert refusal.value.code == "claimed"


def test_a_lapsed_claim_binds_nobody_even_before_a_sweep(world: World, ask: Any, clock: Clock) -> None:
    actions.claim(world.pilot("otto"), ask(request_id="r", expires_in_seconds=None).request_id)
    clock.forward(seconds=CLAIM_LEASE.total_seconds())
    row = actions.claim(world.pilot("olga"), "r")
    assert row.assigned_to == "local:olga"
    assert "take_over" not in Event.across_organizations.latest("seq").data


def test_a_claim_lives_until_its_last_moment(world: World, ask: Any, clock: Clock) -> None:
    actions.claim(world.pilot("otto"), ask(request_id="r").request_id)
    clock.forward(minutes=9, seconds=50)
    assert actions.release_lapsed() == 0
    with pytest.raises(Conflict):
        actions.approve(world.pilot("olga"), "r")


def test_a_sweep_gives_back_what_lapsed(world: World, ask: Any, clock: Clock) -> None:
    actions.claim(world.pilot("otto"), ask(request_id="r", expires_in_seconds=None).request_id)
    clock.forward(minutes=10)
    assert actions.release_lapsed() == 1
    row = stored("r")
    assert (row.status, row.assigned_to, row.claimed_until, row.version) == ("PENDING", None, None, 3)
    event = Event.across_organizations.latest("seq")
    assert (event.type, event.actor, event.data["from"], event.data["lapsed"]) == (
        "released",
        "system",
        "local:otto",
        True,
    )
    assert actions.release_lapsed() == 0


def test_deciding_what_lapsed_unswept_leaves_nobody_assigned(world: World, ask: Any, clock: Clock) -> None:
    actions.claim(world.pilot("otto"), ask(request_id="r", expires_in_seconds=None).request_id)
    clock.forward(minutes=10)
    row = actions.approve(world.pilot("olga"), "r")
    assert (row.status, row.assigned_to, row.decided_by) == ("APPROVED", None, "local:olga")


def test_releasing_gives_it_back(world: World, ask: Any) -> None:
    actions.claim(world.pilot("otto"), ask(request_id="r").request_id)
    row = actions.release(world.pilot("otto"), "r")
    assert (row.status, row.assigned_to, row.claimed_until, row.version) == ("PENDING", None, None, 3)
    assert told("r") == ["created", "claimed", "released"]


def test_nobody_releases_another_pilots_claim(world: World, ask: Any) -> None:
    actions.claim(world.pilot("otto"), ask(request_id="r").request_id)
    with pytest.raises(Conflict) as refusal:
        actions.release(world.pilot("ada"), "r")
    assert refusal.value.code == "claimed"


def test_there_is_nothing_to_release_where_nobody_claimed(world: World, ask: Any) -> None:
    with pytest.raises(Conflict) as refusal:
        actions.release(world.pilot("otto"), ask().request_id)
    assert refusal.value.code == "illegal_transition"


def test_an_assignment_can_be_released_by_its_pilot_only(world: World, ask: Any) -> None:
    actions.assign(world.pilot("ada"), ask(request_id="r").request_id, pilot_id="local:otto")
    with pytest.raises(Conflict) as refusal:
        actions.release(world.pilot("olga"), "r")
    assert refusal.value.code == "illegal_transition"
    assert actions.release(world.pilot("otto"), "r").assigned_to is None


@pytest.mark.parametrize("verb", [actions.claim, actions.release])
def test_what_is_decided_can_no_longer_be_claimed_or_released(world: World, ask: Any, verb: Any) -> None:
    actions.approve(world.pilot("otto"), ask(request_id="r").request_id)
    with pytest.raises(Conflict) as refusal:
        verb(world.pilot("otto"), "r")
    assert refusal.value.code == "already_decided"


@pytest.mark.parametrize("verb", [actions.claim, actions.release])
def test_what_is_past_its_deadline_can_no_longer_be_claimed_or_released(
    world: World, ask: Any, clock: Clock, verb: Any
) -> None:
    actions.claim(world.pilot("otto"), ask(request_id="r", expires_in_seconds=60).request_id)
    clock.forward(seconds=60)
    with pytest.raises(Conflict) as refusal:
        verb(world.pilot("otto"), "r")
    assert refusal.value.code == "expired"


@pytest.mark.parametrize("name", ["vera", "agent"])
def test_viewers_and_keys_do_not_claim(world: World, ask: Any, name: str) -> None:
    caller = world.key() if name == "agent" else world.pilot(name)
    with pytest.raises(NotAllowed):
        actions.claim(caller, ask(request_id="r").request_id)
    assert told("r") == ["created"]


def test_another_organization_does_not_find_it(world: World, ask: Any) -> None:
    ask(request_id="r")
    for verb in (actions.claim, actions.release):
        with pytest.raises(NotFound):
            verb(world.pilot("gina"), "r")
