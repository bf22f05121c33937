"""Pilots read and change their own profile."""

import pytest
from django.test import Client

from conftest import World
from pilots.models import Membership, Pilot

pytestmark = pytest.mark.embedded

FIELDS = {
    "pilot_id",
    "name",
    "email",
    "role",
    "last_login",
    "oauth_provider",
    "oauth_id",
    "organization",
    "timezone",
    "expertise_tags",
    "working_hours",
    "on_duty",
    "notifications",
}


def test_a_pilot_reads_their_profile(api) -> None:
    answer = api("vera").get("/api/pilots/me")
    assert answer.status_code == 200
    assert answer.json().keys() == FIELDS
    assert (answer.json()["role"], answer.json()["organization"]) == ("VIEWER", "acme")


def test_a_pilot_changes_their_profile(api) -> None:
    changes = {
        "name": "Otto O.",
        "timezone": "Europe/Berlin",
        "expertise_tags": ["refund", "fraud"],
        "working_hours": {"mon": ["09:00", "17:00"]},
        "on_duty": False,
        "notifications": {"email": True},
    }
    answer = api("otto").patch("/api/pilots/me/", changes)
    assert answer.status_code == 200
    assert answer.json() | changes == answer.json()
    assert api("otto").get("/api/pilots/me").json() == answer.json()


def test_an_empty_change_changes_nothing(api) -> None:
    before = api("otto").get("/api/pilots/me").json()
    assert api("otto").patch("/api/pilots/me", {}).json() == before


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "  "),
        ("name", None),
        ("name", "x" * 256),
        ("name", 5),
        ("timezone", "Mars/Olympus"),
        ("timezone", ""),
        ("timezone", "../etc/passwd"),
        ("timezone", 1),
        ("expertise_tags", "refund"),
        ("expertise_tags", [1]),
        ("expertise_tags", ["x" * 51]),
        ("expertise_tags", ["x"] * 51),
        ("working_hours", []),
        ("working_hours", None),
        ("working_hours", {"mon": "x" * 9000}),
        ("on_duty", "yes"),
        ("on_duty", 1),
        ("on_duty", None),
        ("notifications", "all"),
        ("role", "ADMIN"),
        ("pilot_id", "local:ada"),
        ("email", "a@b.example"),
        ("organization", "globex"),
        ("last_login", None),
        ("oauth_id", "1"),
        ("is_superuser", True),
    ],
)
def test_a_wrong_or_foreign_field_is_refused_and_nothing_is_stored(api, field: str, value: object) -> None:
    before = Pilot.objects.filter(pilot_id="local:otto").values().get()
    answer = api("otto").patch("/api/pilots/me", {"name": "New", field: value})
    assert answer.status_code == 400
    assert any(name.split(".")[0] == field for name in answer.json()["errors"])
    assert Pilot.objects.filter(pilot_id="local:otto").values().get() == before


def test_a_key_is_no_pilot(api) -> None:
    assert api("agent").get("/api/pilots/me").status_code == 403
    assert api("agent").patch("/api/pilots/me", {}).status_code == 403


def test_nobody_is_told_to_sign_in(api) -> None:
    answer = api(None).get("/api/pilots/me")
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_pilot_without_organization_has_no_role(world: World) -> None:
    Membership.across_organizations.filter(pilot__pilot_id="local:otto").delete()
    body = world.session("otto").get("/api/pilots/me").json()
    assert (body["organization"], body["role"]) == (None, None)


def test_a_session_names_its_organization_by_header(world: World) -> None:
    Membership.objects.create(organization=world.globex, pilot=world.memberships["otto"].pilot, role="ADMIN")
    client = world.session("otto")
    unnamed = client.get("/api/pilots/me")
    assert (unnamed.status_code, unnamed.json()["code"]) == (400, "organization_required")
    assert client.get("/api/pilots/me", headers={"X-Organization": "globex"}).json()["role"] == "ADMIN"
    assert client.get("/api/pilots/me", headers={"X-Organization": "initech"}).status_code == 404


def test_a_session_needs_the_csrf_token_to_change_but_not_to_read(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.memberships["otto"].pilot, "django.contrib.auth.backends.ModelBackend")
    assert client.get("/api/pilots/me").status_code == 200
    refused = client.patch("/api/pilots/me", {"name": "X"}, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")
