"""A member is deactivated and reactivated on the team's pages: what it ends, what it leaves, and who is refused."""

from typing import Any

import pytest
from django.test import Client

from conftest import PASSWORD, World, stored, told
from interventions import actions as requests
from interventions.tests.test_pages_team import TEAM, logged, role_of, text
from pilots import access_log, actions, api_keys, deactivating, invitations, tokens
from pilots.access_log import Party
from pilots.errors import InvalidInput, NotAllowed
from pilots.memberships import count_on_duty
from pilots.models import Membership, Pilot, RefreshFamily
from pilots.roles import Role
from pilots.sign_in import joining

pytestmark = pytest.mark.embedded

OTTO = f"{TEAM}/members/local:otto"


@pytest.fixture
def ada(world: World) -> Client:
    return world.session("ada")


@pytest.fixture
def otto(world: World) -> Pilot:
    return world.memberships["otto"].pilot


def test_what_it_will_end_is_said_first_and_then_ends(ada: Client, world: World, ask: Any, otto: Pilot) -> None:
    first, second = ask().request_id, ask().request_id
    requests.claim(world.pilot("otto"), first)
    requests.assign(world.pilot("ada"), second, pilot_id="local:otto")
    api_keys.make(world.acme, "ottos-agent", ["interventions:read"], by=Party.of(otto))
    headers, browser, on_duty = world.bearer("otto"), world.session("otto"), count_on_duty(world.acme.pk)
    asked = text(ada.get(f"{OTTO}/deactivate"))
    assert "2 claimed or assigned requests go back to everybody" in asked
    assert "1 sign-in ends here." in asked
    assert "go on working: ottos-agent" in asked
    assert stored(first).assigned_to == "local:otto"

    page = text(ada.post(f"{OTTO}/deactivate", follow=True))
    assert "Otto is deactivated. 2 requests go back to everybody." in page
    assert [(stored(row).status, stored(row).assigned_to) for row in (first, second)] == [("PENDING", None)] * 2
    assert told(first)[-1] == "released"
    assert browser.get("/o/acme/").status_code == 302
    assert Client().get("/api/pilots/me", headers=headers).status_code == 401
    assert not RefreshFamily.across_organizations.filter(pilot=otto, revoked_at=None).exists()
    assert count_on_duty(world.acme.pk) == on_duty - 1
    assert logged("member_deactivated") == [{"actor": "local:ada", "subject": "local:otto", "role": "OPERATOR"}]
    with pytest.raises(InvalidInput):
        requests.assign(world.pilot("ada"), second, pilot_id="local:otto")
    # A new sign-in leads to a page that says why.
    again = Client()
    again.post("/accounts/login/", {"login": "otto", "password": PASSWORD})
    assert "You were deactivated in Acme" in text(again.get("/", follow=True))


def test_it_is_taken_back_with_the_role_of_before(ada: Client, world: World, otto: Pilot) -> None:
    actions.set_role(otto, world.acme, Role.ADMIN)
    ada.post(f"{OTTO}/deactivate")
    assert role_of("otto") is None
    row = text(ada.get(TEAM, {"state": "deactivated"}))
    assert "local:otto" in row
    assert "local:vera" not in row
    assert "as admin" in text(ada.get(f"{OTTO}/reactivate"))
    assert "Otto can sign in here again, as admin." in text(ada.post(f"{OTTO}/reactivate", follow=True))
    assert (role_of("otto"), world.session("otto").get(TEAM).status_code) == ("ADMIN", 200)
    assert logged("member_reactivated") == [{"actor": "local:ada", "subject": "local:otto", "role": "ADMIN"}]
    for way, said in (("reactivate", "was not deactivated here"), ("deactivate", "is deactivated.")):
        assert said in text(ada.post(f"{OTTO}/{way}", follow=True))
    assert "was deactivated already" in text(ada.post(f"{OTTO}/deactivate", follow=True))
    assert len(logged("member_deactivated")) == 2
    assert list(access_log.verify(world.acme)) == []


def test_here_is_not_elsewhere(ada: Client, world: World, otto: Pilot) -> None:
    place = Membership.objects.create(organization=world.globex, pilot=otto, role="OPERATOR")
    elsewhere, browser = tokens.issue(place), world.session("otto")
    ada.post(f"{OTTO}/deactivate")
    otto.refresh_from_db()
    assert otto.is_active
    assert browser.get("/o/globex/").status_code == 200
    assert browser.get("/o/acme/").status_code == 404
    assert tokens.rotate(elsewhere.refresh)
    assert Client().get("/api/pilots/me", headers=world.bearer("otto")).status_code == 401
    # Nothing of it is told there.
    assert not access_log.log_of(world.globex).filter(type__contains="member").exists()


@pytest.mark.parametrize("name", ["ada", "otto"])
def test_nobody_deactivates_themselves_or_the_last_admin(world: World, otto: Pilot, name: str) -> None:
    if name == "otto":
        actions.set_role(otto, world.acme, Role.ADMIN)
        with pytest.raises(NotAllowed):
            deactivating.deactivate(otto, world.acme, by=Party.of(otto))
        deactivating.deactivate(world.memberships["ada"].pilot, world.acme, by=Party.of(otto))
    client = world.session(name)
    address = f"{TEAM}/members/local:{name}/deactivate"
    asked = client.get(address)
    assert "cannot deactivate yourself" in text(asked)
    assert 'class="button danger"' not in asked.content.decode()
    assert "cannot deactivate yourself" in text(client.post(address, follow=True))
    assert role_of(name) == "ADMIN"
    other = Pilot.objects.get(pilot_id="local:olga")
    with pytest.raises(Exception, match="only admin"):
        deactivating.deactivate(Pilot.objects.get(pilot_id=f"local:{name}"), world.acme, by=Party.of(other))


def test_no_other_way_in_leads_round_it(world: World, otto: Pilot) -> None:
    deactivating.deactivate(otto, world.acme)
    _, token = invitations.invite(world.acme, Role.ADMIN)
    with pytest.raises(NotAllowed, match="ask an admin there to reactivate"):
        invitations.accept(token, otto)
    assert invitations.look(token)
    assert "ask an admin there" in text(world.session("otto").post(f"/invitations/{token}"))
    joining.allow(world.acme, providers=["oidc"])
    actions.join(otto, world.acme, Role.OPERATOR)
    actions.create_pilot("local:otto", world.acme, Role.OPERATOR)
    actions.set_role(otto, world.acme, Role.VIEWER)
    assert not Membership.objects.for_organization(world.acme.pk).filter(pilot=otto).exists()
    asked = {"pilot_id": "local:otto", "password": PASSWORD, "organization": "acme"}
    assert Client().post("/api/token", asked, content_type="application/json").status_code in (403, 404)


def test_one_who_is_deactivated_can_still_be_removed(ada: Client, world: World) -> None:
    ada.post(f"{OTTO}/deactivate")
    assert "Otto is out of Acme." in text(ada.post(f"{OTTO}/remove", follow=True))
    rows = Membership.objects.and_deactivated().for_organization(world.acme.pk)
    assert not rows.filter(pilot__pilot_id="local:otto").exists()


@pytest.mark.parametrize("way", ["deactivate", "reactivate", "remove"])
@pytest.mark.parametrize("who", ["local:gina", "local:nobody", "'; --", "a\u202eb", "x" * 3000, "%00"])
def test_a_forged_member_is_not_there(ada: Client, world: World, way: str, who: str) -> None:
    for answer in (ada.get(f"{TEAM}/members/{who}/{way}"), ada.post(f"{TEAM}/members/{who}/{way}")):
        assert answer.status_code == (400 if who == "%00" else 404)
    assert Membership.objects.for_organization(world.globex.pk).get().deactivated_at is None
