"""An admin lets somebody in, in a browser: the page, the link, the invited one's first step."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from conftest import World
from pilots import actions, invitations
from pilots.models import Pilot
from pilots.roles import Role
from tests.e2e.conftest import PHONE, Console
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
    for path in ("", "/keys", "/settings", "/log", "/members/local:otto/remove", "?q=nobody"):
        seat.open(f"/o/acme/team{path}")
        assert in_both_schemes(seat.page) == [], path
        wide = seat.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path
