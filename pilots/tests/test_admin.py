"""The back office: full for organizations, pilots and keys; the record can only be looked at."""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client

from conftest import World
from interventions.models import Event, Intervention
from pilots import api_keys, tokens
from pilots.errors import NotAuthenticated
from pilots.limits import Limits
from pilots.models import ApiKey, Membership, Organization, Pilot, RefreshFamily

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]


@pytest.fixture
def office(world: World) -> Client:
    """The browser of a superuser."""
    client = Client()
    pilot = Pilot.objects.create_superuser("local:root", "a long pass phrase")
    client.force_login(pilot, "django.contrib.auth.backends.ModelBackend")
    return client


def addresses() -> list[str]:
    return [f"/admin/{model._meta.app_label}/{model._meta.model_name}/" for model in admin.site._registry if model]


@pytest.mark.parametrize("name", ["ada", "otto", "vera", "gina"])
def test_it_is_for_superusers_only(world: World, name: str) -> None:
    for address in ["/admin/", *addresses()]:
        assert world.session(name).get(address).status_code == 302


def test_every_page_of_it_opens_and_carries_no_inline_code(office: Client, ask: Any) -> None:
    ask()
    pages = ["/admin/", "/admin/pilots/pilot/add/", "/admin/pilots/apikey/add/", "/admin/pilots/organization/add/"]
    pages += [address + query for address in addresses() for query in ("", "?q=req")]
    for model in (Organization, Pilot, Membership, ApiKey, Intervention, Event):
        row = getattr(model, "across_organizations", model.objects).first()
        pages.append(f"/admin/{model._meta.app_label}/{model._meta.model_name}/{row.pk}/change/")
    for address in pages:
        page = office.get(address)
        assert page.status_code == 200, address
        policy = page.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        text = page.content.decode()
        # What a strict policy would block: scripts and handlers inside the page, and styles.
        assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", text), address
        assert not re.search(r"<[^>]+\s(?:on\w+|style)=", text), address


@pytest.mark.parametrize("verb", ["add/", "{pk}/change/", "{pk}/delete/"])
@pytest.mark.parametrize("model", [Intervention, Event])
def test_the_record_cannot_be_changed(office: Client, ask: Any, model: Any, verb: str) -> None:
    ask()
    row = model.across_organizations.first()
    before = list(model.across_organizations.values())
    address = f"/admin/interventions/{model._meta.model_name}/" + verb.format(pk=row.pk)
    assert office.post(address, {"status": "APPROVED", "post": "yes"}).status_code == 403
    assert list(model.across_organizations.values()) == before


def test_a_pilot_is_made_with_a_password_and_a_place(office: Client, world: World) -> None:
    made = {"pilot_id": "local:dana", "name": "Dana", "email": "", "usable_password": "true"}
    made |= {"password1": "a long pass phrase", "password2": "a long pass phrase"}
    assert office.post("/admin/pilots/pilot/add/", made | formset()).status_code == 302
    assert Client().login(pilot_id="local:dana", password="a long pass phrase")
    dana = Pilot.objects.get(pilot_id="local:dana")
    office.post("/admin/pilots/membership/add/", {"pilot": dana.pk, "organization": world.acme.pk, "role": "OPERATOR"})
    assert Membership.across_organizations.get(pilot=dana).role == "OPERATOR"


def test_only_local_pilots_are_made_by_hand(office: Client) -> None:
    made = {"pilot_id": "github:dana", "name": "", "email": "", "usable_password": "false"}
    page = office.post("/admin/pilots/pilot/add/", made | formset())
    assert b"Write local:NAME" in page.content
    assert not Pilot.objects.filter(pilot_id="github:dana").exists()


def test_a_new_password_ends_what_was_signed_in(office: Client, world: World) -> None:
    tokens.issue(world.memberships["otto"])
    otto = world.memberships["otto"].pilot
    form = {"usable_password": "true", "password1": "another pass phrase", "password2": "another pass phrase"}
    assert office.post(f"/admin/pilots/pilot/{otto.pk}/password/", form).status_code == 302
    assert Client().login(pilot_id="local:otto", password="another pass phrase")
    assert not RefreshFamily.across_organizations.filter(pilot=otto, revoked_at=None).exists()


def test_a_key_is_shown_once_and_works(office: Client, world: World) -> None:
    form = {"organization": world.acme.pk, "name": "crawler", "scopes": ["interventions:read"]}
    form |= {"uow_id_prefix": "order-", "intervention_types": ["cancel"]}
    row = api_keys.match(key_in(office.post("/admin/pilots/apikey/add/", form), office))
    assert row.scopes == ["interventions:read"]
    assert api_keys.limits_of(row) == Limits("order-", frozenset({"cancel"}))
    assert row.created_by == "local:root"


def key_in(page: Any, office: Client) -> str:
    """The key on the page: nothing keeps it, neither a cache nor a message nor the next page."""
    assert (page.status_code, "no-store" in page["Cache-Control"]) == (200, True)
    found = re.search(r"chm_\w+", page.content.decode())
    assert found
    assert found[0] not in office.get("/admin/pilots/apikey/").content.decode()
    assert found[0] not in str(office.cookies)
    return found[0]


def test_a_key_is_rotated_one_at_a_time(office: Client, world: World) -> None:
    (agent, old), (reader, _) = world.keys["agent"], world.keys["reader"]
    both = {"action": "rotate", "_selected_action": [agent.pk, reader.pk]}
    assert b"Choose one key" in office.post("/admin/pilots/apikey/", both, follow=True).content
    page = office.post("/admin/pilots/apikey/", {"action": "rotate", "_selected_action": [agent.pk]})
    new = key_in(page, office)
    assert api_keys.match(new).name == api_keys.match(old).name == "agent"
    again = {"action": "rotate", "_selected_action": [agent.pk]}
    assert b"was replaced already" in office.post("/admin/pilots/apikey/", again, follow=True).content


def test_a_second_key_of_the_same_name_is_an_error_of_the_form(office: Client, world: World) -> None:
    form = {"organization": world.acme.pk, "name": "agent", "scopes": ["interventions:read"]}
    page = office.post("/admin/pilots/apikey/add/", form)
    assert page.status_code == 200
    assert b"already has a key named" in page.content


def test_a_key_can_be_revoked(office: Client, world: World) -> None:
    row, text = world.keys["agent"]
    office.post("/admin/pilots/apikey/", {"action": "revoke", "_selected_action": [row.pk]})
    with pytest.raises(NotAuthenticated):
        api_keys.match(text)


def formset() -> dict[str, str]:
    """No memberships in the pilot's own form."""
    return {f"memberships-{name}": "0" for name in ("TOTAL_FORMS", "INITIAL_FORMS", "MIN_NUM_FORMS")}


NO_OBJECTS = ["1", "[]", "null", '{"a": NaN}', '{"a": "\\u0000"}', '{"a": 1, "a": 2}', "[" * 50_000, "{"]


@pytest.mark.parametrize("text", NO_OBJECTS, ids=lambda text: text[:20])
def test_settings_that_are_no_object_are_an_error_of_the_form(office: Client, world: World, text: str) -> None:
    answer = office.post(f"/admin/pilots/organization/{world.acme.pk}/change/", {"name": "New", "settings": text})
    assert answer.status_code == 200
    assert b"errorlist" in answer.content
    world.acme.refresh_from_db()
    assert world.acme.name == "Acme"


def test_settings_left_blank_are_none(office: Client, world: World) -> None:
    answer = office.post(f"/admin/pilots/organization/{world.acme.pk}/change/", {"name": "New", "settings": ""})
    world.acme.refresh_from_db()
    assert (answer.status_code, world.acme.name, world.acme.settings) == (302, "New", {})


@pytest.mark.parametrize("number", ["x", "a\x00b", "-1", "9" * 30, "٣"])
def test_a_choice_that_is_no_row_is_an_error_of_the_form(office: Client, world: World, number: str) -> None:
    answer = office.post("/admin/pilots/membership/add/", {"pilot": number, "organization": number, "role": "ADMIN"})
    assert answer.status_code == 200
    assert b"errorlist" in answer.content
