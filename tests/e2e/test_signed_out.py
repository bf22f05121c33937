"""A page whose sign-in ends, or becomes another's, while somebody works on it; and tabs that share what they have."""

from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from playwright.sync_api import Locator, Page, Request, expect

from conftest import World
from interventions.models import Intervention
from pilots import actions, tokens
from pilots.models import Membership, RefreshFamily
from pilots.sign_in import second_factor, sessions
from pilots.tokens import REFRESH_COOKIE
from tests.e2e.conftest import PHONE, Console
from tests.e2e.test_access import findings, in_both_schemes

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

type Seat = Callable[..., Console]
type Raise = Callable[..., str]


def at_work(seat: Console, path: str = "/o/acme/") -> Page:
    """An open page that has its token."""
    with seat.page.expect_response("**/api/token**"):
        seat.open(path)
    seat.wait_until_live()
    return seat.page


def typing(seat: Console, request_id: str) -> Page:
    """Somebody is in the middle of a reason."""
    page = at_work(seat, f"/o/acme/interventions/{request_id}")
    page.get_by_role("radio", name="Reject").check()
    page.get_by_label("Reason").fill("Half a reason")
    return page


def put_out(world: World, name: str) -> None:
    sessions.end_all_of(world.memberships[name].pilot)


def dialog_of(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Sign in to go on")


def sign_in(page: Page, password: str) -> None:
    dialog = dialog_of(page)
    dialog.get_by_label("Password").fill(password)
    dialog.get_by_role("button", name="Sign in", exact=True).click()


def asked(page: Page) -> list[str]:
    """Fills with the token routes a page asks."""
    paths: list[str] = []

    def note(request: Request) -> None:
        if "/api/token" in request.url:
            paths.append(request.url.partition("/api/")[2])

    page.on("request", note)
    return paths


def test_the_dialog_keeps_the_focus_is_put_away_and_comes_back(
    console: Seat, raise_request: Raise, world: World, password: str
) -> None:
    page = typing(console("otto"), raise_request())
    put_out(world, "otto")
    dialog = dialog_of(page)
    expect(dialog.get_by_label("Password")).to_be_focused()
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('#sign-in')")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_label("Reason")).to_be_focused()
    expect(page.get_by_label("Reason")).to_have_value("Half a reason")
    expect(page.locator("#connection")).to_contain_text("Signed out")
    page.locator("#connection").get_by_role("button", name="Sign in").click()
    sign_in(page, password)
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Reject", exact=True).click()
    expect(page.locator("#decision")).to_contain_text("Rejected")


def test_a_dialog_that_was_open_already_is_still_there_with_what_was_typed(
    console: Seat, world: World, password: str
) -> None:
    page = at_work(console("ada"))
    page.get_by_role("link", name="Kill switch").click()
    page.get_by_label("Reason").fill("It loops")
    put_out(world, "ada")
    expect(dialog_of(page)).to_be_visible()
    sign_in(page, password)
    expect(dialog_of(page)).to_be_hidden()
    expect(page.get_by_label("Reason")).to_have_value("It loops")
    expect(page.get_by_label("Reason")).to_be_focused()


def test_the_second_factor_is_asked_for_in_the_dialog(
    console: Seat, raise_request: Raise, world: World, password: str
) -> None:
    pilot = world.memberships["otto"].pilot
    page = typing(console("otto"), raise_request())
    totp.TOTP.activate(pilot, totp.generate_totp_secret())
    code = RecoveryCodes.activate(pilot).get_unused_codes()[0]
    put_out(world, "otto")
    expect(dialog_of(page)).to_be_visible()
    sign_in(page, password)
    step = page.get_by_role("dialog", name="One more step")
    expect(step.get_by_label("Code")).to_be_focused()
    page.keyboard.type("000000")
    page.keyboard.press("Enter")
    expect(step.get_by_role("alert")).to_be_visible()
    page.keyboard.type(code)
    page.keyboard.press("Enter")
    expect(step).to_be_hidden()
    expect(page.get_by_label("Reason")).to_have_value("Half a reason")
    page.get_by_role("button", name="Reject", exact=True).click()
    expect(page.locator("#decision")).to_contain_text("Rejected")


def test_the_sign_in_page_in_a_window_of_its_own_does_as_well(
    console: Seat, raise_request: Raise, world: World, password: str
) -> None:
    page = typing(console("otto"), raise_request())
    put_out(world, "otto")
    with page.expect_popup() as opened:
        dialog_of(page).get_by_role("link", name="Open the sign-in page").click()
    window = opened.value
    window.get_by_label("Name").fill("otto")
    window.get_by_label("Password").fill(password)
    with window.expect_event("close"):
        window.get_by_role("button", name="Sign in", exact=True).click()
    expect(dialog_of(page)).to_be_hidden()
    expect(page.get_by_label("Reason")).to_have_value("Half a reason")


def test_nobody_acts_as_somebody_else_who_signed_in_meanwhile(
    console: Seat, raise_request: Raise, world: World, address: str
) -> None:
    request_id = raise_request()
    seat = console("otto")
    page = typing(seat, request_id)
    # Without a word to this page: only the cookies have changed.
    olga = world.session("olga")
    page.context.add_cookies([{"name": "sessionid", "value": olga.cookies["sessionid"].value, "url": address}])
    page.get_by_role("button", name="Reject", exact=True).click()
    dialog = page.get_by_role("dialog", name="Somebody else is signed in here")
    expect(dialog).to_contain_text("local:olga")
    assert Intervention.across_organizations.get(request_id=request_id).status == "PENDING"
    expect(page.get_by_label("Reason")).to_have_value("Half a reason")
    assert findings(page) == []
    dialog.get_by_role("button", name="Reload").click()
    seat.wait_until_live()
    expect(page.locator(".account")).to_contain_text("Olga")


def test_whoever_is_no_longer_a_member_is_told_so_at_the_next_renewal(console: Seat, world: World) -> None:
    seat = console("otto")
    seat.page.clock.install()
    page = at_work(seat)
    world.memberships["otto"].delete()
    page.clock.fast_forward("15:00")
    dialog = page.get_by_role("dialog", name="You are no longer in this organization")
    expect(dialog).to_be_visible()
    assert findings(page) == []


def test_a_second_factor_that_is_asked_for_from_now_on_is_set_up_without_losing_the_page(
    console: Seat, raise_request: Raise, world: World
) -> None:
    page = typing(console("otto"), raise_request())
    actions.change_settings(world.acme, {second_factor.REQUIRED_ROLES: ["OPERATOR"]})
    page.get_by_role("button", name="Reject", exact=True).click()
    dialog = page.get_by_role("dialog", name="A second factor is needed")
    expect(dialog.get_by_role("link", name="Set one up")).to_be_focused()
    assert findings(page) == []
    totp.TOTP.activate(world.memberships["otto"].pilot, totp.generate_totp_secret())
    # The pilot comes back from the other window.
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Reject", exact=True).click()
    expect(page.locator("#decision")).to_contain_text("Rejected")


def test_a_stolen_cookie_used_again_puts_out_the_page_too(console: Seat, world: World) -> None:
    page = at_work(console("otto"))
    stolen = next(cookie["value"] for cookie in page.context.cookies() if cookie["name"] == REFRESH_COOKIE)
    newer = tokens.rotate(stolen)
    tokens.rotate(newer.refresh)
    with pytest.raises(tokens.NotAuthenticated):
        tokens.rotate(stolen)
    expect(dialog_of(page)).to_be_visible()
    assert not RefreshFamily.across_organizations.filter(revoked_at=None).exists()


def test_tabs_of_one_organization_share_one_token(console: Seat) -> None:
    first = at_work(console("otto"))
    second = first.context.new_page()
    paths = asked(second)
    second.goto(first.url)
    second.wait_for_selector("#connection[data-state=live]")
    second.wait_for_timeout(1500)
    assert paths == []
    stored = "() => JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
    assert "eyJ" not in second.evaluate(stored)


def test_tabs_of_two_organizations_each_keep_their_own(console: Seat, world: World) -> None:
    Membership.objects.create(organization=world.globex, pilot=world.memberships["otto"].pilot, role="VIEWER")
    seat = console("otto")
    seat.page.clock.install()
    acme = at_work(seat)
    globex = seat.page.context.new_page()
    with globex.expect_response("**/api/token") as got:
        globex.goto(f"{seat.address}/o/globex/")
    assert got.value.json()["organization"] == "globex"
    for _ in range(2):
        with acme.expect_response(lambda answer: "/api/token" in answer.url and answer.ok) as renewed:
            acme.clock.fast_forward("15:00")
        assert renewed.value.json()["organization"] == "acme"
    expect(dialog_of(acme)).to_be_hidden()
    expect(dialog_of(globex)).to_be_hidden()
    assert RefreshFamily.across_organizations.filter(revoked_at=None).count() == 2


def test_no_network_is_no_end_of_the_sign_in(console: Seat) -> None:
    seat = console("otto")
    seat.page.clock.install()
    page = at_work(seat)
    seat.cut()
    with page.expect_event("requestfailed", lambda request: "/api/token" in request.url):
        page.clock.fast_forward("15:00")
    expect(dialog_of(page)).to_be_hidden()
    with page.expect_response(lambda answer: "/api/token" in answer.url and answer.ok):
        seat.mend()
    seat.wait_until_live()


def test_a_page_just_opened_asks_for_nothing_it_cannot_get(console: Seat) -> None:
    """A refused request would stand in the browser's console for everybody who signs in."""
    seat = console("otto")
    paths = asked(seat.page)
    at_work(seat)
    assert paths == ["token"]
    at_work(seat)
    assert paths == ["token", "token/refresh"]


@pytest.mark.parametrize("viewport", [None, PHONE], ids=["desk", "phone"])
def test_axe_finds_nothing_in_the_dialog(console: Seat, world: World, viewport: dict[str, Any] | None) -> None:
    seat = console("otto", **({"viewport": viewport} if viewport else {}))
    page = at_work(seat)
    put_out(world, "otto")
    expect(dialog_of(page).get_by_label("Password")).to_be_focused()
    assert in_both_schemes(page) == []
    dialog_of(page).get_by_label("Password").fill("wrong one")
    page.keyboard.press("Enter")
    expect(dialog_of(page).get_by_role("alert")).to_be_visible()
    assert in_both_schemes(page) == []
