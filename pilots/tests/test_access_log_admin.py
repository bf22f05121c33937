"""What is done in the back office is told like everything else, by whom it was done; the log itself is only read."""

from typing import Any

import pytest
from django.test import Client

from conftest import PASSWORD, World
from pilots import access_log
from pilots.models import AccessChain, AccessEvent, Membership, Organization, Pilot

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]

ROOT = "local:root"


@pytest.fixture
def office(world: World) -> Client:
    client = Client()
    client.force_login(Pilot.objects.create_superuser(ROOT, PASSWORD), "django.contrib.auth.backends.ModelBackend")
    return client


def told(organization: Organization | None, *, by: str = ROOT) -> list[tuple[str, str, dict[str, Any]]]:
    rows = reversed(access_log.newest(organization, 100))
    told = [(row.type, row.subject, row.data) for row in rows if row.actor == by and row.type != "signed_in"]
    assert access_log.audit(organization).findings == []
    return told


def profile(pilot: Pilot, **changes: Any) -> dict[str, Any]:
    form: dict[str, Any] = {
        "name": pilot.name,
        "email": pilot.email,
        "timezone": pilot.timezone,
        "expertise_tags": "[]",
    }
    form |= {"working_hours": "{}", "notifications": "{}", "on_duty": "on", "is_active": "on"}
    form |= {f"memberships-{name}": "0" for name in ("TOTAL_FORMS", "INITIAL_FORMS", "MIN_NUM_FORMS")}
    return {name: value for name, value in (form | changes).items() if value is not None}


def test_rights_and_fields_of_a_pilot(world: World, office: Client) -> None:
    otto = world.memberships["otto"].pilot
    address = f"/admin/pilots/pilot/{otto.pk}/change/"
    changes = {"name": "Otto II", "is_active": None, "is_superuser": "on"}
    assert office.post(address, profile(otto, **changes)).status_code == 302
    assert told(world.acme) == [
        ("pilot_changed", "local:otto", {"fields": ["name"]}),
        ("pilot_deactivated", "local:otto", {}),
        ("superuser_granted", "local:otto", {}),
    ]
    otto.refresh_from_db()
    assert (otto.name, otto.is_active, otto.is_superuser) == ("Otto II", False, True)


def test_nothing_changed_is_nothing_told(world: World, office: Client) -> None:
    otto = world.memberships["otto"].pilot
    office.post(f"/admin/pilots/pilot/{otto.pk}/change/", profile(otto))
    assert told(world.acme) == []


def test_a_new_pilot(world: World, office: Client) -> None:
    form = {"pilot_id": "local:dana", "name": "", "email": "", "usable_password": "false"}
    form |= {name: value for name, value in profile(Pilot()).items() if name.startswith("memberships")}
    assert office.post("/admin/pilots/pilot/add/", form).status_code == 302
    assert told(None) == [("pilot_created", "local:dana", {})]


def test_a_password_that_was_taken_and_one_that_was_not(world: World, office: Client) -> None:
    address = f"/admin/pilots/pilot/{world.memberships['otto'].pilot.pk}/password/"
    form = {"usable_password": "true", "password1": "another pass phrase", "password2": "not the same"}
    assert office.post(address, form).status_code == 200
    assert told(world.acme) == []
    assert office.post(address, form | {"password2": "another pass phrase"}).status_code == 302
    assert told(world.acme) == [("password_changed", "local:otto", {})]


def test_an_organization_its_name_and_its_settings(world: World, office: Client) -> None:
    form = {"slug": "initech", "name": "Initech", "settings": '{"colour": "red", "size": 1}'}
    assert office.post("/admin/pilots/organization/add/", form).status_code == 302
    initech = Organization.objects.get(slug="initech")
    form |= {"name": "Initech Ltd", "settings": '{"colour": "blue"}'}
    assert office.post(f"/admin/pilots/organization/{initech.pk}/change/", form).status_code == 302
    assert told(initech) == [
        ("organization_created", "", {"name": "Initech"}),
        ("settings_changed", "", {"colour": {"from": None, "to": "red"}, "size": {"from": None, "to": 1}}),
        ("settings_changed", "", {"name": {"from": "Initech", "to": "Initech Ltd"}}),
        ("settings_changed", "", {"colour": {"from": "red", "to": "blue"}, "size": {"from": 1, "to": None}}),
    ]
    initech.refresh_from_db()
    assert (initech.name, initech.settings) == ("Initech Ltd", {"colour": "blue"})


def test_keys(world: World, office: Client) -> None:
    form = {"organization": world.acme.pk, "name": "crawler", "scopes": ["interventions:read"]}
    assert office.post("/admin/pilots/apikey/add/", form).status_code == 200
    office.post("/admin/pilots/apikey/", {"action": "revoke", "_selected_action": [world.keys["agent"][0].pk]})
    assert [(kind, subject) for kind, subject, _ in told(world.acme)] == [
        ("key_created", "key:crawler"),
        ("key_revoked", "key:agent"),
    ]
    assert "chm_" not in str(list(AccessEvent.across_organizations.values_list("data")))


def test_members(world: World, office: Client) -> None:
    dana = Pilot.objects.create_user("local:dana", PASSWORD)
    form = {"pilot": dana.pk, "organization": world.acme.pk, "role": "VIEWER"}
    assert office.post("/admin/pilots/membership/add/", form).status_code == 302
    address = f"/admin/pilots/membership/{Membership.across_organizations.get(pilot=dana).pk}"
    assert office.post(f"{address}/change/", form | {"role": "OPERATOR"}).status_code == 302
    assert office.post(f"{address}/delete/", {"post": "yes"}).status_code == 302
    assert told(world.acme) == [
        ("member_joined", "local:dana", {"role": "VIEWER"}),
        ("role_changed", "local:dana", {"from": "VIEWER", "to": "OPERATOR"}),
        ("member_removed", "local:dana", {"role": "OPERATOR"}),
    ]


def test_members_on_the_page_of_a_pilot(world: World, office: Client) -> None:
    mine = world.memberships["otto"]
    line = {"memberships-TOTAL_FORMS": "2", "memberships-INITIAL_FORMS": "1", "memberships-0-id": mine.pk}
    line |= {"memberships-0-pilot": mine.pilot_id, "memberships-0-organization": world.acme.pk}
    new = {"memberships-1-pilot": mine.pilot_id, "memberships-1-organization": world.globex.pk}
    form = profile(mine.pilot, **line, **new) | {"memberships-0-role": "ADMIN", "memberships-1-role": "VIEWER"}
    address = f"/admin/pilots/pilot/{mine.pilot_id}/change/"
    assert office.post(address, form).status_code == 302
    form = profile(mine.pilot, **line) | {"memberships-TOTAL_FORMS": "1", "memberships-0-role": "ADMIN"}
    assert office.post(address, form | {"memberships-0-DELETE": "on"}).status_code == 302
    assert told(world.acme) == [
        ("role_changed", "local:otto", {"from": "OPERATOR", "to": "ADMIN"}),
        ("member_removed", "local:otto", {"role": "ADMIN"}),
    ]
    assert told(world.globex) == [("member_joined", "local:otto", {"role": "VIEWER"})]


def test_a_membership_that_is_moved_is_another(world: World, office: Client) -> None:
    mine = world.memberships["otto"]
    line = {"memberships-TOTAL_FORMS": "1", "memberships-INITIAL_FORMS": "1", "memberships-0-id": mine.pk}
    line |= {"memberships-0-pilot": mine.pilot_id, "memberships-0-organization": world.globex.pk}
    form = profile(mine.pilot, **line) | {"memberships-0-role": "VIEWER"}
    assert office.post(f"/admin/pilots/pilot/{mine.pilot_id}/change/", form).status_code == 302
    assert told(world.acme) == [("member_removed", "local:otto", {"role": "OPERATOR"})]
    assert told(world.globex) == [("member_joined", "local:otto", {"role": "VIEWER"})]
    rows = Membership.across_organizations.filter(pilot=mine.pilot)
    assert [(row.organization_id, row.role) for row in rows] == [(world.globex.pk, "VIEWER")]


def test_many_members_at_once(world: World, office: Client) -> None:
    rows = [world.memberships[name].pk for name in ("otto", "olga")]
    chosen = {"action": "delete_selected", "_selected_action": rows, "post": "yes"}
    assert office.post("/admin/pilots/membership/", chosen).status_code == 302
    assert sorted(subject for _, subject, _ in told(world.acme)) == ["local:olga", "local:otto"]


@pytest.mark.parametrize("model", [AccessEvent, AccessChain])
def test_the_log_is_only_looked_at(world: World, office: Client, model: Any) -> None:
    address = f"/admin/pilots/{model._meta.model_name}/"
    row = model.across_organizations.filter(organization=world.acme).first()
    before = list(model.across_organizations.values())
    assert office.get(f"{address}?q=local:otto&organization__id__exact={world.acme.pk}").status_code == 200
    assert office.get(f"{address}{row.pk}/change/").status_code == 200
    for verb in ("add/", f"{row.pk}/change/", f"{row.pk}/delete/"):
        assert office.post(address + verb, {"type": "x", "post": "yes"}).status_code == 403
    assert list(model.across_organizations.values()) == before
