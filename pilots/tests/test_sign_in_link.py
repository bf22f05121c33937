"""The one-time link of `create_admin --link`: opened by a person, once, in time."""

import io
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from conftest import World
from pilots.models import Membership, Organization, Pilot, SignInLink
from pilots.sign_in import tries
from pilots.sign_in.links import LIFETIME

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]


def link(*options: str) -> str:
    out = io.StringIO()
    call_command("create_admin", "--link", *options, stdout=out, stderr=io.StringIO())
    address = out.getvalue().strip()
    assert address.startswith("http")
    return urlsplit(address).path


def test_the_button_signs_in_a_superuser_without_a_password() -> None:
    client = Client()
    answer = client.post(link())
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")
    assert client.get("/admin/").status_code == 200
    admin = Pilot.objects.get(pilot_id="local:admin")
    assert admin.is_superuser
    assert not admin.has_usable_password()


def test_looking_at_the_page_does_not_use_the_link_up() -> None:
    path = link()
    for _ in range(3):
        page = Client().get(path)
        assert page.status_code == 200
        assert b"<button" in page.content
        Client().head(path)
    assert Client().post(path).status_code == 302


def test_the_button_works_once() -> None:
    path = link()
    Client().post(path)
    late = Client()
    assert late.post(path).status_code == 410
    assert late.get(path).status_code == 410
    assert late.get("/admin/").status_code == 302


def test_the_button_is_guarded_against_forged_posts() -> None:
    path = link()
    assert Client(enforce_csrf_checks=True).post(path).status_code == 403
    assert Client().post(path).status_code == 302


def test_a_link_runs_out() -> None:
    path = link()
    with time_machine.travel(timezone.now() + LIFETIME + timedelta(seconds=1), tick=False):
        assert Client().get(path).status_code == 410
        assert Client().post(path).status_code == 410


def test_a_new_link_ends_the_one_before() -> None:
    first, second = link(), link()
    assert Client().post(first).status_code == 410
    assert Client().post(second).status_code == 302


def test_a_made_up_link_is_refused() -> None:
    link()
    assert Client().post("/accounts/link/guess").status_code == 410


def test_the_token_is_not_kept() -> None:
    token = link().rsplit("/", 1)[1]
    assert token not in str(SignInLink.objects.values().get())


def test_the_admin_joins_the_only_organization_there_is() -> None:
    Organization.objects.create(slug="acme", name="Acme")
    assert Client().post(link())["Location"] == "/"


def test_of_several_organizations_the_one_named_is_joined(world: World) -> None:
    link("--org", "globex")
    rows = Membership.across_organizations.filter(pilot__pilot_id="local:admin")
    assert [(row.organization.slug, row.role) for row in rows] == [("globex", "ADMIN")]


def test_the_link_leads_to_the_server_it_is_told() -> None:
    out = io.StringIO()
    call_command("create_admin", "--link", "--url", "https://desk.example.com/", stdout=out, stderr=io.StringIO())
    assert out.getvalue().startswith("https://desk.example.com/accounts/link/")


def test_who_looks_at_too_many_dead_links_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tries, "LOOKS", 3)
    client = Client(REMOTE_ADDR="192.0.2.77")
    living = link()
    assert [client.get("/accounts/link/nonsense").status_code for _ in range(3)] == [410] * 3
    refused = client.get(living)
    assert (refused.status_code, int(refused["Retry-After"]) > 0) == (429, True)
    assert client.post(living).status_code == 429
    assert Client(REMOTE_ADDR="192.0.2.78").post(living).status_code == 302
