"""The back office of staff who are admin of one organization: its rows and no others, as far as the policy goes."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conftest import World
from interventions import actions as requests
from interventions.models import Approval, Event, Intervention, Stream
from pilots import access_log, actions, admin_lists, api_keys, invitations
from pilots.access_log import SYSTEM
from pilots.admin_scope import AboveOrganizations, OfOrganization, ShownInline
from pilots.models import AccessChain, AccessEvent, ApiKey, Invitation, Membership, Organization, Pilot
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
    row = ask(key="globex-agent", title=CANARY, uow_id=CANARY, request_id=CANARY, approvals_required=2)
    requests.approve(world.pilot("gina"), row.request_id, reason=CANARY)
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
        Event: Event.objects.for_organization(world.globex.pk).first(),
        Approval: Approval.objects.for_organization(world.globex.pk).get(),
    }


def address(model: Any) -> str:
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/"


OWNED = [model for model in admin.site._registry if issubclass(model, Walled) or model is Organization]
# Pages of the back office that no organization's admin sees, with the reason.
ABOVE = {Pilot: "a person, who may be in several organizations: superusers alone"}
RECORD = [Intervention, Approval, Event, Stream, AccessEvent, AccessChain]


def test_every_page_is_scoped_or_for_superusers_alone() -> None:
    pages = admin.site._registry
    assert {model for model, page in pages.items() if not isinstance(page, OfOrganization)} == set(ABOVE)
    assert all(isinstance(pages[model], AboveOrganizations) for model in ABOVE)
    assert len(OWNED) >= 9


def test_what_stands_beside_a_row_is_scoped_too() -> None:
    loose = [
        (model.__name__, inline.__name__)
        for model, page in admin.site._registry.items()
        for inline in page.inlines
        if model not in ABOVE and not issubclass(inline, ShownInline)
    ]
    assert loose == []


def test_the_choices_of_a_page_are_scoped_or_left_out() -> None:
    """A filter by a relation lists that table's rows: only `organization`, which is taken away below superusers."""
    for model in OWNED:
        page = admin.site._registry[model]
        relations = {field.name for field in model._meta.get_fields() if field.is_relation}
        assert relations & {name for name in page.list_filter if isinstance(name, str)} <= {"organization"}, model
        assert not page.actions or model not in RECORD


@pytest.mark.parametrize("model", RECORD, ids=lambda model: model.__name__)
def test_the_record_is_for_looking_at_whoever_asks(world: World, ask: Any, model: Any) -> None:
    root = Client()
    root.force_login(Pilot.objects.create_superuser("local:root"), "django.contrib.auth.backends.ModelBackend")
    row = ask(approvals_required=2)
    requests.approve(world.pilot("otto"), row.request_id, reason="fine")
    access_log.record("invited", SYSTEM, organization=world.acme)
    first = model.across_organizations.first()
    before = list(model.across_organizations.values())
    assert root.get(f"{address(model)}{first.pk}/change/").status_code == 200
    for verb in ("add/", f"{first.pk}/change/", f"{first.pk}/delete/"):
        assert root.post(address(model) + verb, {"status": "APPROVED", "post": "yes"}).status_code == 403, verb
    chosen = {"action": "delete_selected", "_selected_action": [first.pk], "post": "yes"}
    root.post(address(model), chosen)
    assert list(model.across_organizations.values()) == before
    assert "action-select" not in root.get(address(model)).content.decode()


@pytest.mark.parametrize("who", ["ada", "root"])
def test_a_list_asks_as_much_for_many_rows_as_for_few(office: Client, world: World, ask: Any, who: str) -> None:
    if who == "root":
        office.force_login(Pilot.objects.create_superuser("local:root"), "django.contrib.auth.backends.ModelBackend")

    def asked() -> dict[str, int]:
        counts = {}
        for model in OWNED if who == "ada" else admin.site._registry:
            with CaptureQueriesContext(connection) as queries:
                assert office.get(address(model)).status_code == 200
            counts[model.__name__] = len(queries)
        return counts

    def more(number: int) -> None:
        row = ask(request_id=f"r{number}", approvals_required=2)
        requests.approve(world.pilot("otto"), row.request_id)
        actions.create_pilot(f"local:new{number}", world.acme, Role.VIEWER)
        invitations.invite(world.acme, Role.VIEWER, by=world.memberships["ada"].pilot)
        api_keys.make(world.acme, f"key{number}", ["interventions:read"])

    more(0)
    asked()
    few = asked()
    for number in range(1, 12):
        more(number)
    many = asked()
    assert many == few
    assert max(many.values()) <= 16


def test_nothing_is_counted_or_sorted_without_end(office: Client, monkeypatch: pytest.MonkeyPatch, ask: Any) -> None:
    monkeypatch.setattr(admin_lists, "MOST_COUNTED", 3)
    for number in range(5):
        ask(request_id=f"r{number}")
    with CaptureQueriesContext(connection) as queries:
        page = office.get(address(Intervention) + "?o=4").content.decode()
    assert "3 and more" in " ".join(page.split())
    counting = [query["sql"] for query in queries if "COUNT(" in query["sql"] and "interventions_" in query["sql"]]
    assert counting
    assert all("LIMIT 4" in sql for sql in counting)
    assert not any('ORDER BY "interventions_intervention"."title"' in query["sql"] for query in queries)


@pytest.mark.parametrize("within", ["day", "year", "x", "' --", "\u202e"])
@pytest.mark.parametrize("model", [Intervention, Event, AccessEvent], ids=lambda model: model.__name__)
def test_a_list_is_narrowed_by_time(office: Client, ask: Any, model: Any, within: str) -> None:
    ask(title="Narrowed")
    for name in ("within", "type", "status", "q", "p", "o", "e", "_to_field", "created_at__day", "_popup"):
        answer = office.get(address(model), {name: within}, follow=True)
        assert answer.status_code in (200, 400), name


@pytest.mark.parametrize("model", OWNED, ids=lambda model: model.__name__)
def test_a_list_holds_the_own_rows_only(office: Client, foreign: Any, ask: Any, model: Any) -> None:
    ask()
    theirs = foreign[Organization].pk
    queries = [
        "",
        f"?q={CANARY}",
        f"?organization__id__exact={theirs}",
        f"?organization={theirs}",
        "?o=1",
        "?within=day",
    ]
    queries += [f"?_to_field=id&_popup=1&id={foreign[model].pk}" if model in foreign else "?_popup=1"]
    for query in queries:
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
        # 403 where nobody may do it to a row of their own either.
        assert answer.status_code in (404, 403), path
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


def test_they_deactivate_and_reactivate_their_own(office: Client, world: World, foreign: Any) -> None:
    chosen = [world.memberships["otto"].pk, foreign[Membership].pk]
    for action, told in (("deactivate", "Deactivated: 1"), ("reactivate", "Reactivated: 1")):
        form = {"action": action, "_selected_action": chosen}
        assert told in office.post("/admin/pilots/membership/", form, follow=True).content.decode()
        row = Membership.objects.and_deactivated().for_organization(world.acme.pk).get(pk=chosen[0])
        assert (row.deactivated_at is None) == (action == "reactivate")
    form = {"action": "deactivate", "_selected_action": [world.memberships["ada"].pk]}
    assert "cannot deactivate yourself" in office.post("/admin/pilots/membership/", form, follow=True).content.decode()
    types = list(
        AccessEvent.objects.for_organization(world.acme.pk).order_by("-seq").values_list("type", flat=True)[:2]
    )
    assert types == ["member_reactivated", "member_deactivated"]


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
