"""How the console is noticed, and how it is kept calm: pause, title and icon, sounds, desktop, countdowns, looks."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from conftest import World
from interventions import actions
from tests.e2e.conftest import Console

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

type Seat = Callable[..., Console]
type Raise = Callable[..., str]


def test_a_paused_page_holds_what_comes_and_ends_equal_to_a_fresh_one(
    console: Seat, raise_request: Raise, world: World
) -> None:
    first, second = raise_request(title="The first"), raise_request(title="The second")
    otto = console("otto")
    otto.open()
    otto.wait_until_live()
    chip = otto.page.locator("#connection")
    otto.page.keyboard.press("Alt+l")
    expect(chip).to_have_attribute("data-state", "paused")
    before, title = otto.cards(), otto.page.title()

    raise_request(title="The grave one", priority="critical")
    actions.claim(world.pilot("olga"), first)
    actions.reject(world.pilot("olga"), first, reason="No.")
    expect(chip).to_contain_text("Paused, 3 waiting")
    assert (otto.cards(), otto.page.title()) == (before, title)
    otto.page.locator(f"#card-{second}").get_by_role("button", name="Claim").click()
    expect(otto.page.locator(f"#card-{second}")).to_contain_text("claimed by you")
    expect(chip).to_contain_text("Paused, 3 waiting")

    otto.page.get_by_role("button", name="Resume live updates").click()
    otto.wait_until_live()
    fresh = console("otto")
    fresh.open()
    fresh.wait_until_live()
    expect(otto.page.locator(".tombstone")).to_have_count(0)
    expect(otto.page.locator(".card")).to_have_count(2)
    assert otto.cards() == fresh.cards()
    assert otto.page.title() == fresh.page.title() == "(1!) Queue · Chameleon"


def test_a_paused_page_that_lost_its_line_asks_nothing_until_it_goes_on(
    console: Seat, raise_request: Raise
) -> None:
    otto = console("otto")
    otto.page.clock.install()
    otto.open()
    otto.wait_until_live()
    otto.page.get_by_role("button", name="Pause live updates").click()
    otto.deafen()
    expect(otto.page.locator("#connection")).to_contain_text("Paused, reconnecting")
    raise_request(title="Not yet")
    asked: list[str] = []
    otto.page.on("request", lambda request: asked.append(request.url) if "?tab=" in request.url else None)
    otto.page.clock.run_for(20_000)
    expect(otto.page.locator(".card")).to_have_count(0)
    assert asked == []
    otto.page.keyboard.press("Alt+l")
    expect(otto.page.locator(".card")).to_contain_text("Not yet")


def test_a_page_paused_for_long_fetches_what_it_could_not_hold(console: Seat, raise_request: Raise) -> None:
    otto = console("otto")
    source = "**/js/live*.js"
    otto.page.route(
        source,
        lambda route: route.fulfill(
            body=route.fetch().text().replace("MOST_HELD = 500", "MOST_HELD = 3"), content_type="text/javascript"
        ),
    )
    otto.open()
    otto.wait_until_live()
    otto.page.keyboard.press("Alt+l")
    ids = [raise_request(title=f"Number {number}") for number in range(6)]
    expect(otto.page.locator("#connection")).to_contain_text("Paused, over 3 waiting")
    otto.page.keyboard.press("Alt+l")
    expect(otto.page.locator(".card")).to_have_count(6)
    assert otto.cards()["normal"] == ids


def test_alt_l_pauses_from_a_field_and_letters_made_with_alt_are_typed(console: Seat, raise_request: Raise) -> None:
    otto = console("otto")
    otto.open(f"/o/acme/interventions/{raise_request()}")
    otto.wait_until_live()
    otto.page.locator("#note").focus()
    otto.page.keyboard.press("Alt+l")
    expect(otto.page.locator("#connection")).to_have_attribute("data-state", "paused")
    taken = """() => !document.activeElement.dispatchEvent(new KeyboardEvent("keydown",
        {key: "@", code: "KeyL", altKey: true, bubbles: true, cancelable: true}))"""
    assert otto.page.evaluate(taken) is False
    expect(otto.page.locator("#connection")).to_have_attribute("data-state", "paused")


def icon(seat: Console) -> str | None:
    return seat.page.locator("#favicon").get_attribute("href")


BADGE = """navigator.setAppBadge = async (count) => { window.badge = count; };
    navigator.clearAppBadge = async () => { window.badge = 0; };"""


@pytest.mark.parametrize("path", ["/o/acme/", "/o/acme/team"])
def test_title_icon_and_badge_tell_how_many_wait(console: Seat, raise_request: Raise, path: str) -> None:
    seat = console("ada")
    seat.page.add_init_script(BADGE)
    seat.open(path)
    name = seat.page.title()
    assert "icon." in (icon(seat) or "")
    raise_request()
    seat.open(path)
    assert seat.page.title() == f"(1) {name}"
    assert "icon-waiting." in (icon(seat) or "")
    assert seat.page.evaluate("window.badge") == 1


def test_title_and_icon_follow_on_a_page_without_the_list(
    console: Seat, raise_request: Raise, world: World
) -> None:
    shown = raise_request(title="Open here")
    otto = console("otto")
    otto.page.add_init_script(BADGE)
    otto.open(f"/o/acme/interventions/{shown}")
    otto.wait_until_live()
    grave = raise_request(priority="critical")
    expect(otto.page.locator("#favicon")).to_have_attribute("href", re.compile("icon-critical"))
    assert otto.page.title().startswith("(1!) ")
    assert otto.page.evaluate("window.badge") == 2
    for request_id in (grave, shown):
        actions.reject(world.pilot("olga"), request_id, reason="No.")
    expect(otto.page.locator("#favicon")).to_have_attribute("href", re.compile(r"icon\."))
    assert otto.page.evaluate("window.badge") == 0
