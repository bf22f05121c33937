"""A pilot's day with a provider: in, an hour later still in, put out, in again over the page, and out for good."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Error, Page, Response, expect

from conftest import World
from interventions.models import Intervention
from pilots.models import Pilot
from pilots.sign_in import joining, sessions
from pilots.tokens import REFRESH_COOKIE
from tests import servers
from tests.e2e import server
from tests.e2e.conftest import Console
from tests.e2e.test_alerts import until
from tests.provider import Person, Provider

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

type Seat = Callable[..., Console]
type Raise = Callable[..., str]

BUTTONS = {"github": "GitHub", "microsoft": "Microsoft", "google": "Google"}
LOGINS = {"github": "octocat", "microsoft": "ada", "google": "grace"}
HOUR = 3600


@pytest.fixture(scope="module")
def clock_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clock") / "ahead"


@pytest.fixture(scope="module")
def address(
    _running_provider: Provider, clock_file: Path, django_db_setup: None, django_db_blocker: Any
) -> Iterator[str]:
    """A server whose clock is ahead by as many seconds as the file says, with all providers set up."""
    environment = _running_provider.environment() | {"CLOCK_FILE": str(clock_file)}
    application = "tests.e2e.clocked_asgi:application"
    with (
        django_db_blocker.unblock(),
        server.running(servers.database_url(), application=application, **environment) as address,
    ):
        yield address


@pytest.fixture
def hours_pass(clock_file: Path) -> Iterator[Callable[[Page, int], None]]:
    """`hours_pass(page, 1)`: on the server and in the browser."""

    def hours_pass(page: Page, hours: int) -> None:
        ahead = float(clock_file.read_text()) if clock_file.exists() else 0.0
        clock_file.write_text(str(ahead + hours * HOUR))
        page.clock.fast_forward(hours * HOUR * 1000)

    yield hours_pass
    clock_file.unlink(missing_ok=True)


@pytest.fixture
def person(request: pytest.FixtureRequest, provider: Provider, world: World) -> Person:
    """Somebody of a company whose people may join acme."""
    kind = request.param
    joining.allow(world.acme, email_domains=["corp.example"])
    someone = replace(provider.people[kind][LOGINS[kind]], email=f"{LOGINS[kind]}@corp.example")
    provider.people[kind][someone.login] = someone
    return someone


def press_through(page: Page, person: Person) -> None:
    """From the button of ours over the provider's page and back."""
    page.get_by_role("button", name=f"Continue with {BUTTONS[person.kind]}").click()
    page.get_by_role("button", name=f"Continue as {person.login}").click()


def press_through_in_a_window(page: Page, person: Person) -> None:
    with page.expect_popup() as opened:
        page.get_by_role("dialog").get_by_role("button", name=f"Continue with {BUTTONS[person.kind]}").click()
    window = opened.value
    with window.expect_event("close"):
        window.get_by_role("button", name=f"Continue as {person.login}").click()


def wait_for_token(seat: Seat) -> None:
    """Waits until the page has read the answer: left before, or moved in time, it would get another in another way."""
    until(seat, "'renewable' in localStorage")


def keep_tokens(page: Page) -> list[str]:
    """Fills with the access tokens the page gets, but for one it left before the answer was read."""
    kept: list[str] = []

    def keep(response: Response) -> None:
        if response.url.split("/api/token")[-1] in ("", "/refresh") and response.ok:
            with suppress(Error):
                kept.append(response.json()["access"])

    page.on("response", keep)
    return kept


def cookies(page: Page, address: str) -> dict[str, str]:
    """What the browser would send to the address under which tokens are renewed."""
    return {cookie["name"]: cookie["value"] for cookie in page.context.cookies(f"{address}/api/token/refresh")}


def stored_anywhere(page: Page) -> str:
    """All that scripts of this origin have put away."""
    script = "() => JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
    found: str = page.evaluate(script)
    return found


@pytest.mark.parametrize("person", BUTTONS, indirect=True)
def test_a_day_with_a_provider(
    console: Seat, person: Person, raise_request: Raise, hours_pass: Callable[[Page, int], None]
) -> None:
    request_id = raise_request(title="Pay it?", expires_in_seconds=24 * HOUR)
    seat = console(None)
    page = seat.page
    page.clock.install()
    tokens = keep_tokens(page)

    # In.
    seat.open("/o/acme/")
    with page.expect_response("**/api/token"):
        press_through(page, person)
    seat.wait_until_live()

    # Who they are here.
    with page.expect_response("**/api/token**"):
        seat.open("/o/acme/settings")
    shown = {"pilot_id": person.pilot_id, "oauth_provider": person.kind, "oauth_id": person.id, "role": "OPERATOR"}
    for name, value in shown.items():
        expect(page.locator(f"[data-field={name}]")).to_have_text(value)
    signed_in = Pilot.objects.get(pilot_id=person.pilot_id).last_login
    assert signed_in is not None
    minute = re.compile(f"{signed_in:%FT%H:%M}")
    expect(page.locator("[data-field=last_login] time")).to_have_attribute("datetime", minute)

    # An hour later the page is still somebody's: it has renewed its token by itself, and acts.
    wait_for_token(seat)
    with page.expect_response("**/api/token/refresh"):
        seat.open(f"/o/acme/interventions/{request_id}")
    seat.wait_until_live()
    wait_for_token(seat)
    with page.expect_response("**/api/token/refresh") as renewed:
        hours_pass(page, 1)
    assert renewed.value.ok
    page.get_by_label("Note for the record").fill("Still here")
    page.get_by_role("button", name="Add").click()
    expect(page.locator("#timeline")).to_contain_text("Still here")
    expect(page.get_by_label("Note for the record")).to_have_value("")
    page.get_by_role("radio", name="Reject").check()
    page.get_by_label("Reason").fill("Half a rea")

    # Put out from outside: the dialog, and nothing below it has changed.
    before = cookies(page, seat.address)
    sessions.end_all_of(Pilot.objects.get(pilot_id=person.pilot_id))
    dialog = page.get_by_role("dialog", name="Sign in to go on")
    expect(dialog).to_be_visible()
    assert not any(token in stored_anywhere(page) for token in tokens)
    press_through_in_a_window(page, person)
    expect(dialog).to_be_hidden()
    reason = page.get_by_label("Reason")
    expect(reason).to_have_value("Half a rea")
    expect(reason).to_be_focused()
    # Headless Chromium gives no keys to a window until it is clicked, once another one has closed.
    reason.click()
    page.keyboard.press("End")
    page.keyboard.type("son")
    expect(reason).to_have_value("Half a reason")
    page.get_by_role("button", name="Reject", exact=True).click()
    expect(page.locator("#decision")).to_contain_text("Rejected")
    row = Intervention.across_organizations.get(request_id=request_id)
    assert (row.decided_by, row.action_reason) == (person.pilot_id, "Half a reason")

    # Out: neither the way back nor anything the browser or a thief has kept gives anything.
    after = cookies(page, seat.address)
    assert after["sessionid"] != before["sessionid"]
    page.locator(".account summary").click()
    page.get_by_role("link", name="Sign out").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert {"sessionid", REFRESH_COOKIE}.isdisjoint(cookies(page, seat.address))
    for _ in range(3):
        page.go_back()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert "Pay it?" not in page.content()
    assert len(set(tokens)) >= 3
    for token in tokens:
        answer = httpx.get(f"{seat.address}/api/pilots/me", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401
    for kept in (before, after):
        with httpx.Client(base_url=seat.address, cookies=kept) as thief:
            assert thief.post("/api/token/refresh").status_code == 401
            assert thief.get("/api/pilots/me").status_code == 401
            assert thief.get("/o/acme/").headers["Location"].startswith("/accounts/login/")
