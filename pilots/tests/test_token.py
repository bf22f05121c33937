"""Signing in over the API: by password or session, kept by a rotating cookie, ended for good."""

import time
import uuid
from datetime import UTC, datetime, timedelta

import jwt
import pytest
import time_machine
from django.conf import settings
from django.test import Client

from conftest import PASSWORD, Clock, World
from pilots import tokens
from pilots.models import AccessEvent, Membership, Pilot, RefreshFamily
from pilots.sign_in import tries
from pilots.tokens import REFRESH_COOKIE

pytestmark = pytest.mark.embedded


@pytest.fixture(autouse=True)
def _from_a_new_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """What other tests, and other runs on the same Redis, have failed at does not count here."""
    monkeypatch.setitem(BROWSER, "REMOTE_ADDR", f"test-{uuid.uuid4().hex}")


BROWSER = {"REMOTE_ADDR": "127.0.0.1"}


def sign_in(client: Client | None = None, **body: str):
    body = {"pilot_id": "local:otto", "password": PASSWORD} | body
    return (client or Client()).post("/api/token", body, content_type="application/json", **BROWSER)


def refresh(cookie: str, client: Client | None = None, **headers: str):
    client = client or Client()
    client.cookies[REFRESH_COOKIE] = cookie
    return client.post("/api/token/refresh", content_type="application/json", headers=headers)


def ask_by_session(client: Client, organization: str = "acme"):
    """What a page does that has no refresh cookie of its own."""
    return client.post("/api/token", content_type="application/json", headers={"X-Organization": organization})


def me(answer) -> int:
    """How the access token in this answer fares."""
    bearer = {"Authorization": f"Bearer {answer.json()['access']}"}
    return Client().get("/api/pilots/me", headers=bearer).status_code


def cookie_of(answer) -> str:
    return answer.cookies[REFRESH_COOKIE].value


def living() -> list[str]:
    families = RefreshFamily.across_organizations.filter(revoked_at=None)
    return list(families.order_by("organization__slug").values_list("organization__slug", flat=True))


def test_a_password_gives_an_access_token(world: World) -> None:
    answer = sign_in()
    body = answer.json()
    assert answer.status_code == 200
    assert body["token"] == body["access"]
    assert (body["pilot_id"], body["role"], body["organization"]) == ("local:otto", "OPERATOR", "acme")
    claims = jwt.decode(body["access"], options={"verify_signature": False})
    assert (claims["sub"], claims["role"], claims["org"]) == ("local:otto", "OPERATOR", "acme")
    assert {"exp", "iat", "jti"} <= claims.keys()
    me = Client().get("/api/pilots/me", headers={"Authorization": f"Bearer {body['access']}"})
    assert me.json()["pilot_id"] == "local:otto"


def test_the_refresh_token_is_in_a_guarded_cookie_only(world: World) -> None:
    answer = sign_in()
    cookie = answer.cookies[REFRESH_COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/api/token")
    assert bool(cookie["secure"]) == settings.SESSION_COOKIE_SECURE
    assert cookie.value not in answer.content.decode()
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "body", [{"password": "wrong"}, {"pilot_id": "local:nobody"}, {"pilot_id": "local:nobody", "password": "x"}]
)
def test_a_wrong_password_and_an_unknown_account_look_alike(world: World, body: dict[str, str]) -> None:
    answer = sign_in(**body)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")
    assert answer.json()["detail"] == "The pilot_id or the password is wrong."
    assert "WWW-Authenticate" in answer.headers


def test_a_pilot_who_was_deactivated_cannot_sign_in(world: World) -> None:
    Pilot.objects.filter(pilot_id="local:otto").update(is_active=False)
    assert sign_in().status_code == 401


def test_a_pilot_without_organization_gets_no_token(world: World) -> None:
    Membership.across_organizations.filter(pilot__pilot_id="local:otto").delete()
    answer = sign_in()
    assert (answer.status_code, answer.json()["code"]) == (403, "no_membership")


def test_a_pilot_of_several_organizations_names_one(world: World) -> None:
    pilot = world.memberships["otto"].pilot
    Membership.objects.create(organization=world.globex, pilot=pilot, role="VIEWER")
    answer = sign_in()
    assert (answer.status_code, answer.json()["code"]) == (400, "organization_required")
    named = sign_in(organization="globex").json()
    assert (named["organization"], named["role"]) == ("globex", "VIEWER")
    assert sign_in(organization="initech").status_code == 404


def test_the_eleventh_try_after_ten_failures_is_refused_even_if_right(world: World) -> None:
    statuses = [sign_in(password="wrong").status_code for _ in range(tries.LIMIT)]
    refused = sign_in()
    assert statuses == [401] * 10
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert int(refused["Retry-After"]) > 0
    assert sign_in(pilot_id="local:olga").status_code == 200


def test_right_passwords_are_never_counted(world: World) -> None:
    assert {sign_in().status_code for _ in range(12)} == {200}


def test_the_count_holds_while_the_shared_cache_is_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(tries.cache, "add", away, raising=False)
    monkeypatch.setattr(tries, "_own", tries.LocMemCache("away", {}))
    statuses = [sign_in(password="wrong").status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]


def test_a_refresh_rotates_the_cookie(world: World) -> None:
    first = sign_in().cookies[REFRESH_COOKIE].value
    answer = refresh(first)
    assert answer.status_code == 200
    assert answer.json()["pilot_id"] == "local:otto"
    assert answer.cookies[REFRESH_COOKIE].value != first


def test_two_tabs_that_refresh_at_once_get_the_same_successor(world: World) -> None:
    first = sign_in().cookies[REFRESH_COOKIE].value
    successors = {refresh(first).cookies[REFRESH_COOKIE].value for _ in range(3)}
    assert len(successors) == 1


def test_an_older_refresh_token_used_again_ends_both_branches(world: World) -> None:
    first = sign_in()
    second = refresh(cookie_of(first))
    third = refresh(cookie_of(second))
    reused = refresh(cookie_of(first))
    assert (reused.status_code, reused.json()["code"]) == (401, "token_reused")
    assert refresh(cookie_of(third)).status_code == 401
    assert refresh(cookie_of(second)).status_code == 401
    assert [me(answer) for answer in (first, second, third)] == [401, 401, 401]


def test_the_predecessor_is_forgiven_for_ten_seconds_by_the_databases_clock(world: World, clock: Clock) -> None:
    first = sign_in()
    second = refresh(cookie_of(first))
    clock.forward(seconds=9)
    assert cookie_of(refresh(cookie_of(first))) == cookie_of(second)
    clock.forward(seconds=2)
    assert refresh(cookie_of(first)).json()["code"] == "token_reused"
    assert refresh(cookie_of(second)).status_code == 401
    assert me(second) == 401


def test_a_reuse_ends_the_session_and_stands_in_the_access_log(world: World) -> None:
    browser = world.session("otto")
    first = cookie_of(ask_by_session(browser))
    refresh(cookie_of(refresh(first)))
    thief = Client(REMOTE_ADDR="198.51.100.7")
    assert refresh(first, thief).json()["code"] == "token_reused"
    assert browser.get("/api/pilots/me").status_code == 401
    event = AccessEvent.across_organizations.get(type="token_reused")
    assert (event.subject, event.actor, event.data) == ("local:otto", "unknown", {"address": "198.51.100.7"})
    assert event.organization == world.acme


def test_of_a_family_that_has_ended_nothing_more_is_told(world: World) -> None:
    first = cookie_of(sign_in())
    refresh(cookie_of(refresh(first)))
    assert [refresh(first).json()["code"] for _ in range(3)] == ["token_reused", *["not_authenticated"] * 2]
    assert AccessEvent.across_organizations.filter(type="token_reused").count() == 1


@pytest.mark.parametrize("cookie", ["", "nonsense", "a.b.c"])
def test_without_a_valid_refresh_cookie_there_is_no_token(world: World, cookie: str) -> None:
    assert refresh(cookie).status_code == 401


def test_an_access_token_is_no_refresh_token(world: World) -> None:
    assert refresh(sign_in().json()["access"]).status_code == 401


def test_a_refresh_token_is_no_access_token(world: World) -> None:
    token = sign_in().cookies[REFRESH_COOKIE].value
    assert Client().get("/api/events", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_a_session_gives_a_token_with_the_csrf_token_only(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.memberships["otto"].pilot, "django.contrib.auth.backends.ModelBackend")
    refused = client.post("/api/token", content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")
    client.cookies["csrftoken"] = "a" * 32
    answer = client.post("/api/token", content_type="application/json", headers={"X-CSRFToken": "a" * 32})
    assert (answer.status_code, answer.json()["pilot_id"]) == (200, "local:otto")


def test_a_page_names_its_organization_by_header(world: World) -> None:
    Membership.objects.create(organization=world.globex, pilot=world.memberships["otto"].pilot, role="VIEWER")
    client = world.session("otto")
    unnamed = client.post("/api/token", content_type="application/json")
    assert (unnamed.status_code, unnamed.json()["code"]) == (400, "organization_required")
    named = client.post("/api/token", content_type="application/json", headers={"X-Organization": "globex"})
    assert (named.json()["organization"], named.json()["role"]) == ("globex", "VIEWER")


def test_each_organization_of_a_session_has_one_family(world: World) -> None:
    Membership.objects.create(organization=world.globex, pilot=world.memberships["otto"].pilot, role="VIEWER")
    browser = world.session("otto")
    replaced, acme = ask_by_session(browser), ask_by_session(browser)
    globex = ask_by_session(browser, "globex")
    assert living() == ["acme", "globex"]
    assert [me(answer) for answer in (replaced, acme, globex)] == [401, 200, 200]
    assert refresh(cookie_of(replaced)).status_code == 401


def test_a_page_does_not_take_another_organizations_token_for_its_own(world: World) -> None:
    Membership.objects.create(organization=world.globex, pilot=world.memberships["otto"].pilot, role="VIEWER")
    browser = world.session("otto")
    cookie = cookie_of(ask_by_session(browser, "globex"))
    refused = refresh(cookie, browser, **{"X-Organization": "acme"})
    assert (refused.status_code, refused.json()["code"]) == (401, "other_page")
    assert refresh(cookie, browser, **{"X-Organization": "globex"}).json()["organization"] == "globex"


def test_a_page_does_not_take_the_token_of_a_sign_in_elsewhere_for_its_own(world: World) -> None:
    """A password given to the API leaves its cookie in the same browser, and lives on when the session is over."""
    browser = world.session("otto")
    cookie = cookie_of(sign_in(browser))
    assert refresh(cookie, browser, **{"X-Organization": "acme"}).json()["code"] == "other_page"
    assert refresh(cookie, browser).status_code == 200


def test_signing_out_ends_the_families_the_cookies_and_the_session(world: World) -> None:
    Membership.objects.create(organization=world.globex, pilot=world.memberships["otto"].pilot, role="VIEWER")
    client = world.session("otto")
    pairs = [ask_by_session(client, slug) for slug in ("globex", "acme")]
    answer = client.post("/api/token/revoke", content_type="application/json")
    assert answer.status_code == 200
    assert answer["Clear-Site-Data"] == '"cache", "cookies", "storage"'
    assert (client.cookies[REFRESH_COOKIE].value, client.cookies[REFRESH_COOKIE]["path"]) == ("", "/api/token")
    assert client.cookies["sessionid"].value == ""
    assert [refresh(cookie_of(pair)).status_code for pair in pairs] == [401, 401]
    assert client.get("/api/pilots/me").status_code == 401
    assert [me(pair) for pair in pairs] == [401, 401]


def test_signing_out_on_the_page_ends_the_tokens_and_clears_the_browser(world: World) -> None:
    client = world.session("otto")
    pair = ask_by_session(client)
    session = client.cookies["sessionid"].value
    assert "Clear-Site-Data" not in client.get("/accounts/logout/")
    answer = client.post("/accounts/logout/")
    assert answer["Clear-Site-Data"] == '"cache", "cookies", "storage"'
    assert (answer.cookies[REFRESH_COOKIE].value, answer.cookies[REFRESH_COOKIE]["path"]) == ("", "/api/token")
    assert (refresh(cookie_of(pair)).status_code, me(pair)) == (401, 401)
    client.cookies["sessionid"] = session
    assert client.get("/api/pilots/me").status_code == 401
    assert client.get("/o/acme/").status_code == 302


def test_a_session_that_ran_out_takes_its_tokens_along(world: World) -> None:
    client = world.session("otto")
    pair = ask_by_session(client)
    client.session.delete()
    assert (refresh(cookie_of(pair)).status_code, me(pair)) == (401, 401)


def test_a_new_password_ends_the_tokens_of_the_sessions_before_it(world: World) -> None:
    pair = ask_by_session(world.session("otto"))
    pilot = world.memberships["otto"].pilot
    pilot.set_password("another good password")
    pilot.save()
    assert (refresh(cookie_of(pair)).status_code, me(pair)) == (401, 401)


def test_nobody_elsewhere_can_have_the_browser_cleared(world: World) -> None:
    """A form on another site reaches the address, but brings no strict cookie along."""
    assert "Clear-Site-Data" not in Client().post("/api/token/revoke", content_type="application/json")


def test_signing_out_without_a_cookie_is_harmless(world: World) -> None:
    assert Client().post("/api/token/revoke", content_type="application/json").status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"pilot_id": "local:otto"}, "password"),
        ({"password": "x"}, "pilot_id"),
        ({"pilot_id": 5, "password": "x"}, "pilot_id"),
        ({"pilot_id": "x" * 256, "password": "x"}, "pilot_id"),
        ({"pilot_id": "local:otto", "password": None}, "password"),
        ({"pilot_id": "local:otto", "password": "x", "role": "ADMIN"}, "role"),
        ({"pilot_id": "local:otto", "password": "x", "organization": 1}, "organization"),
    ],
)
def test_a_malformed_sign_in_is_refused_by_field(world: World, body: dict[str, object], field: str) -> None:
    answer = Client().post("/api/token", body, content_type="application/json")
    assert answer.status_code == 400
    assert field in answer.json()["errors"]


def test_nothing_at_all_is_no_credential(world: World) -> None:
    assert Client().post("/api/token", content_type="application/json").status_code == 401


@pytest.mark.parametrize("minutes", [-10, 10])
def test_servers_whose_clocks_differ_take_each_others_tokens(
    world: World, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    started = time.monotonic()
    true = datetime.now(UTC)
    monkeypatch.setattr(tokens, "shared_now", lambda: true + timedelta(seconds=time.monotonic() - started))
    with time_machine.travel(true + timedelta(minutes=minutes), tick=True):
        theirs = sign_in()
        assert me(theirs) == 200
    lasts = datetime.fromisoformat(theirs.json()["expires_at"]) - true
    assert abs(lasts - timedelta(minutes=settings.ACCESS_TOKEN_MINUTES)) < timedelta(minutes=1)
    assert me(theirs) == 200
    ours = refresh(cookie_of(theirs))
    with time_machine.travel(true + timedelta(minutes=minutes), tick=True):
        assert me(ours) == 200
        assert refresh(cookie_of(ours)).status_code == 200
        # Expired is what has expired by the clock of all.
        later = true + timedelta(minutes=settings.ACCESS_TOKEN_MINUTES, seconds=1)
        monkeypatch.setattr(tokens, "shared_now", lambda: later)
        assert me(ours) == 401
