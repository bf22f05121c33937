"""The team's pages: who is in, who may come in, what is asked of them, and what was done."""

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.test import Client
from django.utils import timezone

from conftest import World, stored, told
from interventions import actions as interventions_actions
from pilots import access_log, actions, invitations
from pilots.models import AccessEvent, Invitation, Membership, Organization, Pilot, RefreshFamily
from pilots.roles import Role

pytestmark = pytest.mark.embedded

TEAM = "/o/acme/team"


@pytest.fixture
def ada(world: World) -> Client:
    return world.session("ada")


def text(page: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page.content.decode()).split())


def role_of(name: str) -> str | None:
    rows = Membership.across_organizations.filter(organization__slug="acme", pilot__pilot_id=f"local:{name}")
    return rows.values_list("role", flat=True).first()


def logged(type: str) -> list[dict[str, Any]]:
    rows = AccessEvent.across_organizations.filter(organization__slug="acme", type=type).order_by("seq")
    return [{"actor": row.actor, "subject": row.subject, **row.data} for row in rows]


@pytest.mark.parametrize("path", ["", "/settings", "/log", "/members/local:otto/remove"])
@pytest.mark.parametrize("who", ["vera", "otto"])
def test_only_admins_see_it(world: World, path: str, who: str) -> None:
    assert world.session(who).get(TEAM + path).status_code == 403
    assert world.session("ada").get(TEAM + path).status_code == 200
    assert world.session("gina").get(TEAM + path).status_code == 404


def test_only_admins_find_the_way_to_it(world: World) -> None:
    assert TEAM in world.session("ada").get("/o/acme/").content.decode()
    assert TEAM not in world.session("otto").get("/o/acme/").content.decode()


def test_it_shows_who_is_in_the_organization_and_nobody_else(ada: Client) -> None:
    page = text(ada.get(TEAM))
    assert all(f"local:{name}" in page for name in ("ada", "otto", "olga", "vera"))
    assert "gina" not in page


def test_it_tells_who_has_a_second_factor_and_who_lacks_one(ada: Client, world: World) -> None:
    def told_of(name: str) -> str:
        row = re.search(rf"local:{name}\b.*?<td", ada.get(TEAM).content.decode(), re.DOTALL)
        assert row is not None
        return row[0]

    Authenticator.objects.create(user=world.memberships["otto"].pilot, type=Authenticator.Type.TOTP, data={})
    actions.change_settings(world.acme, {"mfa_required_roles": ["OPERATOR"]})
    assert "second factor" in told_of("otto")
    assert "lacks" not in told_of("otto")
    assert "lacks a second factor" in told_of("olga")
    assert "second factor" not in told_of("vera")


def test_the_buttons_are_those_the_policy_allows(world: World) -> None:
    shown = {name: world.session(name).get("/o/acme/").content.decode() for name in ("ada", "otto", "vera")}
    assert [name for name in shown if 'id="kill-switch"' in shown[name]] == ["ada"]
    assert [name for name in shown if f'href="{TEAM}"' in shown[name]] == ["ada"]


def test_members_are_found_and_paged(ada: Client, world: World) -> None:
    for number in range(60):
        actions.create_pilot(f"local:many{number:02}", world.acme, Role.VIEWER)
    first = ada.get(TEAM)
    assert "local:many49" not in text(first)
    onward = re.search(r'href="(\?after=[^"]+)"', first.content.decode())
    assert onward is not None
    assert "local:vera" in text(ada.get(TEAM + onward[1].replace("&amp;", "&")))
    found = text(ada.get(TEAM, {"q": "MANY5"}))
    assert "local:many55" in found
    assert "local:otto" not in found
    assert "Nobody here is called “zzz”" in text(ada.get(TEAM, {"q": "zzz"}))


def test_a_role_is_changed_at_once_and_on_record(ada: Client, world: World) -> None:
    page = ada.post(f"{TEAM}/members/local:otto/role", {"role": "VIEWER"}, follow=True)
    assert "Otto is viewer now." in text(page)
    assert role_of("otto") == "VIEWER"
    assert world.session("otto").post("/o/acme/kill-switch").status_code == 403
    assert logged("role_changed") == [
        {"actor": "local:ada", "subject": "local:otto", "from": "OPERATOR", "to": "VIEWER"}
    ]


@pytest.mark.parametrize("role", ["", "OWNER", "admin "])
def test_a_role_that_is_none_changes_nothing(ada: Client, role: str) -> None:
    page = ada.post(f"{TEAM}/members/local:otto/role", {"role": role}, follow=True)
    assert "choose viewer, operator or admin" in text(page)
    assert role_of("otto") == "OPERATOR"


def test_whoever_is_in_another_organization_only_is_not_there(ada: Client, world: World) -> None:
    for path in ("role", "remove"):
        assert ada.post(f"{TEAM}/members/local:gina/{path}", {"role": "VIEWER"}).status_code == 404
    assert Membership.objects.for_organization(world.globex.pk).get().role == "ADMIN"


def test_one_who_is_removed_loses_claims_tokens_and_the_way_in(ada: Client, world: World, ask: Any) -> None:
    request_id = ask().request_id
    interventions_actions.claim(world.pilot("otto"), request_id)
    headers, otto = world.bearer("otto"), world.session("otto")
    asked = text(ada.get(f"{TEAM}/members/local:otto/remove"))
    assert "Remove Otto?" in asked
    page = ada.post(f"{TEAM}/members/local:otto/remove", follow=True)
    assert "Otto is out of Acme." in text(page)
    assert (stored(request_id).status, stored(request_id).assigned_to) == ("PENDING", None)
    assert told(request_id)[-1] == "released"
    assert Client().get("/api/pilots/me", headers=headers).status_code == 401
    assert otto.get("/o/acme/").status_code == 404
    assert not RefreshFamily.across_organizations.filter(pilot__pilot_id="local:otto", revoked_at=None).exists()
    assert logged("member_removed") == [{"actor": "local:ada", "subject": "local:otto", "role": "OPERATOR"}]


@pytest.mark.parametrize("loss", ["viewer", "deactivated"])
def test_one_who_may_decide_no_more_holds_up_nothing(ada: Client, world: World, ask: Any, loss: str) -> None:
    request_id, otto = ask().request_id, world.memberships["otto"].pilot
    interventions_actions.claim(world.pilot("otto"), request_id)
    if loss == "viewer":
        ada.post(f"{TEAM}/members/local:otto/role", {"role": "VIEWER"})
    else:
        actions.set_rights(otto, is_active=False)
    assert (stored(request_id).status, stored(request_id).assigned_to) == ("PENDING", None)


def test_another_role_that_decides_keeps_the_claim(ada: Client, world: World, ask: Any) -> None:
    request_id = ask().request_id
    interventions_actions.claim(world.pilot("otto"), request_id)
    for role in ("ADMIN", "OPERATOR"):
        ada.post(f"{TEAM}/members/local:otto/role", {"role": role})
    assert stored(request_id).assigned_to == "local:otto"


@pytest.mark.parametrize("loss", ["demoted", "removed", "deactivated"])
def test_an_admin_no_more_has_no_way_back_in_a_drawer(world: World, loss: str) -> None:
    otto = world.memberships["otto"].pilot
    actions.set_role(otto, world.acme, Role.ADMIN)
    mine, others = invitations.invite(world.acme, Role.ADMIN, by=otto)[1], invitations.invite(world.acme, Role.ADMIN)[1]
    ways = {
        "demoted": lambda: actions.set_role(otto, world.acme, Role.OPERATOR),
        "removed": lambda: actions.remove_member(otto, world.acme),
        "deactivated": lambda: actions.set_rights(otto, is_active=False),
    }
    ways[loss]()
    assert Client().get(f"/invitations/{mine}").status_code == 410
    assert Client().get(f"/invitations/{others}").status_code == 200
    assert [entry["role"] for entry in logged("invitation_revoked")] == ["ADMIN"]


class TestTheLastAdmin:
    @pytest.mark.parametrize("change", [("role", {"role": "OPERATOR"}), ("remove", {})])
    def test_stays_on_the_page(self, ada: Client, change: tuple[str, dict[str, str]]) -> None:
        page = ada.post(f"{TEAM}/members/local:ada/{change[0]}", change[1], follow=True)
        assert "Ada is the only admin of acme" in text(page)
        assert role_of("ada") == "ADMIN"

    def test_stays_active(self, world: World) -> None:
        with pytest.raises(actions.LastAdmin, match="the only admin"):
            actions.set_rights(world.memberships["ada"].pilot, is_active=False)
        assert Pilot.objects.get(pilot_id="local:ada").is_active

    def test_may_go_once_there_is_another(self, ada: Client) -> None:
        ada.post(f"{TEAM}/members/local:otto/role", {"role": "ADMIN"})
        answer = ada.post(f"{TEAM}/members/local:ada/remove")
        assert (answer.status_code, answer["Location"]) == (302, "/")
        assert (role_of("ada"), role_of("otto")) == (None, "ADMIN")

    def test_one_who_is_deactivated_does_not_count(self, world: World, ada: Client) -> None:
        actions.set_role(world.memberships["otto"].pilot, world.acme, Role.ADMIN)
        actions.set_rights(world.memberships["otto"].pilot, is_active=False)
        ada.post(f"{TEAM}/members/local:ada/role", {"role": "VIEWER"})
        assert role_of("ada") == "ADMIN"


class TestAnInvitation:
    def made(self, ada: Client, **form: str) -> str:
        page = ada.post(f"{TEAM}/invite", {"role": "VIEWER"} | form)
        found = re.search(r"http://testserver(/invitations/[\w-]+)", page.content.decode())
        assert found is not None, text(page)
        return found[1]

    @pytest.fixture
    def nina(self, world: World) -> Client:
        """Somebody who is in no organization."""
        client = Client()
        client.force_login(
            Pilot.objects.create_user("local:nina", name="Nina"), "django.contrib.auth.backends.ModelBackend"
        )
        return client

    def test_makes_one_pilot_a_member_once(self, ada: Client, nina: Client, world: World) -> None:
        link = self.made(ada)
        shown = text(nina.get(link))
        assert "Join Acme" in shown
        assert "Ada invites you to join as viewer" in shown
        answer = nina.post(link)
        assert (answer.status_code, answer["Location"]) == (302, "/o/acme/")
        assert role_of("nina") == "VIEWER"
        assert world.session("gina").post(link).status_code == 410
        assert logged("member_joined")[-1]["how"] == "invitation"
        assert logged("invited") == [{"actor": "local:ada", "subject": "", "role": "VIEWER"}]

    def test_is_shown_once_and_stored_as_a_digest(self, ada: Client) -> None:
        token = self.made(ada).rpartition("/")[2]
        assert token not in ada.get(TEAM).content.decode()
        assert token not in repr(list(Invitation.across_organizations.values()))

    def test_waits_for_whoever_has_to_sign_in_first(self, ada: Client) -> None:
        link = self.made(ada)
        page = Client().get(link).content.decode()
        assert f"/accounts/login/?next={link}" in page
        assert Client().post(link).status_code == 200
        assert Invitation.across_organizations.get().accepted_at is None

    def test_does_not_change_the_role_of_a_member(self, ada: Client, world: World) -> None:
        link = self.made(ada, role="ADMIN")
        assert "You are in this organization already" in text(world.session("vera").get(link))
        world.session("vera").post(link)
        assert role_of("vera") == "VIEWER"

    def test_with_an_address_is_for_its_owner_only(self, ada: Client, nina: Client) -> None:
        link = self.made(ada, email="nina@acme.test")
        answer = nina.post(link)
        assert answer.status_code == 403
        assert "nobody vouches that you are" in text(answer)
        assert role_of("nina") is None
        assert Invitation.across_organizations.get().accepted_at is None

    def test_is_let_in_by_an_address_that_a_provider_vouches_for(self, ada: Client, nina: Client) -> None:
        pilot = Pilot.objects.get(pilot_id="local:nina")
        pilot.socialaccount_set.create(
            provider="google", uid="1", extra_data={"email": "Nina@Acme.test", "email_verified": True}
        )
        assert nina.post(self.made(ada, email="nina@acme.test")).status_code == 302

    @pytest.mark.parametrize("end", ["revoked", "expired"])
    def test_that_has_ended_says_so(self, ada: Client, nina: Client, end: str) -> None:
        link = self.made(ada)
        row = Invitation.across_organizations.get()
        if end == "revoked":
            assert "taken back" in text(ada.post(f"{TEAM}/invitations/{row.pk}/revoke", follow=True))
        else:
            Invitation.across_organizations.update(expires_at=timezone.now() - timedelta(seconds=1))
        for answer in (nina.get(link), nina.post(link)):
            assert answer.status_code == 410
            assert "This invitation has ended" in text(answer)
        assert role_of("nina") is None

    def test_of_another_organization_cannot_be_taken_back(self, ada: Client, world: World) -> None:
        row, _ = invitations.invite(world.globex, Role.VIEWER)
        assert ada.post(f"{TEAM}/invitations/{row.pk}/revoke").status_code == 404

    @pytest.mark.parametrize("form", [{"email": "no address"}, {"role": "OWNER"}, {"email": f"{'x' * 250}@acme.test"}])
    def test_that_cannot_be_made_says_why(self, ada: Client, form: dict[str, str]) -> None:
        page = ada.post(f"{TEAM}/invite", {"role": "VIEWER"} | form)
        assert page.status_code == 422
        assert 'class="error"' in page.content.decode()
        assert not Invitation.across_organizations.exists()

    def test_is_made_once_for_an_address(self, ada: Client) -> None:
        self.made(ada, email="nina@acme.test")
        assert ada.post(f"{TEAM}/invite", {"role": "VIEWER", "email": "NINA@acme.test"}).status_code == 422

    def test_is_mailed_where_mail_is_set_up(self, ada: Client, settings: Any) -> None:
        settings.EMAIL_URL = "smtp://mail"
        Organization.objects.filter(slug="acme").update(name="Acme\r\nBcc: all@acme.test")
        link = self.made(ada, email="nina@acme.test")
        (sent,) = mail.outbox
        assert sent.to == ["nina@acme.test"]
        assert sent.subject == "Join Acme Bcc: all@acme.test on Chameleon"
        assert f"http://testserver{link}" in sent.body

    def test_is_guessed_by_nobody(self, world: World) -> None:
        guesser = Client(REMOTE_ADDR="10.7.7.7")
        answers = {guesser.get(f"/invitations/guess{number}").status_code for number in range(65)}
        assert answers == {410, 429}


class TestTheSettings:
    def test_are_saved_and_on_record(self, ada: Client, world: World) -> None:
        page = ada.post(f"{TEAM}/settings", {"name": "Acme Ltd", "mfa_required_roles": ["OPERATOR"]}, follow=True)
        assert "Saved." in text(page)
        world.acme.refresh_from_db()
        assert (world.acme.name, world.acme.settings["mfa_required_roles"]) == ("Acme Ltd", ["OPERATOR"])
        assert len(logged("settings_changed")) == 2
        assert world.session("otto").get("/o/acme/")["Location"] == "/accounts/2fa/"

    @pytest.mark.parametrize("form", [{"name": " "}, {"name": "x" * 256}, {"name": "A", "mfa_required_roles": "OWNER"}])
    def test_that_are_wrong_are_shown_again(self, ada: Client, world: World, form: dict[str, str]) -> None:
        page = ada.post(f"{TEAM}/settings", form)
        assert page.status_code == 422
        world.acme.refresh_from_db()
        assert world.acme.name == "Acme"

    def test_do_not_lock_out_whoever_changes_them(self, ada: Client) -> None:
        page = ada.post(f"{TEAM}/settings", {"name": "Acme", "mfa_required_roles": "ADMIN"})
        assert "set up a second factor for yourself first" in text(page)
        assert ada.get(TEAM).status_code == 200

    def test_cannot_open_the_door_to_a_domain(self, ada: Client, world: World) -> None:
        ada.post(f"{TEAM}/settings", {"name": "Acme", "email_domains": "acme.com", "join_by_provider": "oidc"})
        world.acme.refresh_from_db()
        assert world.acme.settings.get("email_domains") is None


class TestTheLog:
    def test_tells_who_did_what_newest_first(self, ada: Client) -> None:
        ada.post(f"{TEAM}/members/local:otto/role", {"role": "ADMIN"})
        shown = text(ada.get(f"{TEAM}/log"))
        assert "role changed local:ada → local:otto" in shown
        assert "from OPERATOR" in shown

    def test_goes_back_by_pages(self, ada: Client, world: World) -> None:
        for number in range(120):
            access_log.record("invited", access_log.SYSTEM, organization=world.acme, data={"number": number})
        page, seen = ada.get(f"{TEAM}/log"), ""
        while (older := re.search(r'href="(\?before=\d+)"', page.content.decode())) is not None:
            seen += text(page)
            page = ada.get(f"{TEAM}/log{older[1]}")
        seen += text(page)
        assert all(f"number {number} " in seen for number in range(120))

    @pytest.mark.parametrize("before", ["x", "-1", "²", "9" * 40, "0"])
    def test_an_odd_position_is_no_error(self, ada: Client, before: str) -> None:
        assert ada.get(f"{TEAM}/log", {"before": before}).status_code == 200


def test_hostile_names_are_shown_harmlessly(ada: Client, world: World) -> None:
    Pilot.objects.filter(pilot_id="local:otto").update(name='<img src=x onerror="alert(1)">\u202eotto')
    ada.post(f"{TEAM}/members/local:otto/role", {"role": "ADMIN"})
    for path in ("", "/log", "/members/local:otto/remove"):
        page = ada.get(TEAM + path).content.decode()
        assert "<img src=x" not in page
        assert "\u202e" not in page
