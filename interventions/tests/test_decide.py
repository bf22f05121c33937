"""Approve and reject: who, when, once."""

import pytest

from conftest import World
from interventions import actions
from interventions.errors import Conflict
from pilots.errors import InvalidInput, NotAllowed, NotFound

pytestmark = pytest.mark.embedded


def test_approval_decides(world: World, ask) -> None:
    row = actions.approve(world.pilot("otto"), ask().request_id)
    assert (row.status, row.decided_by, row.version) == ("APPROVED", "local:otto", 2)


def test_the_second_pilot_learns_who_was_first(world: World, ask) -> None:
    request_id = ask().request_id
    actions.approve(world.pilot("otto"), request_id)
    with pytest.raises(Conflict) as refusal:
        actions.reject(world.pilot("olga"), request_id, reason="no")
    assert refusal.value.code == "already_decided"
    assert refusal.value.intervention.decided_by == "local:otto"


def test_the_same_decision_again_changes_nothing(world: World, ask) -> None:
    request_id = ask().request_id
    first = actions.approve(world.pilot("otto"), request_id)
    assert actions.approve(world.pilot("otto"), request_id).version == first.version


def test_two_approvals_of_two_pilots_reach_a_quorum_of_two(world: World, ask) -> None:
    request_id = ask(approvals_required=2).request_id
    assert actions.approve(world.pilot("otto"), request_id).status == "PENDING"
    assert actions.approve(world.pilot("otto"), request_id).status == "PENDING"
    row = actions.approve(world.pilot("olga"), request_id)
    assert (row.status, row.decided_by) == ("APPROVED", "local:olga")


def test_a_rejection_needs_a_reason(world: World, ask) -> None:
    with pytest.raises(InvalidInput) as refusal:
        actions.reject(world.pilot("otto"), ask().request_id, reason="  ")
    assert refusal.value.code == "reason_required"


def test_grave_matters_need_an_admin(world: World, ask) -> None:
    request_id = ask(intervention_type="kill_switch", required_role="VIEWER").request_id
    with pytest.raises(NotAllowed):
        actions.approve(world.pilot("otto"), request_id, reason="stop")
    assert actions.approve(world.pilot("ada"), request_id, reason="stop").status == "APPROVED"


def test_another_organization_does_not_find_it(world: World, ask) -> None:
    with pytest.raises(NotFound):
        actions.approve(world.pilot("gina"), ask().request_id)
