"""An admin lets somebody in, in a browser: the page, the link, the invited one's first step."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from conftest import World
from interventions import actions as requests
from pilots import actions, invitations
from pilots.models import Pilot
from pilots.roles import Role
from pilots.sign_in import sessions
from tests.e2e.conftest import DESK, PHONE, Console
from tests.e2e.test_access import TINY, findings, in_both_schemes

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

type Seat = Callable[..., Console]


def test_somebody_is_invited_comes_in_and_is_shown_out(console: Seat, world: World) -> None:
    admin = console("ada", permissions=["clipboard-read", "clipboard-write"])
    admin.open()
    admin.page.get_by_role("link", name="Team").click()
    admin.page.get_by_label("Role", exact=True).select_option("VIEWER")
    admin.page.get_by_role("button", name="Make an invitation").click()
    admin.page.get_by_role("button", name="Copy").click()
    expect(admin.page.get_by_role("button", name="Copied")).to_be_visible()
    link = admin.page.locator("#invitation-link").inner_text()
    assert admin.page.evaluate("navigator.clipboard.readText()") == link

    # Nina is in no organization yet.
    world.memberships["nina"] = world.memberships["gina"].__class__(
        organization=world.globex, pilot=Pilot.objects.create_user("local:nina", name="Nina"), role="VIEWER"
    )
    guest = console("nina", viewport=PHONE)
    guest.page.goto(link)
    expect(guest.page.get_by_role("heading", name="Join Acme")).to_be_visible()
    assert findings(guest.page) == []
    guest.page.get_by_role("button", name="Join as viewer").click()
    guest.wait_until_live()

    admin.open("/o/acme/team")
    admin.page.get_by_role("link", name="Remove Nina").click()
    admin.page.get_by_role("button", name="Remove").click()
    expect(admin.page.get_by_text("Nina is out of Acme.")).to_be_visible()
    # Her open page notices by itself.
    expect(guest.page.locator("#connection")).not_to_have_attribute("data-state", "live")


@pytest.mark.parametrize("viewport", [None, TINY], ids=["desk", "tiny"])
def test_axe_finds_nothing_on_the_pages_of_the_team(
    console: Seat, world: World, viewport: dict[str, int] | None
) -> None:
    for number in range(60):
        actions.create_pilot(f"local:{'w' * 40}{number}", world.acme, Role.VIEWER, name="W" * 60)
    invitations.invite(world.acme, Role.OPERATOR, email=f"{'x' * 60}@acme.test")
    size = {"viewport": viewport} if viewport else {}
    seat = console("ada", **size)
    paths = ["", "/keys", "/settings", "/log", "/log?type=nonsense&since=x", "/log?who=nobody", "?q=nobody"]
    paths += [f"/members/local:otto/{way}" for way in ("remove", "deactivate", "reactivate")]
    for path in [*paths, "/members/local:ada/deactivate"]:
        seat.open(f"/o/acme/team{path}")
        assert in_both_schemes(seat.page) == [], path
        wide = seat.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path


def test_a_member_is_deactivated_and_others_see_what_they_held(
    console: Seat, raise_request: Callable[..., str], world: World
) -> None:
    request_id = raise_request()
    requests.claim(world.pilot("otto"), request_id)
    otto, olga = console("otto", viewport=PHONE), console("olga")
    otto.open(f"/o/acme/interventions/{request_id}")
    olga.open()
    for seat in (otto, olga):
        seat.wait_until_live()
    card = olga.page.locator(f"[data-request-id='{request_id}']")
    expect(card).to_contain_text("otto")
    admin = console("ada")
    admin.open("/o/acme/team")
    admin.page.get_by_role("link", name="Deactivate Otto").click()
    expect(admin.page.get_by_text("1 claimed or assigned request goes back to everybody")).to_be_visible()
    admin.page.get_by_role("button", name="Deactivate").click()
    expect(admin.page.get_by_text("1 request goes back to everybody")).to_be_visible()
    expect(card).not_to_contain_text("otto")
    expect(otto.page.locator("#connection")).not_to_have_attribute("data-state", "live", timeout=5000)


def test_both_logs_are_verified_on_the_page(console: Seat, raise_request: Callable[..., str]) -> None:
    for number in range(7):
        raise_request(title=f"Number {number}")
    for viewport in (DESK, PHONE):
        seat = console("ada", viewport=viewport)
        seat.open("/o/acme/team/log")
        for chain, said in (("access", "verified"), ("record", "All 7 entries verified.")):
            seat.page.locator(f"#chain-{chain}").get_by_role("button").click()
            expect(seat.page.locator(f"#chain-{chain} .notice")).to_contain_text(said)
        assert in_both_schemes(seat.page) == []


@pytest.mark.parametrize(
    ("path", "field", "button", "viewport"),
    [
        ("team", "E-mail", "Make an invitation", PHONE),
        ("team/settings", "Name", "Save", DESK),
        ("team/keys", "Name", "Make the key", DESK),
    ],
)
def test_a_sign_in_that_has_ended_is_begun_anew_over_the_page(
    console: Seat, world: World, password: str, path: str, field: str, button: str, viewport: dict[str, int]
) -> None:
    """These pages have no socket that would tell them: they ask before they leave for the form's answer."""
    seat = console("ada", viewport=viewport)
    with seat.page.expect_response("**/api/token**"):
        seat.open(f"/o/acme/{path}")
    page = seat.page
    if path == "team/keys":
        page.get_by_text("New key…").click()
    typed = page.get_by_role("main").get_by_label(field)
    typed.fill("dana@acme.test")
    sessions.end_all_of(world.memberships["ada"].pilot)
    page.get_by_role("button", name=button).click()
    dialog = page.get_by_role("dialog", name="Sign in to go on")
    expect(dialog.get_by_label("Password")).to_be_focused()
    dialog.get_by_label("Password").fill(password)
    dialog.get_by_role("button", name="Sign in", exact=True).click()
    expect(dialog).to_be_hidden()
    expect(typed).to_have_value("dana@acme.test")
    page.get_by_role("button", name=button).click()
    said = {"team": "Invitation made", "team/settings": "Saved.", "team/keys": "Copy the key"}[path]
    expect(page.get_by_text(said).first).to_be_visible()
