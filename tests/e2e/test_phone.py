"""The journey of a pilot with a phone in one hand: queue, request, reject with a reason, back."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Playwright, expect

from conftest import World, stored
from tests.e2e.conftest import Console

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

type Seat = Callable[..., Console]
type Raise = Callable[..., str]

DEVICES = ["iPhone 15", "Pixel 7"]
THUMB, APART = 48, 16
# By the screen as one sees it: what a keyboard or a bar of the browser covers does not count.
IN_SIGHT = """element => {
  const { top, bottom, left, right } = element.getBoundingClientRect();
  const { height, width } = visualViewport;
  const there = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
  return top >= 0 && left >= 0 && bottom <= height && right <= width && element.contains(there);
}"""
LONG = {
    "description": "A paragraph that fills the screen of a phone more than once.\n\n" * 30,
    "context": {f"fact {number}": "word " * 12 for number in range(40)},
    "tags": ["finance", "a tag of some length"],
}


@pytest.fixture(params=DEVICES)
def phone(request: Any, playwright: Playwright, console: Seat) -> Console:
    profile = dict(playwright.devices[request.param])
    # Chromium plays every device.
    del profile["default_browser_type"]
    return console("otto", **profile)


def test_a_request_is_rejected_with_the_thumb(phone: Console, raise_request: Raise, world: World) -> None:
    request_id = raise_request(title="Which vendor is it, of the three in the books?", **LONG)
    phone.open()
    phone.wait_until_live()
    fits(phone.page)
    phone.page.locator(f"#card-{request_id} .card-title a").tap()
    phone.page.wait_for_url(f"**/interventions/{request_id}*")
    phone.wait_until_live()
    fits(phone.page)
    reject, approve = (phone.page.locator(f".verdicts .{name}") for name in ("no", "ok"))
    are_for_thumbs(reject, approve)
    phone.page.mouse.wheel(0, 4000)
    are_for_thumbs(reject, approve)

    reject.tap()
    reason = phone.page.get_by_role("textbox", name="Reason")
    expect(reason).to_be_focused()
    commit = phone.page.get_by_role("button", name="Reject", exact=True)
    assert height(commit) >= THUMB
    for part in (reason, commit):
        assert part.evaluate(IN_SIGHT)
    # Nothing was decided by opening it, nor is it without a reason.
    commit.tap()
    expect(phone.page.locator("#reason-error")).to_be_visible()
    assert stored(request_id).status == "PENDING"
    fits(phone.page)
    reason.fill("Not ours.")
    assert commit.evaluate(IN_SIGHT)
    commit.tap()
    expect(phone.page.locator(".verdict.rejected")).to_contain_text("Not ours.")
    fits(phone.page)
    assert stored(request_id).action_reason == "Not ours."

    phone.page.locator("a.back").tap()
    phone.page.wait_for_url("**/o/acme/*")
    phone.wait_until_live()
    expect(phone.page.locator(".card")).to_have_count(0)
    fits(phone.page)


def test_what_is_half_typed_is_there_on_the_way_back(phone: Console, raise_request: Raise) -> None:
    first, second = raise_request(title="The first"), raise_request(title="The second")
    page, reason = phone.page, phone.page.locator("#reason")
    phone.open()
    reach(phone, first)
    page.locator(".verdicts .no").tap()
    reason.fill("Half a rea")
    page.get_by_label("Note for the record").fill("Half a note")
    leave(phone)
    reach(phone, second)
    expect(page.get_by_label("Note for the record")).to_have_value("")
    expect(reason).to_have_value("")
    leave(phone)
    reach(phone, first)
    expect(page.get_by_role("radio", name="Reject")).to_be_checked()
    expect(reason).to_have_value("Half a rea")
    expect(page.get_by_label("Note for the record")).to_have_value("Half a note")
    reason.fill("Half a reason")
    page.get_by_role("button", name="Reject", exact=True).tap()
    expect(page.locator(".verdict.rejected")).to_contain_text("Half a reason")
    # Nothing of it waits for whoever has this phone next.
    phone.open("/accounts/logout/")
    page.get_by_role("button", name="Sign out").tap()
    page.wait_for_url("**/accounts/login/**")
    expect(page.get_by_role("heading")).to_be_visible()
    assert page.evaluate("Object.keys(sessionStorage)") == []


def reach(phone: Console, request_id: str) -> None:
    phone.wait_until_live()
    phone.page.locator(f"#card-{request_id} .card-title a").tap()
    phone.page.wait_for_url(f"**/interventions/{request_id}*")
    phone.wait_until_live()


def leave(phone: Console) -> None:
    phone.page.locator("a.back").tap()
    phone.page.wait_for_url("**/o/acme/*")


def test_no_verb_on_a_card_is_hit_by_chance(phone: Console, raise_request: Raise) -> None:
    request_id = raise_request()
    phone.open()
    phone.wait_until_live()
    expect(phone.page.locator(f"#card-{request_id}")).to_be_visible()
    expect(phone.page.locator(".card-acts")).to_be_hidden()


def test_the_bar_at_the_bottom_leads_everywhere(phone: Console, raise_request: Raise) -> None:
    for number in range(12):
        raise_request(title=f"Number {number}")
    phone.open()
    phone.wait_until_live()
    for place in phone.page.locator(".side .place:visible, .side summary:visible").all():
        assert place.evaluate(IN_SIGHT)
        assert height(place) >= 44
    # The last card can be scrolled out from under it.
    last = phone.page.locator(".card").last
    last.scroll_into_view_if_needed()
    phone.page.mouse.wheel(0, 4000)
    expect(last.locator(".card-title")).to_be_in_viewport()
    assert last.locator(".card-title").evaluate(IN_SIGHT)


def are_for_thumbs(reject: Locator, approve: Locator) -> None:
    for verdict in (reject, approve):
        assert height(verdict) >= THUMB
        assert verdict.evaluate(IN_SIGHT)
    one, other = sorted((box(reject), box(approve)), key=lambda each: each["x"])
    assert other["x"] - (one["x"] + one["width"]) >= APART


def fits(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth && innerWidth === screen.width")


def height(element: Locator) -> float:
    return box(element)["height"]


def box(element: Locator) -> dict[str, float]:
    found = element.bounding_box()
    assert found is not None
    return dict(found)  # type: ignore[arg-type]
