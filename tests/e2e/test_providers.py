"""Signing in by each provider through the real button, in a browser that holds the page to its policy."""

import re
from collections.abc import Callable

import pytest
from allauth.socialaccount.models import SocialAccount
from playwright.sync_api import expect

from pilots.models import Pilot
from tests.e2e.conftest import Console
from tests.e2e.test_access import TINY, findings, in_both_schemes
from tests.provider import Provider
from tests.provider.people import KINDS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

type Seat = Callable[..., Console]

BUTTONS = {"github": "GitHub", "microsoft": "Microsoft", "google": "Google", "oidc": "keyring"}
WHO = {"github": "octocat", "microsoft": "ada", "google": "grace", "oidc": "noor"}


@pytest.fixture(scope="module")
def address(signing_server: str) -> str:
    return signing_server


@pytest.mark.parametrize("kind", KINDS)
def test_a_press_of_the_button_leads_to_the_provider_and_back(console: Seat, provider: Provider, kind: str) -> None:
    seat = console(None)
    seat.open("/accounts/login/")
    seat.page.get_by_role("button", name=f"Continue with {BUTTONS[kind]}").click()
    seat.page.get_by_role("button", name=f"Continue as {WHO[kind]}").click()
    expect(seat.page.get_by_role("heading", name="You are in no organization yet")).to_be_visible()
    expect(seat.page.get_by_text(provider.people[kind][WHO[kind]].pilot_id)).to_be_visible()


def test_the_second_sign_in_is_of_the_same_pilot_and_leads_where_they_wanted(console: Seat, provider: Provider) -> None:
    for _ in range(2):
        seat = console(None)
        seat.open("/accounts/3rdparty/")
        expect(seat.page).to_have_url(re.compile(r"/accounts/login/\?next="))
        seat.page.get_by_role("button", name="Continue with GitHub").click()
        seat.page.get_by_role("button", name="Continue as octocat").click()
        expect(seat.page).to_have_url(f"{seat.address}/accounts/3rdparty/")
        expect(seat.page.get_by_text("github:octocat", exact=True)).to_be_visible()
    assert Pilot.objects.filter(oauth_provider="github").count() == 1


def test_cancelling_leads_back_to_the_sign_in(console: Seat, provider: Provider) -> None:
    seat = console(None)
    seat.open("/accounts/login/")
    seat.page.get_by_role("button", name="Continue with Microsoft").click()
    seat.page.get_by_role("button", name="Cancel").click()
    expect(seat.page.get_by_role("heading", name="You cancelled the sign-in")).to_be_visible()
    seat.page.get_by_role("link", name="Go back").click()
    expect(seat.page.get_by_role("button", name="Continue with Microsoft")).to_be_visible()


def test_a_provider_whose_page_is_on_an_origin_of_its_own_is_reached_too(console: Seat, provider: Provider) -> None:
    provider.faults.add("authorize_elsewhere")
    seat = console(None)
    seat.open("/accounts/login/")
    seat.page.get_by_role("button", name="Continue with keyring").click()
    seat.page.wait_for_url("http://localhost:*/**")
    seat.page.get_by_role("button", name="Continue as noor").click()
    expect(seat.page.get_by_text("oidc:keyring:u-7f3a")).to_be_visible()


def test_it_works_without_javascript(console: Seat, provider: Provider) -> None:
    seat = console(None, java_script_enabled=False)
    seat.open("/accounts/login/")
    seat.page.get_by_role("button", name="Continue with Google").click()
    seat.page.get_by_role("button", name="Continue as grace").click()
    expect(seat.page.get_by_role("heading", name="You are in no organization yet")).to_be_visible()


def test_a_second_account_is_connected_and_disconnected(console: Seat, provider: Provider) -> None:
    seat = console(None)
    seat.open("/accounts/3rdparty/")
    seat.page.get_by_role("button", name="Continue with GitHub").click()
    seat.page.get_by_role("button", name="Continue as octocat").click()
    seat.page.get_by_role("button", name="Connect Google").click()
    seat.page.get_by_role("button", name="Continue as grace").click()
    expect(seat.page.get_by_text("You can sign in with that account from now on.")).to_be_visible()
    expect(seat.page.get_by_text("grace@corp.example")).to_be_visible()
    assert findings(seat.page) == []
    seat.page.get_by_role("button", name="Disconnect Google").click()
    expect(seat.page.get_by_text("grace@corp.example")).to_have_count(0)
    assert list(SocialAccount.objects.values_list("provider", flat=True)) == ["github"]


def test_axe_finds_nothing_on_the_way(console: Seat, provider: Provider) -> None:
    seat = console(None, viewport=TINY)
    for path in ("/accounts/login/", "/accounts/google/login/", "/accounts/google/login/callback/?state=x"):
        seat.open(path)
        assert in_both_schemes(seat.page) == [], path
        assert seat.page.evaluate("document.documentElement.scrollWidth") <= TINY["width"], path
