"""The second factor in a browser: an app and a passkey, each set up and signed in with, and no finding of axe."""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import Page, expect

from conftest import World
from pilots.models import Organization
from tests.e2e.conftest import PHONE, Console
from tests.e2e.test_access import TINY, findings, in_both_schemes

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

type Seat = Callable[..., Console]

PAGES = [
    "/o/acme/settings",
    "/accounts/password/change/",
    "/accounts/2fa/",
    "/accounts/2fa/totp/activate/",
    "/accounts/2fa/webauthn/add/",
    "/accounts/sessions/",
]


@pytest.fixture
def desk(console: Seat) -> Seat:
    """A browser that reaches the server by a host name, without which there are no passkeys."""

    def desk(**options: Any) -> Console:
        seat = console(None, **options)
        seat.address = seat.address.replace("127.0.0.1", "localhost")
        return seat

    return desk


def sign_in(seat: Console, password: str, name: str = "otto") -> None:
    seat.open("/accounts/login/?next=/o/acme/")
    seat.page.get_by_label("Name").fill(name)
    seat.page.get_by_label("Password").fill(password)
    seat.page.get_by_role("button", name="Sign in", exact=True).click()


def sign_out(seat: Console) -> None:
    seat.open("/accounts/logout/")
    seat.page.get_by_role("button", name="Sign out").click()
    expect(seat.page.get_by_role("heading", name="Sign in")).to_be_visible()


def prove(seat: Console, password: str) -> None:
    expect(seat.page.get_by_role("heading", name="Your password, please")).to_be_visible()
    seat.page.get_by_label("Password").fill(password)
    seat.page.get_by_role("button", name="Go on").click()


def code_of(secret: str, steps: int = 0) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def with_authenticator(page: Page) -> Any:
    """Gives the browser a device that holds passkeys and knows its owner."""
    tools = page.context.new_cdp_session(page)
    tools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    made = tools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return tools, made["authenticatorId"]


def test_an_admin_is_led_to_an_app_sets_it_up_and_signs_in_with_it(desk: Seat, world: World, password: str) -> None:
    Organization.objects.filter(slug="acme").update(settings={"mfa_required_roles": ["ADMIN"]})
    seat = desk()
    sign_in(seat, password, "ada")
    page = seat.page
    expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
    expect(page.get_by_text("asks for a second factor in your role")).to_be_visible()
    page.get_by_role("link", name="Set up an app").click()
    prove(seat, password)
    secret = page.locator("#totp-secret").inner_text().replace(" ", "")
    assert re.fullmatch(r"[A-Z2-7]{32}", secret)
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    page.get_by_label("Code").fill("123")
    page.get_by_role("button", name="Switch it on").click()
    expect(page.get_by_text("That code does not fit")).to_be_visible()
    secret = page.locator("#totp-secret").inner_text().replace(" ", "")
    page.get_by_label("Code").fill(code_of(secret))
    page.get_by_role("button", name="Switch it on").click()
    codes = page.get_by_role("list", name="Your recovery codes").get_by_role("listitem")
    expect(codes).to_have_count(10)
    recovery = codes.first.inner_text()
    assert findings(page) == []
    page.get_by_role("link", name="I have kept them").click()
    seat.wait_until_live()

    sign_out(seat)
    sign_in(seat, password, "ada")
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    assert findings(page) == []
    page.get_by_label("Code").fill("000 000")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_text("wrong, or was used before")).to_be_visible()
    page.get_by_label("Code").fill(code_of(secret, 1))
    page.get_by_role("button", name="Sign in", exact=True).click()
    seat.wait_until_live()

    sign_out(seat)
    sign_in(seat, password, "ada")
    page.get_by_label("Code").fill(recovery)
    page.get_by_role("button", name="Sign in", exact=True).click()
    seat.wait_until_live()


def test_a_passkey_is_added_and_signs_in_with_and_without_the_password(desk: Seat, world: World, password: str) -> None:
    seat = desk()
    page = seat.page
    tools, device = with_authenticator(page)
    sign_in(seat, password)
    seat.wait_until_live()
    seat.open("/accounts/2fa/")
    page.get_by_role("link", name="Add a passkey").click()
    prove(seat, password)
    page.get_by_label("Name").fill("My laptop")
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    assert len(tools.send("WebAuthn.getCredentials", {"authenticatorId": device})["credentials"]) == 1
    seat.open("/accounts/2fa/webauthn/")
    expect(page.get_by_role("heading", name="My laptop")).to_be_visible()
    assert findings(page) == []

    sign_out(seat)
    sign_in(seat, password)
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    page.get_by_role("button", name="Use a passkey").click()
    seat.wait_until_live()

    sign_out(seat)
    seat.open("/accounts/login/?next=/o/acme/settings")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.locator("[data-field=pilot_id]")).to_have_text("local:otto")

    # The device no longer knows its owner: nothing is signed, and the page says so.
    sign_out(seat)
    tools.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": device})
    tools, device = with_authenticator(page)
    seat.open("/accounts/login/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("alert").filter(has_text="Nothing was signed")).to_be_visible()


def test_a_session_is_ended_from_another_and_its_page_says_so(console: Seat, world: World) -> None:
    here, there = console("otto"), console("otto", viewport=PHONE)
    there.open()
    there.wait_until_live()
    here.open("/accounts/sessions/")
    expect(here.page.get_by_text("This one")).to_have_count(1)
    here.page.get_by_role("button", name="End it").first.click()
    expect(here.page.get_by_text("closes within seconds")).to_be_visible()
    expect(here.page.get_by_role("button", name="End it")).to_have_count(0)
    there.page.wait_for_selector("#sign-in[open], #connection[data-state=ended]")


@pytest.mark.parametrize("viewport", [None, TINY], ids=["desk", "tiny"])
def test_axe_finds_nothing_on_the_pages_of_the_account(
    desk: Seat, world: World, password: str, viewport: dict[str, int] | None
) -> None:
    seat = desk(**({"viewport": viewport} if viewport else {}))
    seat.open("/accounts/login/")
    assert in_both_schemes(seat.page) == []
    sign_in(seat, password)
    seat.page.wait_for_url("**/o/acme/")
    seat.open("/accounts/reauthenticate/?next=/accounts/2fa/totp/activate/")
    assert in_both_schemes(seat.page) == []
    prove(seat, password)
    expect(seat.page.locator("#totp-secret")).to_be_visible()
    for path in PAGES:
        seat.open(path)
        assert in_both_schemes(seat.page) == [], path
        assert seat.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
