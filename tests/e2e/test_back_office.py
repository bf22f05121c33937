"""A first admin, from the printed link to the back office: the strict policy on content blocks nothing there."""

import io
import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from playwright.sync_api import expect

from conftest import World
from interventions.models import Intervention
from pilots.models import Pilot
from tests.e2e.conftest import DESK, PHONE, Console
from tests.e2e.test_access import findings, of_colours

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

type Seat = Callable[..., Console]

# What axe finds in markup of Django's own, and why it stands.
KNOWN = {
    "label-title-only": "the label of the search is a picture that says so",
    "empty-table-header": "above the name and the deletion of each line of what belongs to a row",
}
# What is behind all of it, and what differs.
LOOKS = (("light", "rgb(245, 246, 243)", findings), ("dark", "rgb(14, 19, 17)", of_colours))


def printed_link(*options: str) -> str:
    out = io.StringIO()
    call_command("create_admin", "--link", *options, stdout=out, stderr=io.StringIO())
    return urlsplit(out.getvalue().strip()).path


def test_the_link_signs_in_by_its_button_and_once(world: World, console: Seat) -> None:
    path = printed_link("--org", "acme")
    seat = console(None)
    seat.open(path)
    assert findings(seat.page) == []
    seat.page.get_by_role("button", name="Sign in").click()
    expect(seat.page).to_have_url(f"{seat.address}/o/acme/")
    late = console(None)
    late.open(path)
    expect(late.page.get_by_role("heading")).to_have_text("This link has ended")
    assert findings(late.page) == []


def test_the_back_office_works_under_the_strict_policy(world: World, console: Seat) -> None:
    seat = console(None)
    seat.open(printed_link())
    seat.page.get_by_role("button", name="Sign in").click()
    expect(seat.page).to_have_url(f"{seat.address}/admin/")
    seat.page.goto(f"{seat.address}/admin/pilots/apikey/add/")
    # The chooser of organizations is script and style of Django's own.
    seat.page.locator(".select2-selection").click()
    seat.page.get_by_role("option", name="Acme").click()
    seat.page.get_by_label("Name").fill("crawler")
    seat.page.get_by_label("interventions:read").check()
    seat.page.get_by_role("button", name="Save", exact=True).click()
    expect(seat.page.get_by_role("main").get_by_role("code")).to_contain_text(re.compile(r"chm_\w+"))


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_it_is_part_of_the_product_in_light_and_dark(
    world: World, console: Seat, raise_request: Callable[..., str], viewport: dict[str, int]
) -> None:
    raise_request(title="W" * 200)
    Pilot.objects.filter(pilot_id="local:ada").update(is_staff=True)
    seat = console("ada", viewport=viewport)
    row = Intervention.across_organizations.get()
    member = world.memberships["otto"].pk
    paths = ["", "interventions/intervention/", f"interventions/intervention/{row.pk}/change/", "pilots/apikey/add/"]
    known = set()
    for path in [*paths, "pilots/membership/", f"pilots/membership/{member}/change/", "pilots/accessevent/"]:
        for scheme, ground, look in LOOKS:
            seat.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            seat.open(f"/admin/{path}")
            assert seat.page.evaluate("getComputedStyle(document.body).backgroundColor") == ground, path
            found = {finding: finding.partition(":")[0] for finding in look(seat.page)}
            assert [finding for finding, rule in found.items() if rule not in KNOWN] == [], (path, scheme)
            known |= set(found.values())
        wide = seat.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path
    # What is found no more is known no more.
    assert known == set(KNOWN)
    seat.page.get_by_role("link", name="To the console").click()
    expect(seat.page).to_have_url(f"{seat.address}/o/acme/")
