"""An admin makes a key, copies it, rotates and revokes it; with script and without, on a desk and on a phone."""

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Error, Page, expect

from conftest import World
from pilots import api_keys
from pilots.limits import Limits
from tests.e2e.conftest import PHONE, Console
from tests.e2e.test_access import in_both_schemes

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

type Seat = Callable[..., Console]

KEYS = "/o/acme/team/keys"


def status(address: str, key: str) -> int:
    return httpx.get(f"{address}/api/interventions", headers={"X-API-Key": key}).status_code


def make(page: Page, name: str) -> str:
    """Fills the form, and returns the key shown."""
    page.get_by_text("New key…").click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("Only units of work whose id begins with").fill("order-")
    page.get_by_label("cancel").check()
    page.get_by_role("button", name="Make the key").click()
    key: str = page.locator("#new-key-text").inner_text()
    return key


def test_a_key_is_made_copied_and_seen_no_more(console: Seat, address: str) -> None:
    seat = console("ada")
    page = seat.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    seat.open(KEYS)
    key = make(page, "crawler")
    expect(page.locator("#new-key")).to_be_focused()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == key
    assert api_keys.limits_of(api_keys.match(key)) == Limits("order-", frozenset({"cancel"}))
    assert status(address, key) == 200
    assert "chm_" not in page.url

    page.goto(f"{address}/o/acme/")
    # Nothing was kept of the answer: Chromium would have to send the form again, and asks first.
    with pytest.raises(Error, match="ERR_CACHE_MISS"):
        page.go_back()


def test_a_key_is_rotated_and_the_old_one_revoked(console: Seat, address: str, world: World) -> None:
    row, old = world.keys["agent"]
    seat = console("ada")
    page = seat.page
    seat.open(KEYS)
    page.get_by_text("Rotate agent").click()
    page.get_by_label("This key works").and_(page.locator(":visible")).select_option("for an hour more")
    page.get_by_role("button", name="Make the next key").and_(page.locator(":visible")).click()
    new = page.locator("#new-key-text").inner_text()
    assert (status(address, old), status(address, new)) == (200, 200)
    page.get_by_text(f"Revoke agent {row.key_id}").click()
    page.get_by_role("button", name="Revoke it now").and_(page.locator(":visible")).click()
    expect(page.get_by_role("status").filter(has_text="opens nothing any more")).to_be_visible()
    assert (status(address, old), status(address, new)) == (401, 200)


def test_it_works_without_script(chromium: Browser, address: str, world: World) -> None:
    context = chromium.new_context(java_script_enabled=False, viewport=PHONE)
    session = world.session("ada").cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": address}])
    page = context.new_page()
    page.goto(address + KEYS)
    key = make(page, "crawler")
    assert status(address, key) == 200
    # What cannot copy is not shown.
    expect(page.get_by_role("button", name="Copy")).to_be_hidden()
    page.get_by_text(f"Revoke crawler {key.split('_')[1]}").click()
    page.get_by_role("button", name="Revoke it now").and_(page.locator(":visible")).click()
    expect(page.get_by_text("opens nothing any more")).to_be_visible()
    assert status(address, key) == 401
    context.close()


@pytest.mark.parametrize("width", [1440, 390, 320])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(console: Seat, world: World, width: int) -> None:
    soon = timezone.now() + timedelta(days=2)
    every = list(api_keys.SCOPES[:3])
    limits = Limits("o" * 255, frozenset({"cancel", "kill_switch"}))
    api_keys.make(world.acme, "W" * 100, every, soon, limits=limits)
    api_keys.rotate(world.keys["agent"][0])
    api_keys.revoke(world.keys["reader"][0])
    seat = console("ada", viewport={"width": width, "height": 800})
    page = seat.page
    seat.open(KEYS)
    page.get_by_text("1 that ended").click()
    page.get_by_text("New key…").click()
    page.get_by_text("Rotate agent").click()
    assert in_both_schemes(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_label("Name").fill("agent")
    page.get_by_role("button", name="Make the key").click()
    expect(page.get_by_label("Name")).to_be_focused()
    assert in_both_schemes(page) == []
    page.get_by_label("Name").fill("another")
    page.get_by_role("button", name="Make the key").click()
    expect(page.locator("#new-key")).to_be_visible()
    assert in_both_schemes(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
