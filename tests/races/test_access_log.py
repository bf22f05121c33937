"""Many at once on the access log, and a pilot forgotten while others go on working: no gap, no deadlock, no half."""

from contextlib import suppress
from threading import Event as Flag

import pytest

from conftest import DRAFT, World
from interventions import actions, audits, invariants
from interventions.content import draft_of
from interventions.models import Event, Intervention
from pilots import access_log
from pilots import actions as actions_of_pilots
from pilots.access_log import SYSTEM, Party
from pilots.errors import DomainError
from pilots.models import AccessEvent, Pilot
from pilots.roles import Role
from tests.races.threads import in_threads

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]


def everything_holds(world: World) -> None:
    for organization in (world.acme, world.globex, None):
        assert [audit.findings for audit in audits.of(organization).values() if audit.findings] == []
    assert invariants.check(world.acme.pk) == []


def test_entries_of_many_at_once_have_no_gap(world: World) -> None:
    def work(number: int) -> None:
        for _ in range(20):
            # The installation's log is made by whoever comes first.
            access_log.record("tried", SYSTEM, organization=(None, world.acme, world.globex)[number % 3])

    in_threads(work)
    everything_holds(world)
    assert AccessEvent.across_organizations.filter(type="tried").count() == 160


def test_sign_ins_of_those_who_are_in_several_never_block_each_other(world: World) -> None:
    """Two logs each, one of them shared: taken in one order, or two would wait for each other."""
    pilots = [world.memberships[name].pilot for name in ("otto", "olga", "gina", "ada")]
    for pilot in pilots:
        for organization in (world.globex, world.acme):
            actions_of_pilots.join(pilot, organization, Role.OPERATOR)

    def work(number: int) -> None:
        for _ in range(20):
            access_log.record_of_pilot("tried", pilots[number % 4])

    in_threads(work)
    everything_holds(world)


def test_settings_roles_and_sign_ins_at_once_end_in_no_circle(world: World) -> None:
    """Who changes an organization holds its row, and then waits for its log, whose entries refer to that row."""
    otto, olga = world.memberships["otto"].pilot, world.memberships["olga"].pilot

    def work(number: int) -> None:
        for turn in range(25):
            if number % 4 == 0:
                actions_of_pilots.change_settings(world.acme, {f"by-{number}": turn})
            elif number % 4 == 1:
                actions_of_pilots.set_role(olga, world.acme, (Role.ADMIN, Role.OPERATOR)[turn % 2])
            elif number % 4 == 2:
                actions_of_pilots.set_rights(otto, is_active=turn % 2 == 0)
            else:
                access_log.record_of_pilot("tried", otto)

    in_threads(work)
    everything_holds(world)


def test_a_pilot_is_forgotten_while_others_go_on(world: World) -> None:
    ids = [f"r{number}" for number in range(12)]
    agent, otto = world.key(), world.pilot("otto")
    for request_id in ids:
        actions.create(agent, draft_of(DRAFT | {"request_id": request_id, "approvals_required": 3}))
        actions.approve(otto, request_id)
    others = [world.pilot(name) for name in ("ada", "olga")]
    erased = Flag()

    def work(number: int) -> None:
        if number == 0:
            try:
                actions.erase(Pilot.objects.get(pilot_id="local:otto"))
            finally:
                erased.set()
            return
        me, turn = others[number % 2], 0
        while not erased.is_set() or turn < 24:
            turn += 1
            request_id = ids[(turn + number) % len(ids)]
            for verb in (actions.claim, actions.release, actions.approve):
                with suppress(DomainError):
                    verb(me, request_id)
            access_log.record("tried", Party.of(me), organization=world.acme)

    in_threads(work)
    everything_holds(world)
    rows = [Intervention, Event, AccessEvent]
    assert "local:otto" not in str([list(model.across_organizations.values()) for model in rows])
