"""Two admins at once: whatever they do to each other, one of them stays; and one invitation lets one in."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from conftest import DRAFT, World
from interventions import actions as requests
from interventions import invariants
from interventions.content import draft_of
from pilots import access_log, actions, deactivating, invitations
from pilots.errors import DomainError
from pilots.models import Membership, Pilot
from pilots.roles import Role

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]

ROUNDS = 10


def at_once(*calls: Any) -> list[str]:
    """How each ended: `ok`, or the code of the refusal."""
    together = Barrier(len(calls))

    def one(call: Any) -> str:
        together.wait()
        try:
            call()
        except DomainError as refusal:
            return refusal.code
        finally:
            connection.close()
        return "ok"

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


@pytest.mark.parametrize("way", ["demote", "remove", "deactivate", "deactivate here", "mixed"])
def test_an_organization_never_loses_its_last_admin(world: World, way: str) -> None:
    ada, otto = world.memberships["ada"].pilot, world.memberships["otto"].pilot
    ways = {
        "demote": lambda pilot: actions.set_role(pilot, world.acme, Role.VIEWER),
        "remove": lambda pilot: actions.remove_member(pilot, world.acme),
        "deactivate": lambda pilot: actions.set_rights(pilot, is_active=False),
        "deactivate here": lambda pilot: deactivating.deactivate(pilot, world.acme),
    }
    first, second = (ways["deactivate here"], ways["remove"]) if way == "mixed" else (ways[way], ways[way])
    for _ in range(ROUNDS):
        for pilot in (ada, otto):
            pilot.refresh_from_db()
            actions.set_rights(pilot, is_active=True)
            actions.set_role(pilot, world.acme, Role.ADMIN)
            deactivating.reactivate(pilot, world.acme)
        ended = at_once(lambda: first(Pilot.objects.get(pk=ada.pk)), lambda: second(Pilot.objects.get(pk=otto.pk)))
        assert sorted(ended) == ["last_admin", "ok"]
        admins = Membership.objects.for_organization(world.acme.pk).filter(role="ADMIN", pilot__is_active=True)
        assert admins.count() == 1


def test_an_invitation_lets_one_of_many_in(world: World) -> None:
    pilots = [Pilot.objects.create_user(f"local:new{number}") for number in range(6)]
    _, token = invitations.invite(world.acme, Role.OPERATOR)
    ended = at_once(*[lambda pilot=pilot: invitations.accept(token, pilot) for pilot in pilots])
    assert sorted(ended) == ["not_found"] * 5 + ["ok"]
    members = Membership.objects.for_organization(world.acme.pk).filter(pilot__in=pilots)
    assert members.count() == 1


def test_roles_go_to_and_fro_while_pilots_decide(world: World) -> None:
    """A role that is lost gives claims back, which takes the same locks as deciding: nobody waits for ever."""
    otto, ids = world.memberships["otto"].pilot, [f"r{number}" for number in range(40)]
    requests.create_many(world.key(), [draft_of(DRAFT | {"request_id": name}) for name in ids])

    def change() -> None:
        for number in range(30):
            actions.set_role(otto, world.acme, Role.VIEWER if number % 2 else Role.OPERATOR)

    def shut_out() -> None:
        for number in range(30):
            (deactivating.reactivate if number % 2 else deactivating.deactivate)(otto, world.acme)

    def work(name: str) -> None:
        for request_id in ids:
            with suppress(DomainError):
                requests.claim(world.pilot(name), request_id, take_over=True)
            with suppress(DomainError):
                requests.approve(world.pilot(name), request_id)

    ended = at_once(change, shut_out, lambda: work("otto"), lambda: work("olga"))
    assert ended == ["ok"] * 4
    assert invariants.check(world.acme.pk) == []
    assert list(access_log.verify(world.acme)) == []
