"""On paper: what is asked and what became of it, black on white, whatever the screen looks like."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from conftest import World
from interventions import actions
from tests.e2e.conftest import Console
from tests.e2e.test_access import fill

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

type Seat = Callable[..., Console]
type Raise = Callable[..., str]

A4 = {"width": 720, "height": 1040}
PRESSED = """() => [...document.querySelectorAll("nav, button, .button, input, textarea, select, form, dialog")]
  .filter(each => each.checkVisibility()).map(each => each.outerHTML.slice(0, 80))"""
# Text that is not dark, and whatever is not white behind it.
COLOURED = """() => [...document.querySelectorAll("body *")].filter(each => each.checkVisibility()).filter(each => {
  const { color, backgroundColor } = getComputedStyle(each);
  const sum = text => text.match(/[\\d.]+/g).slice(0, 3).reduce((all, part) => all + Number(part), 0);
  const isClear = /, 0\\)$/.test(backgroundColor) || backgroundColor === "rgba(0, 0, 0, 0)";
  return sum(color) > 3 * 60 || !(isClear || sum(backgroundColor) === 3 * 255);
}).map(each => each.outerHTML.slice(0, 80))"""


def on_paper(page: Page) -> str:
    """What is to be read once it is printed."""
    page.set_viewport_size(A4)  # type: ignore[arg-type]
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(PRESSED) == []
    assert page.evaluate(COLOURED) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= A4["width"]
    text: str = page.evaluate("document.body.innerText")
    return text


def test_the_queue(console: Seat, raise_request: Raise, world: World) -> None:
    fill(raise_request, world)
    actions.claim(world.pilot("ada"), raise_request(title="Mine"))
    seat = console("ada", color_scheme="dark")
    seat.open()
    seat.wait_until_live()
    text = on_paper(seat.page)
    assert "claimed by local:ada" in re.sub(r"\s+", " ", text)
    for expected in ("Acme", "A critical matter", "A high matter", "A low matter", "Claimed", "needs admin"):
        assert expected in text
    assert " ago" not in text
    assert "Kill switch" not in text


def test_a_decided_request(console: Seat, raise_request: Raise, world: World) -> None:
    request_id = raise_request(title="Pay it?", description="To whom?", context={"deep": {"er": {"est": "the bottom"}}})
    actions.approve(world.pilot("olga"), request_id, reason="It is due.")
    seat = console("ada", color_scheme="dark")
    seat.open(f"/o/acme/interventions/{request_id}")
    seat.wait_until_live()
    seat.page.get_by_role("button", name="Collapse all").click()
    text = on_paper(seat.page)
    for expected in ("Pay it?", "To whom?", "the bottom", "Approved", "It is due.", "Timeline", "Asked"):
        assert expected in text
    assert " ago" not in text
    # A printer gets the same, and the page is itself again afterwards.
    assert seat.page.pdf().startswith(b"%PDF")
    seat.page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(seat.page.locator(".facts time")).to_contain_text("ago")


def test_a_request_beside_the_list_is_what_its_address_prints(
    console: Seat, raise_request: Raise, world: World
) -> None:
    request_id = fill(raise_request, world)
    seat = console("ada")
    seat.open()
    seat.wait_until_live()
    seat.page.locator(f"#card-{request_id} a").click()
    expect(seat.page.locator("#pane #detail-title")).to_be_visible()
    text = on_paper(seat.page)
    assert "What the agent asks" in text
    assert "A critical matter" not in text
