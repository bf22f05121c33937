"""The keys of an organization on its team page: for admins; a new one is shown once, on the answer and nowhere else."""

import io
import re
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from conftest import PASSWORD, World
from pilots import api_keys
from pilots.errors import NotAuthenticated
from pilots.limits import Limits
from pilots.models import ApiKey, Pilot
from pilots.tenancy import across

pytestmark = pytest.mark.embedded

TEAM = "/o/acme/team"
FORM: dict[str, Any] = {"name": "crawler", "scopes": ["interventions:read"], "lifetime": "90"}


def shown(page: Any) -> str:
    """The one key on a page that nobody may keep."""
    assert (page.status_code, page["Cache-Control"]) == (200, "no-store")
    found = set(re.findall(r"chm_\w+", page.content.decode()))
    assert len(found) == 1
    text: str = found.pop()
    return text


def opens(text: str) -> bool:
    try:
        api_keys.match(text)
    except NotAuthenticated:
        return False
    return True


@pytest.fixture
def ada(world: World) -> Client:
    return world.session("ada")


def test_an_admin_sees_the_keys_and_none_of_their_secrets(world: World, ada: Client) -> None:
    page = ada.get(f"{TEAM}/keys").content.decode()
    for name in ("agent", "reader"):
        assert world.keys[name][0].key_id in page
    assert world.keys["globex-agent"][0].key_id not in page
    assert "chm_" not in page


@pytest.mark.parametrize("name", ["otto", "vera"])
def test_others_get_and_do_nothing_there(world: World, name: str) -> None:
    row, text = world.keys["agent"]
    browser = world.session(name)
    assert browser.get(f"{TEAM}/keys").status_code == 403
    for path in ("keys", f"keys/{row.key_id}/rotate", f"keys/{row.key_id}/revoke"):
        assert browser.post(f"{TEAM}/{path}", FORM).status_code == 403
    assert opens(text)
    assert ApiKey.objects.for_organization(world.acme.pk).count() == 2


def test_a_key_is_made_with_limits_and_shown_once(world: World, ada: Client) -> None:
    form = FORM | {"uow_id_prefix": "order-", "intervention_types": ["cancel", "resume"]}
    text = shown(ada.post(f"{TEAM}/keys", form))
    row = api_keys.match(text)
    assert (row.name, row.created_by, row.expires_at is not None) == ("crawler", "local:ada", True)
    assert api_keys.limits_of(row) == Limits("order-", frozenset({"cancel", "resume"}))
    assert text not in ada.get(f"{TEAM}/keys").content.decode()
    assert text not in str(ada.cookies) + str(dict(ada.session))


def test_the_address_of_the_form_leads_back_to_the_page(ada: Client, world: World) -> None:
    answer = ada.get(f"{TEAM}/keys/{world.keys['agent'][0].key_id}/rotate")
    assert (answer.status_code, answer["Location"]) == (302, f"{TEAM}/keys")
    assert len(api_keys.living(world.acme, "agent")) == 1


def test_no_table_holds_anything_of_a_key_that_opens(world: World, ada: Client) -> None:
    texts = [shown(ada.post(f"{TEAM}/keys", FORM)), world.keys["agent"][1]]
    texts.append(shown(ada.post(f"{TEAM}/keys/{world.keys['agent'][0].key_id}/rotate", {"overlap": "24"})))
    superuser = Pilot.objects.create_superuser("local:root", PASSWORD)
    office = Client()
    office.force_login(superuser, "django.contrib.auth.backends.ModelBackend")
    form = FORM | {"organization": world.acme.pk, "name": "from the office"}
    made = re.search(r"chm_\w+", office.post("/admin/pilots/apikey/add/", form).content.decode())
    assert made
    dump = io.StringIO()
    with across():
        call_command("dumpdata", "--all", stdout=dump)
        assert '"crawler"' in dump.getvalue()
        for text in [*texts, made[0]]:
            assert opens(text)
            assert text[17:] not in dump.getvalue()


def test_without_an_end_a_key_never_ends(ada: Client) -> None:
    assert api_keys.match(shown(ada.post(f"{TEAM}/keys", FORM | {"lifetime": ""}))).expires_at is None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": "agent"}, "already has a key named"),
        ({"name": ""}, "This field is required"),
        ({"name": "x" * 101}, "at most 100"),
        ({"name": "a\u202eb"}, "printable"),
        ({"scopes": []}, "This field is required"),
        ({"scopes": ["everything"]}, "not one of the available choices"),
        ({"scopes": ["metrics:read"], "uow_id_prefix": "order-"}, "not with limits"),
        ({"uow_id_prefix": "a/b"}, "must be the beginning of a uow_id"),
        ({"intervention_types": ["everything"]}, "not one of the available choices"),
        ({"lifetime": "7"}, "not one of the available choices"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_what_was_typed_stays(
    world: World, ada: Client, wrong: dict[str, Any], said: str
) -> None:
    page = ada.post(f"{TEAM}/keys", FORM | wrong)
    assert page.status_code == 422
    text = page.content.decode()
    assert said in text
    assert re.search(r'<details class="key-maker"\s+open', text)
    assert "chm_" not in text
    assert ApiKey.objects.for_organization(world.acme.pk).count() == 2


def test_names_are_shown_harmlessly(ada: Client) -> None:
    page = ada.post(f"{TEAM}/keys", FORM | {"name": "<script>alert(1)</script>"}).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_a_key_is_rotated_and_the_page_says_how_long_the_old_one_works(world: World, ada: Client) -> None:
    row, old = world.keys["agent"]
    page = ada.post(f"{TEAM}/keys/{row.key_id}/rotate", {"overlap": "1"})
    new = shown(page)
    assert "works until" in page.content.decode()
    assert opens(old)
    assert api_keys.match(new).name == "agent"
    again = ada.post(f"{TEAM}/keys/{row.key_id}/rotate", {"overlap": "1"})
    assert (again.status_code, "was replaced already" in again.content.decode()) == (422, True)


def test_rotated_without_an_overlap_the_old_key_ends(world: World, ada: Client) -> None:
    row, old = world.keys["agent"]
    page = ada.post(f"{TEAM}/keys/{row.key_id}/rotate", {"overlap": "0"})
    assert opens(shown(page))
    assert not opens(old)
    assert "opens nothing any more" in page.content.decode()


@pytest.mark.parametrize("overlap", ["-1", "9999", "soon"])
def test_an_overlap_is_one_of_those_offered(world: World, ada: Client, overlap: str) -> None:
    row, _ = world.keys["agent"]
    assert ada.post(f"{TEAM}/keys/{row.key_id}/rotate", {"overlap": overlap}).status_code == 422
    assert len(api_keys.living(world.acme, "agent")) == 1


def test_a_key_is_revoked_and_stands_among_those_that_ended(world: World, ada: Client) -> None:
    row, text = world.keys["agent"]
    answer = ada.post(f"{TEAM}/keys/{row.key_id}/revoke")
    assert (answer.status_code, answer["Location"]) == (302, f"{TEAM}/keys")
    assert not opens(text)
    page = ada.get(f"{TEAM}/keys").content.decode()
    assert "1 that ended" in page
    assert f"{TEAM}/keys/{row.key_id}/revoke" not in page


@pytest.mark.parametrize("verb", ["rotate", "revoke"])
def test_anothers_key_is_not_found(world: World, ada: Client, verb: str) -> None:
    row, text = world.keys["globex-agent"]
    assert ada.post(f"{TEAM}/keys/{row.key_id}/{verb}").status_code == 404
    assert opens(text)


def test_a_form_from_elsewhere_is_refused(world: World) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(world.memberships["ada"].pilot, "django.contrib.auth.backends.ModelBackend")
    row, text = world.keys["agent"]
    assert browser.post(f"{TEAM}/keys/{row.key_id}/revoke").status_code == 403
    assert opens(text)
