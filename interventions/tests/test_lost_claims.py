"""A pilot whose claim is theirs no more is told how that came."""

from typing import Any

import pytest

from conftest import Clock, World
from interventions import actions
from interventions.models import Intervention
from pilots.actions import set_role
from pilots.roles import Role

pytestmark = pytest.mark.embedded


def page(world: World, row: Intervention, name: str = "otto") -> str:
    html = world.session(name).get(f"/o/acme/interventions/{row.request_id}").content.decode()
    return " ".join(html[html.index('id="decision-notice"') : html.index('id="decision-form"')].split())


def test_another_took_it_over(world: World, ask: Any) -> None:
    row = actions.claim(world.pilot("otto"), ask().request_id)
    actions.claim(world.pilot("olga"), row.request_id, take_over=True)
    html = page(world, row)
    assert ">olga</bdi> took it over</b>" in html
    assert "It is theirs until" in html
    assert 'name="take_over"' in html
    assert "took it over" not in page(world, row, "olga")
    assert "is on it" in page(world, row, "ada")


def test_its_time_ran_out_whether_or_not_a_sweep_has_passed(world: World, ask: Any, clock: Clock) -> None:
    row = actions.claim(world.pilot("otto"), ask().request_id)
    assert "ran out" not in page(world, row)
    clock.forward(minutes=11)
    before = page(world, row)
    actions.release_lapsed()
    for html in (before, page(world, row)):
        assert "Your claim ran out</b> at <time" in html
        assert "Claim it again if you go on." in html
    actions.claim(world.pilot("otto"), row.request_id)
    assert "ran out" not in page(world, row)


def test_it_ran_out_and_another_is_on_it(world: World, ask: Any, clock: Clock) -> None:
    row = actions.claim(world.pilot("otto"), ask().request_id)
    clock.forward(minutes=11)
    actions.claim(world.pilot("olga"), row.request_id)
    html = page(world, row)
    assert "Your claim ran out</b>" in html
    assert ">olga</bdi> is on it until" in html


def test_it_ran_out_and_another_gave_it_to_a_third(world: World, ask: Any, clock: Clock) -> None:
    row = actions.claim(world.pilot("otto"), ask().request_id)
    clock.forward(minutes=11)
    actions.assign(world.pilot("olga"), row.request_id, pilot_id="local:ada")
    html = page(world, row)
    assert ">olga</bdi> gave it to" in html
    assert ">ada</bdi>" in html
    actions.assign(world.pilot("olga"), row.request_id, pilot_id="local:otto")
    assert 'class="notice' not in page(world, row)


def test_it_was_given_back_while_they_could_not_decide(world: World, ask: Any) -> None:
    row = actions.claim(world.pilot("otto"), ask().request_id)
    for role in (Role.VIEWER, Role.OPERATOR):
        set_role(world.memberships["otto"].pilot, world.acme, role)
    assert "Your claim was given back to everybody" in page(world, row)


def test_whoever_ended_it_themselves_is_told_nothing(world: World, ask: Any) -> None:
    otto = world.pilot("otto")
    row = actions.claim(otto, ask().request_id)
    actions.release(otto, row.request_id)
    assert 'class="notice' not in page(world, row)
    actions.claim(otto, row.request_id)
    actions.assign(otto, row.request_id, pilot_id="local:olga")
    assert 'class="notice' not in page(world, row)


def test_whoever_has_had_their_say_since_is_told_nothing(world: World, ask: Any) -> None:
    otto, olga = world.pilot("otto"), world.pilot("olga")
    row = actions.claim(otto, ask(approvals_required=2).request_id)
    actions.claim(olga, row.request_id, take_over=True)
    actions.release(olga, row.request_id)
    assert "took it over" in page(world, row)
    actions.approve(otto, row.request_id)
    assert "took it over" not in page(world, row)
