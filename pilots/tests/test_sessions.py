"""Sessions of the pages: how long they live, where they are listed, and what ends with them."""

import io
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from conftest import PASSWORD, World
from pilots import user_agents
from pilots.models import AccessEvent, Pilot, RefreshFamily
from pilots.sign_in import sessions

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Safari/604.1"


@pytest.fixture(autouse=True)
def _nothing_was_seen_before() -> None:
    sessions._noted.clear()


def browser(agent: str = FIREFOX, name: str = "otto") -> Client:
    client = Client(headers={"user-agent": agent}, REMOTE_ADDR="192.0.2.7")
    answer = client.post("/accounts/login/", {"login": name, "password": PASSWORD})
    assert answer.status_code == 302
    return client


def is_signed_in(client: Client) -> bool:
    return client.get("/o/acme/").status_code == 200


def later(begin: datetime, **by: float) -> Any:
    sessions._noted.clear()
    return time_machine.travel(begin + timedelta(**by), tick=False)


# How long


def test_the_key_changes_at_sign_in(world: World) -> None:
    client = Client()
    client.get("/accounts/login/?next=/o/acme/")
    session = client.session
    session["planted"] = "by somebody else"
    session.save()
    client.cookies["sessionid"] = planted = session.session_key
    client.post("/accounts/login/", {"login": "otto", "password": PASSWORD})
    assert client.cookies["sessionid"].value != planted
    assert not Session.objects.filter(session_key=planted).exists()


def test_a_session_ends_when_nobody_was_there_for_twelve_hours(world: World) -> None:
    begin = timezone.now()
    client = browser()
    with later(begin, hours=11, minutes=50):
        assert is_signed_in(client)
    with later(begin, hours=23, minutes=30):
        assert is_signed_in(client)
    with later(begin, hours=36):
        assert not is_signed_in(client)


def test_an_open_page_that_renews_its_token_counts_as_being_there(world: World) -> None:
    begin = timezone.now()
    client = browser()
    assert client.post("/api/token", content_type="application/json").status_code == 200
    for hours in (10, 20, 30):
        with later(begin, hours=hours):
            assert client.post("/api/token/refresh", content_type="application/json").status_code == 200
    with later(begin, hours=41):
        assert is_signed_in(client)


def test_seven_days_after_the_sign_in_it_ends_whatever_happens(world: World) -> None:
    begin = timezone.now()
    client = browser()
    client.post("/api/token", content_type="application/json")
    for hours in range(8, 7 * 24, 8):
        with later(begin, hours=hours):
            assert client.post("/api/token/refresh", content_type="application/json").status_code == 200
    with later(begin, days=7, seconds=-30):
        assert is_signed_in(client)
        access = client.post("/api/token/refresh", content_type="application/json").json()["access"]
    with later(begin, days=7, seconds=1):
        assert not is_signed_in(client)
        assert client.post("/api/token/refresh", content_type="application/json").status_code == 401
        assert Client().get("/api/pilots/me", headers={"Authorization": f"Bearer {access}"}).status_code == 401
        assert client.post("/api/token", content_type="application/json").status_code == 401


def test_the_cookie_stays_as_long_as_the_session_may_live(world: World) -> None:
    client = browser()
    cookie = client.cookies["sessionid"]
    assert 7 * 86400 - 60 <= int(cookie["max-age"]) <= 7 * 86400
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


def test_being_there_is_not_written_at_each_request(world: World) -> None:
    client = browser()
    is_signed_in(client)
    row, seen = Session.objects.get(), UserSession.objects.get()
    for _ in range(3):
        is_signed_in(client)
    assert Session.objects.get().expire_date == row.expire_date
    assert UserSession.objects.get().last_seen_at == seen.last_seen_at


# The list


def test_the_list_says_where_one_is_signed_in(world: World) -> None:
    here, _there = browser(), browser(PHONE)
    browser(name="olga")
    page = here.get("/accounts/sessions/").content.decode()
    assert page.count("<h2>") == 2
    assert "Firefox on Linux" in page
    assert "Safari on iPhone" in page
    assert page.count("This one") == 1
    assert "192.0.2.7" in page
    assert not any(key in page for key in Session.objects.values_list("session_key", flat=True))


def test_one_session_is_ended_from_another(world: World) -> None:
    here, there, third = browser(), browser(PHONE), browser()
    pair = there.post("/api/token", content_type="application/json").json()
    chosen = UserSession.objects.get(user_agent=PHONE)
    assert here.post("/accounts/sessions/", {"session": chosen.pk})["Location"] == "/accounts/sessions/"
    assert [is_signed_in(client) for client in (here, there, third)] == [True, False, True]
    assert there.post("/api/token/refresh", content_type="application/json").status_code == 401
    assert Client().get("/api/pilots/me", headers={"Authorization": f"Bearer {pair['access']}"}).status_code == 401
    assert AccessEvent.across_organizations.filter(organization=world.acme, type="sessions_ended").get().data == {
        "sessions": 1
    }


def test_all_others_are_ended_and_programs_too(world: World) -> None:
    here, there = browser(), browser(PHONE)
    here.post("/api/token", content_type="application/json")
    body = {"pilot_id": "local:otto", "password": PASSWORD}
    program = Client().post("/api/token", body, content_type="application/json").json()["access"]
    here.post("/accounts/sessions/")
    assert [is_signed_in(client) for client in (here, there)] == [True, False]
    assert here.post("/api/token/refresh", content_type="application/json").status_code == 200
    assert Client().get("/api/pilots/me", headers={"Authorization": f"Bearer {program}"}).status_code == 401


def test_nobody_ends_anothers_session(world: World) -> None:
    otto, olga = browser(), browser(name="olga")
    hers = UserSession.objects.get(user__pilot_id="local:olga")
    otto.post("/accounts/sessions/", {"session": hers.pk})
    otto.post("/accounts/sessions/")
    assert is_signed_in(olga)


def test_the_list_is_for_who_is_signed_in(world: World) -> None:
    assert Client().get("/accounts/sessions/")["Location"].startswith("/accounts/login/")
    assert Client(enforce_csrf_checks=True).post("/accounts/sessions/").status_code in (302, 403)


def test_signing_out_takes_it_off_the_list(world: World) -> None:
    client = browser()
    client.post("/accounts/logout/")
    assert UserSession.objects.count() == 0


# Ended from outside


@pytest.mark.parametrize(
    ("options", "ended"),
    [
        (["--pilot", "local:otto"], {"otto"}),
        (["--org", "acme"], {"otto", "ada"}),
        (["--all"], {"otto", "ada", "gina"}),
    ],
)
def test_a_command_signs_out(world: World, options: list[str], ended: set[str]) -> None:
    clients = {name: world.session(name) for name in ("otto", "ada", "gina")}
    bearers = {name: world.bearer(name) for name in clients}
    call_command("revoke_sessions", *options, stdout=io.StringIO())
    for name, client in clients.items():
        assert (client.get("/api/pilots/me").status_code == 401) == (name in ended), name
        assert (Client().get("/api/pilots/me", headers=bearers[name]).status_code == 401) == (name in ended), name
    names = AccessEvent.across_organizations.filter(type="sessions_ended").values_list("subject", flat=True)
    assert {f"local:{name}" for name in ended} <= set(names)


def test_a_command_names_whom_it_means() -> None:
    with pytest.raises(CommandError):
        call_command("revoke_sessions")
    with pytest.raises(CommandError, match="no pilot"):
        call_command("revoke_sessions", "--pilot", "local:nobody")


def test_who_is_switched_off_is_out(world: World) -> None:
    client, bearer = browser(), world.bearer("otto")
    Pilot.objects.filter(pilot_id="local:otto").update(is_active=False)
    assert not is_signed_in(client)
    assert Client().get("/api/pilots/me", headers=bearer).status_code == 401


def test_a_new_password_ends_everything_but_the_page_it_was_set_on(world: World) -> None:
    here, there, bearer = browser(), browser(PHONE), world.bearer("otto")
    words = {"oldpassword": PASSWORD, "password1": "four new words here", "password2": "four new words here"}
    assert here.post("/accounts/password/change/", words).status_code == 302
    assert [is_signed_in(client) for client in (here, there)] == [True, False]
    assert Client().get("/api/pilots/me", headers=bearer).status_code == 401
    assert RefreshFamily.across_organizations.filter(pilot__pilot_id="local:otto", revoked_at=None).count() == 0
    assert AccessEvent.across_organizations.filter(organization=world.acme, type="password_changed").count() == 1


# Words


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (FIREFOX, "Firefox on Linux"),
        (PHONE, "Safari on iPhone"),
        ("curl/8.5", "another browser"),
        ("", "another browser"),
    ],
)
def test_a_browser_has_a_name_for_people(agent: str, name: str) -> None:
    assert user_agents.family(agent) == name
