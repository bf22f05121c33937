"""What every answer carries for the browser, whatever the route and whoever asks."""

from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from conftest import PASSWORD, World
from tests.test_access import Route, routes

pytestmark = pytest.mark.embedded

# Django's admin and the documents of the API are public software: their pages may be kept, what they show may not.
# The shell and its worker are there to be kept: they are the same for everybody.
OPEN = ("api/docs", "api/schema", "health", "ready", "metrics", "offline", "sw.js")
EXPECTED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def answers(client: Client) -> dict[str, Any]:
    asked: list[Route] = [route for route in routes() if route.method == "GET"]
    return {route.name: client.get(route.address, {"wait": 0} if "/events" in route.pattern else {}) for route in asked}


@pytest.mark.parametrize("who", [None, "ada"])
def test_every_answer_carries_the_headers_of_security(world: World, who: str | None) -> None:
    for name, answer in answers(world.session(who) if who else Client()).items():
        carried = {header: answer.headers.get(header) for header in EXPECTED}
        assert carried == EXPECTED, name
        assert answer.headers["Content-Security-Policy"], name


def test_the_policy_allows_no_inline_script_no_eval_and_no_frame(world: World) -> None:
    for name, answer in answers(world.session("ada")).items():
        policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == "'none'", name
        assert policy["frame-ancestors"] == "'none'", name
        assert policy["base-uri"] == "'none'", name
        assert {"'self'"} == set(policy["script-src"].split()), name
        assert "unsafe" not in answer.headers["Content-Security-Policy"], name


def test_what_somebody_sees_is_kept_by_nobody(world: World) -> None:
    for name, answer in answers(world.session("ada")).items():
        if answer.status_code == 200 and not name.removeprefix("GET ").startswith(OPEN):
            assert {"no-store", "private"} & set(answer.headers["Cache-Control"].split(", ")), name


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(world: World) -> None:
    page = Client().post("/accounts/login/", {"login": "ada", "password": PASSWORD}, REMOTE_ADDR="10.9.9.9")
    morsel = page.cookies[settings.SESSION_COOKIE_NAME]
    assert (morsel["httponly"], morsel["samesite"]) == (True, "Lax")


def test_over_tls_the_browser_is_told_to_stay_there(client: Client) -> None:
    answer = client.get("/health", headers={"X-Forwarded-Proto": "https"})
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"
