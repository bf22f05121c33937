"""The pages of the own account: sign-in with its limits, passwords on and off, the profile."""

import io
import re
import uuid
from typing import Any

import pytest
from django.core import mail
from django.core.management import call_command
from django.test import Client

from conftest import PASSWORD, World
from pilots import checks
from pilots.models import Pilot
from pilots.sign_in import tries

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]


def sign_in(client: Client | None = None, **words: str) -> Any:
    return (client or Client()).post("/accounts/login/", {"login": "otto", "password": PASSWORD} | words)


# Limits


def test_the_eleventh_try_after_ten_failures_is_refused_on_the_page_too(world: World) -> None:
    statuses = [sign_in(password="wrong").status_code for _ in range(tries.LIMIT)]
    refused = sign_in()
    assert statuses == [200] * 10
    assert (refused.status_code, "Wait five minutes" in refused.content.decode()) == (429, True)
    assert int(refused["Retry-After"]) > 0
    over_the_api = {"pilot_id": "local:otto", "password": PASSWORD}
    assert Client().post("/api/token", over_the_api, content_type="application/json").status_code == 429
    assert sign_in(login="olga").status_code == 302


def test_good_sign_ins_are_never_counted(world: World) -> None:
    assert {sign_in().status_code for _ in range(40)} == {302}


def test_an_unknown_name_and_a_wrong_password_look_alike(world: World) -> None:
    pages = [sign_in(login=name, password="wrong") for name in ("otto", "nobody")]
    texts = [re.sub(r'value="[^"]*"', "", page.content.decode()) for page in pages]
    assert texts[0] == texts[1]
    assert "That name or password is wrong." in texts[0]


def test_the_present_password_cannot_be_guessed_on_an_open_page(world: World) -> None:
    client = world.session("otto")
    words = {"oldpassword": "wrong", "password1": "four new words here", "password2": "four new words here"}
    statuses = {client.post("/accounts/password/change/", words).status_code for _ in range(tries.LIMIT + 1)}
    assert 429 in statuses
    assert Pilot.objects.get(pilot_id="local:otto").check_password(PASSWORD)


# Passwords


@pytest.mark.parametrize("password", ["short", "password123"])
def test_a_weak_password_is_not_taken(world: World, password: str) -> None:
    words = {"oldpassword": PASSWORD, "password1": password, "password2": password}
    assert world.session("otto").post("/accounts/password/change/", words).status_code == 200
    assert Pilot.objects.get(pilot_id="local:otto").check_password(PASSWORD)


def test_who_comes_from_a_provider_has_no_password_to_change(world: World) -> None:
    pilot = world.memberships["otto"].pilot
    pilot.oauth_provider = "github"
    pilot.set_unusable_password()
    pilot.save()
    client = world.session("otto")
    assert client.get("/accounts/password/change/").status_code == 404
    assert "Password" not in client.get("/accounts/2fa/").content.decode().split("own-main")[0]


@pytest.mark.parametrize("path", ["signup/", "email/", "password/set/", "login/code/", "confirm-email/"])
def test_pages_that_make_no_sense_here_are_not_there(world: World, path: str) -> None:
    assert Client().get(f"/accounts/{path}").status_code == 404
    assert world.session("otto").get(f"/accounts/{path}").status_code == 404


def test_without_mail_there_is_no_reset(world: World) -> None:
    assert Client().get("/accounts/password/reset/").status_code == 404
    assert "Forgot" not in Client().get("/accounts/login/").content.decode()


def test_a_forgotten_password_is_replaced_by_a_link_that_works_once(world: World, settings: Any) -> None:
    settings.EMAIL_URL = "smtp://localhost"
    Pilot.objects.filter(pilot_id="local:otto").update(email="otto@example.com")
    elsewhere = world.session("otto")
    assert "Forgot" in Client().get("/accounts/login/").content.decode()
    client = Client()
    client.post("/accounts/password/reset/", {"email": "otto@example.com"})
    link = re.findall(r"https?://[^/]+(/\S+)", mail.outbox[0].body)[0]
    form = client.get(link, follow=True)
    address = form.redirect_chain[-1][0]
    words = {"password1": "four new words here", "password2": "four new words here"}
    assert client.post(address, words)["Location"] == "/accounts/password/reset/key/done/"
    assert elsewhere.get("/o/acme/").status_code == 302
    assert sign_in(password="four new words here").status_code == 302
    assert "has ended" in Client().get(link).content.decode()


@pytest.mark.parametrize("case", ["unknown", "of a provider"])
def test_nobody_learns_whose_address_it_is(world: World, settings: Any, case: str) -> None:
    settings.EMAIL_URL = "smtp://localhost"
    if case == "of a provider":
        pilot = Pilot.objects.create_user("github:octo", email="somebody@example.com", oauth_provider="github")
        assert not pilot.has_usable_password()
    answer = Client().post("/accounts/password/reset/", {"email": "somebody@example.com"})
    assert answer["Location"] == "/accounts/password/reset/done/"
    assert mail.outbox == []


# Local accounts off


def test_with_local_accounts_off_no_password_opens_anything(world: World, settings: Any) -> None:
    settings.LOCAL_ACCOUNTS = False
    page = Client().get("/accounts/login/").content.decode()
    assert 'type="password"' not in page
    assert "There is no way to sign in here yet" in page
    assert sign_in().status_code == 403
    body = {"pilot_id": "local:otto", "password": PASSWORD}
    answer = Client().post("/api/token", body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (403, "local_accounts_off")
    assert Client().get("/accounts/password/reset/").status_code == 404
    assert world.session("otto").get("/accounts/password/change/").status_code == 404


def test_the_operators_link_works_with_local_accounts_off(world: World, settings: Any) -> None:
    settings.LOCAL_ACCOUNTS = False
    out = io.StringIO()
    call_command("create_admin", "--link", "--org", "acme", stdout=out, stderr=io.StringIO())
    client = Client()
    assert client.post("/" + out.getvalue().strip().split("/", 3)[3])["Location"] == "/"
    assert client.get("/o/acme/").status_code == 200


def test_a_new_pilots_password_that_opens_nothing_is_told_of(world: World, settings: Any) -> None:
    settings.LOCAL_ACCOUNTS, told = False, io.StringIO()
    call_command("create_pilot", "local:new", "--org", "acme", "--role", "VIEWER", stdout=io.StringIO(), stderr=told)
    assert "LOCAL_ACCOUNTS is off" in told.getvalue()


def test_no_way_in_at_all_is_warned_of(settings: Any) -> None:
    assert checks.somebody_can_sign_in() == []
    settings.LOCAL_ACCOUNTS = False
    assert [warning.id for warning in checks.somebody_can_sign_in()] == ["chameleon.W110"]
    settings.SOCIALACCOUNT_PROVIDERS = {"github": {"APPS": [{"client_id": uuid.uuid4().hex}]}}
    assert checks.somebody_can_sign_in() == []


# The profile


def test_the_profile_says_who_one_is_here(world: World) -> None:
    client = Client()
    sign_in(client)
    page = client.get("/o/acme/settings").content.decode()
    shown = dict(re.findall(r'<dd[^>]*data-field="(\w+)"[^>]*>\s*([^<]*?)\s*<', page))
    assert (shown["pilot_id"], shown["role"], shown["oauth_provider"]) == ("local:otto", "OPERATOR", "local")
    assert 'value="Otto"' in page
    assert re.search(r'data-field="organizations">\s*<ul[^>]*>\s*<li>\s*Acme', page)
    assert re.search(r'<time datetime="20\d\d', page)
    for address in ("/accounts/password/change/", "/accounts/2fa/", "/accounts/sessions/"):
        assert f'href="{address}"' in page
    assert 'href="/o/acme/settings"' in client.get("/o/acme/").content.decode()


def test_the_profile_is_behind_the_wall(world: World) -> None:
    assert world.session("gina").get("/o/acme/settings").status_code == 404
    assert Client().get("/o/acme/settings").status_code == 302


# Where to go afterwards


def test_a_way_back_that_is_no_address_leads_nowhere(world: World) -> None:
    assert Client().get("/accounts/login/?next=http://[").status_code == 200
    assert sign_in(next="http://[")["Location"] == "/"
    assert world.session("otto").post("/accounts/logout/?next=http://[").status_code == 302
