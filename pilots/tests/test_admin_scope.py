"""The back office of staff who are admin of one organization: its rows and no others, as far as the policy goes."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db.models import Model
from django.test import Client

from conftest import World
from interventions.models import Event, Intervention
from pilots import access_log, actions, api_keys, invitations
from pilots.access_log import SYSTEM
from pilots.admin_scope import OfOrganization
from pilots.models import AccessEvent, ApiKey, Invitation, Membership, Organization, Pilot
from pilots.roles import Role
from pilots.tenancy import Walled

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]

CANARY = "canary-of-globex"


@pytest.fixture
def office(world: World) -> Client:
    """Ada's browser: admin of acme, staff, no superuser."""
    Pilot.objects.filter(pilot_id="local:ada").update(is_staff=True)
    world.memberships["ada"].pilot.refresh_from_db()
    return world.session("ada")


@pytest.fixture
def foreign(world: World, ask: Callable[..., Intervention]) -> dict[type[Model], Model]:
    """A row of globex in every table that the back office shows, each with a canary where it holds text."""
    Organization.objects.filter(pk=world.globex.pk).update(name=CANARY)
    Pilot.objects.filter(pilot_id="local:gina").update(name=CANARY, email=f"{CANARY}@globex.test")
    world.globex.refresh_from_db()
    row = ask(key="globex-agent", title=CANARY, uow_id=CANARY, request_id=CANARY)
    invitation, _ = invitations.invite(world.globex, Role.VIEWER, email=f"{CANARY}@x.test")
    key, _ = api_keys.make(world.globex, CANARY, ["interventions:read"])
    entry = access_log.record("invited", SYSTEM, organization=world.globex, data={"email": CANARY})
    return {
        Organization: world.globex,
        Membership: world.memberships["gina"],
        Invitation: invitation,
        ApiKey: key,
        AccessEvent: entry,
        Intervention: row,
        Event: Event.objects.for_organization(world.globex.pk).get(),
    }


def address(model: Any) -> str:
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/"


OWNED = [model for model in admin.site._registry if issubclass(model, Walled) or model is Organization]


def test_every_table_of_an_organization_is_scoped() -> None:
    loose = [model.__name__ for model in OWNED if not isinstance(admin.site._registry[model], OfOrganization)]
    assert loose == []
    assert len(OWNED) >= 8


@pytest.mark.parametrize("model", OWNED, ids=lambda model: model.__name__)
def test_a_list_holds_the_own_rows_only(office: Client, foreign: Any, ask: Any, model: Any) -> None:
    ask()
    for query in ("", f"?q={CANARY}", "?organization__id__exact=2", "?o=1"):
        page = office.get(address(model) + query, follow=True)
        assert page.status_code == 200
        # What was sought is shown again.
        assert CANARY not in re.sub(f'(value="|q=|q%3D){CANARY}', "", page.content.decode()), query


@pytest.mark.parametrize("verb", ["change/", "delete/", "history/"])
@pytest.mark.parametrize("model", OWNED, ids=lambda model: model.__name__)
def test_anothers_row_is_not_there(office: Client, foreign: Any, model: Any, verb: str) -> None:
    if model not in foreign:
        pytest.skip("shown in lists only")
    path = f"{address(model)}{foreign[model].pk}/{verb}"
    for answer in (office.get(path), office.post(path, {"role": "VIEWER", "name": "mine", "post": "yes"})):
        assert answer.status_code in (302, 403), path
        # Django says of what is not there that it may have been deleted, and leads to the index.
        assert answer.status_code == 403 or answer["Location"] == "/admin/"
        assert CANARY not in answer.content.decode()
    assert Membership.objects.for_organization(foreign[Membership].organization_id).get().role == "ADMIN"


@pytest.mark.parametrize(
    "path",
    [
        "/admin/pilots/pilot/",
        "/admin/pilots/pilot/add/",
        "/admin/pilots/organization/add/",
        "/admin/pilots/membership/add/",
        "/admin/pilots/invitation/add/",
        "/admin/report/",
        "/admin/autocomplete/?app_label=pilots&model_name=membership&field_name=pilot&term=g",
    ],
)
def test_what_is_for_superusers_stays_theirs(office: Client, path: str) -> None:
    assert office.get(path).status_code == 403


def test_nobody_makes_themselves_more(office: Client, world: World) -> None:
    ada = world.memberships["ada"].pilot
    more = {"is_superuser": "on", "is_staff": "on", "is_active": "on", "pilot_id": ada.pilot_id, "timezone": "UTC"}
    assert office.post(f"/admin/pilots/pilot/{ada.pk}/change/", more).status_code == 403
    assert office.post("/admin/pilots/organization/add/", {"slug": "mine", "name": "Mine"}).status_code == 403
    here = f"/admin/pilots/organization/{world.acme.pk}/change/"
    assert office.post(here, {"name": "Acme", "settings": '{"email_domains": ["evil.test"]}'}).status_code == 302
    world.acme.refresh_from_db()
    ada.refresh_from_db()
    assert (ada.is_superuser, world.acme.settings) == (False, {})


def test_the_choices_of_a_form_are_the_own(office: Client, foreign: Any, world: World) -> None:
    found = office.get("/admin/autocomplete/?app_label=pilots&model_name=apikey&field_name=organization&term=")
    assert [item["text"] for item in found.json()["results"]] == ["Acme"]
    page = office.post(
        "/admin/pilots/apikey/add/",
        {"organization": world.globex.pk, "name": "mine", "scopes": ["interventions:read"]},
    )
    assert b"Select a valid choice" in page.content
    assert not ApiKey.across_organizations.filter(name="mine").exists()


def test_an_action_reaches_no_row_of_another(office: Client, foreign: Any) -> None:
    for model, action in ((ApiKey, "revoke"), (Invitation, "take_back"), (Membership, "delete_selected")):
        office.post(address(model), {"action": action, "_selected_action": [foreign[model].pk], "post": "yes"})
    foreign[ApiKey].refresh_from_db()
    foreign[Invitation].refresh_from_db()
    assert (foreign[ApiKey].revoked_at, foreign[Invitation].revoked_at) == (None, None)
    assert Membership.objects.for_organization(foreign[Membership].organization_id).exists()


def test_they_work_on_their_own(office: Client, world: World) -> None:
    otto = world.memberships["otto"]
    assert office.post(f"/admin/pilots/membership/{otto.pk}/change/", {"role": "VIEWER"}).status_code == 302
    otto.refresh_from_db()
    assert otto.role == "VIEWER"
    event = AccessEvent.objects.for_organization(world.acme.pk).get(type="role_changed")
    assert (event.actor, event.subject) == ("local:ada", "local:otto")
    made = {"organization": world.acme.pk, "name": "crawler", "scopes": ["interventions:read"]}
    assert re.search(rb"chm_\w+", office.post("/admin/pilots/apikey/add/", made).content)
    row, token = invitations.invite(world.acme, Role.VIEWER)
    office.post("/admin/pilots/invitation/", {"action": "take_back", "_selected_action": [row.pk]})
    assert Client().get(f"/invitations/{token}").status_code == 410
    assert office.post(f"/admin/pilots/membership/{otto.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Membership.objects.for_organization(world.acme.pk).filter(pk=otto.pk).exists()


def test_every_page_of_their_own_opens(office: Client, world: World, ask: Any) -> None:
    ask()
    assert office.get("/admin/").status_code == 200
    for model in (Organization, Membership, ApiKey, Intervention, Event, AccessEvent):
        access_log.record("invited", SYSTEM, organization=world.acme)
        rows = model.objects if model is Organization else model.objects.for_organization(world.acme.pk)  # type: ignore[attr-defined]
        row = rows.first()
        assert office.get(f"{address(model)}{row.pk}/change/").status_code == 200, model


@pytest.mark.parametrize("verb", ["change/", "delete/"])
def test_the_last_admin_stays_and_the_page_says_why(office: Client, world: World, verb: str) -> None:
    ada = world.memberships["ada"]
    path = f"/admin/pilots/membership/{ada.pk}/{verb}"
    page = office.post(path, {"role": "VIEWER", "post": "yes"}, follow=True)
    assert "Ada is the only admin of acme" in page.content.decode()
    ada.refresh_from_db()
    assert ada.role == "ADMIN"


def test_of_chosen_members_all_are_removed_or_none(office: Client, world: World) -> None:
    everybody = list(Membership.objects.for_organization(world.acme.pk).values_list("pk", flat=True))
    chosen = {"action": "delete_selected", "_selected_action": everybody, "post": "yes"}
    page = office.post("/admin/pilots/membership/", chosen, follow=True).content.decode()
    assert "Ada is the only admin of acme" in page
    assert set(Membership.objects.for_organization(world.acme.pk).values_list("pk", flat=True)) == set(everybody)
    assert not LogEntry.objects.exists()
    assert not AccessEvent.objects.for_organization(world.acme.pk).filter(type="member_removed").exists()
    chosen["_selected_action"] = [pk for pk in everybody if pk != world.memberships["ada"].pk]
    office.post("/admin/pilots/membership/", chosen)
    assert Membership.objects.for_organization(world.acme.pk).get().pk == world.memberships["ada"].pk
    assert AccessEvent.objects.for_organization(world.acme.pk).filter(type="member_removed").count() == 3


def test_a_superuser_is_told_too_that_the_last_admin_stays(world: World) -> None:
    root = Client()
    root.force_login(Pilot.objects.create_superuser("local:root"), "django.contrib.auth.backends.ModelBackend")
    ada = world.memberships["ada"]
    page = root.post(f"/admin/pilots/membership/{ada.pk}/change/", {"role": "VIEWER"}, follow=True).content.decode()
    assert "Ada is the only admin of acme" in page


def test_only_staff_who_are_admin_somewhere_get_in(world: World) -> None:
    Pilot.objects.filter(pilot_id__in=["local:otto", "local:vera"]).update(is_staff=True)
    assert world.session("ada").get("/admin/").status_code == 302
    for name in ("otto", "vera"):
        assert world.session(name).get("/admin/login/").status_code == 403
        assert world.session(name).get("/admin/pilots/membership/").status_code == 302


def test_an_admin_no_more_is_out_at_once(office: Client, world: World) -> None:
    actions.set_role(world.memberships["otto"].pilot, world.acme, Role.ADMIN)
    actions.set_role(world.memberships["ada"].pilot, world.acme, Role.OPERATOR)
    assert office.get("/admin/pilots/membership/").status_code == 302


def test_who_is_admin_of_two_works_where_they_were_last(office: Client, world: World, foreign: Any) -> None:
    actions.set_role(world.memberships["ada"].pilot, world.globex, Role.ADMIN)
    office.get("/o/globex/")
    page = office.get("/admin/pilots/membership/").content.decode()
    assert CANARY in page
    assert "local:otto" not in page
    office.get("/o/acme/")
    assert CANARY not in office.get("/admin/pilots/membership/").content.decode()


def test_where_admins_need_a_second_factor_so_does_the_back_office(office: Client, world: World) -> None:
    actions.change_settings(world.acme, {"mfa_required_roles": ["ADMIN"]})
    assert office.get("/admin/pilots/membership/").status_code == 302
    assert office.get("/admin/login/")["Location"] == "/accounts/2fa/"
