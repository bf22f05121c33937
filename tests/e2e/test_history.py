"""The history in a browser: narrowed in place, found again by Back, exported; clean for axe; whole without script."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from conftest import DRAFT, World
from interventions import actions
from interventions.content import draft_of
from interventions.history import HISTORY_PAGE
from tests.e2e.conftest import PHONE, Console
from tests.e2e.test_access import TINY, in_both_schemes, unmarked

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

type Seat = Callable[..., Console]

HERE = "/o/acme/history"


@pytest.fixture
def past(world: World, ask: Any) -> None:
    otto, olga = world.pilot("otto"), world.pilot("olga")
    for number in range(HISTORY_PAGE + 10):
        request_id = ask(request_id=f"r{number}", title=f"Pay number {number}?", tags=["finance"]).request_id
        if number % 2:
            actions.claim(otto, request_id)
            actions.reject(otto, request_id, reason="Not ours; send it back to whoever wrote it.")
        else:
            actions.approve(olga, request_id)


@pytest.mark.parametrize("viewport", [None, PHONE], ids=["desk", "phone"])
def test_it_is_narrowed_left_and_found_again(
    console: Seat, world: World, past: None, viewport: dict[str, int] | None
) -> None:
    seat = console("otto", **({"viewport": viewport} if viewport else {}))
    page = seat.page
    seat.open()
    page.get_by_role("link", name="History").click()
    seat.wait_until_live()
    expect(page.locator("#found")).to_contain_text("60 decided")
    page.get_by_label("Outcome").focus()
    page.get_by_label("Outcome").select_option("rejected")
    expect(page.locator("#found")).to_contain_text("30 decided that fit")
    expect(page.get_by_label("Outcome")).to_be_focused()
    assert page.url.endswith(f"{HERE}?outcome=rejected")
    page.locator("#q").fill("r1")
    page.keyboard.press("Enter")
    expect(page.locator(".line")).to_have_count(6)

    line = page.locator(".line-title").nth(4)
    title = line.inner_text().partition(":")[2].strip()
    line.scroll_into_view_if_needed()
    line.click()
    expect(page.locator("#detail-title")).to_have_text(title)
    assert page.locator(".back").inner_text().strip() == "History"
    page.go_back()
    expect(page.locator(".line")).to_have_count(6)
    expect(page.locator(".line-title").nth(4)).to_be_focused()
    expect(page.locator(".line-title").nth(4)).to_be_in_viewport()
    page.go_back()
    expect(page.locator("#found")).to_contain_text("30 decided that fit")
    expect(page.locator("#q")).to_have_value("")
    page.locator("#clear").click()
    expect(page.locator("#found")).to_contain_text("60 decided")
    page.get_by_role("link", name="Older").click()
    expect(page.locator(".line")).to_have_count(10)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_days_that_cannot_be_meant_are_told_beside_them(console: Seat, world: World, past: None) -> None:
    seat = console("otto")
    seat.open(f"{HERE}?since=2026-03-04")
    seat.wait_until_live()
    seat.page.get_by_label("to", exact=True).fill("2026-03-01")
    expect(seat.page.locator(".problems")).to_contain_text("To: This day is before the first one.")
    expect(seat.page.locator("#until")).to_have_attribute("aria-describedby", "problem-until")
    assert in_both_schemes(seat.page) == []


def test_what_is_decided_meanwhile_waits_until_it_is_asked_for(console: Seat, world: World, past: None) -> None:
    seat = console("vera")
    seat.open(HERE)
    seat.wait_until_live()
    first = seat.page.locator(".line").first.get_attribute("data-request-id")
    fresh = actions.create(world.key(), draft_of(DRAFT)).row.request_id
    actions.reject(world.pilot("olga"), fresh, reason="No.")
    expect(seat.page.locator("#newer")).to_contain_text("1 newer decision")
    assert seat.page.locator(".line").first.get_attribute("data-request-id") == first
    seat.page.locator("#newer").click()
    expect(seat.page.locator(".line").first).to_have_attribute("data-request-id", fresh)


def test_a_file_of_all_that_fits_comes(console: Seat, world: World, past: None) -> None:
    seat = console("otto")
    seat.open(f"{HERE}?outcome=approved")
    for link, suffix in (("#export-csv", "csv"), ("#export-json", "json")):
        with seat.page.expect_download() as waited:
            seat.page.locator(link).click()
        assert waited.value.suggested_filename.endswith(f".{suffix}")
        text = Path(waited.value.path()).read_text("utf-8-sig")
        assert text.count("Pay number") == 30
    assert json.loads(text)["count"] == 30


def test_it_is_whole_without_script(console: Seat, world: World, past: None) -> None:
    seat = console("otto", java_script_enabled=False)
    seat.open(HERE)
    seat.page.get_by_label("Outcome").select_option("rejected")
    seat.page.get_by_role("button", name="Apply").click()
    assert seat.page.url.endswith(f"{HERE}?outcome=rejected")
    expect(seat.page.locator("#found")).to_contain_text("30 decided that fit")
    seat.page.locator(".line-title").first.click()
    seat.page.locator(".back").click()
    assert seat.page.url.endswith(f"{HERE}?outcome=rejected")


@pytest.mark.parametrize("viewport", [None, PHONE, TINY], ids=["desk", "phone", "tiny"])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    console: Seat, world: World, past: None, ask: Any, viewport: dict[str, int] | None
) -> None:
    hostile = {"title": "W" * 255, "uow_id": "w" * 255, "tags": ["x" * 50] * 3 + ["\u202ey"]}
    actions.reject(world.pilot("otto"), ask(**hostile).request_id, reason="W" * 2000)
    seat = console("ada", **({"viewport": viewport} if viewport else {}))
    for query in ("", "?q=nothing-of-the-kind", "?outcome=bomb", "?tag=finance&last=7d&outcome=approved"):
        seat.open(HERE + query)
        seat.wait_until_live()
        assert in_both_schemes(seat.page) == [], query
        wide = seat.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, query
    assert unmarked(seat.page, steps=30) == []
