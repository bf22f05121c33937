"""Ten thousand open requests: the queue opens, counts right, shows the first of a lane, and stays alive."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from conftest import World
from interventions import actions
from interventions.lanes import LANE_PAGE
from tests.crowd import crowd
from tests.e2e.conftest import PHONE, Console

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

type Seat = Callable[..., Console]
type Raise = Callable[..., str]

MANY = 10_000
LANES = ("critical", "high", "normal", "low")
WRITTEN = re.compile("^10,?000$")


def test_a_queue_of_ten_thousand(console: Seat, world: World, raise_request: Raise) -> None:
    crowd(world.key(), MANY)
    seat = console("ada")
    seat.open()
    seat.wait_until_live()
    assert {lane: len(cards) for lane, cards in seat.cards().items()} == dict.fromkeys(LANES, LANE_PAGE)
    for lane in LANES:
        expect(seat.page.locator(f"#lane-{lane} .waiting")).to_contain_text(f"{MANY // len(LANES):,} waiting")
    expect(seat.page.locator("#waiting")).to_have_text(WRITTEN)
    expect(seat.page.locator("#unclaimed-count")).to_have_text(WRITTEN)
    shown = seat.page.evaluate(
        "[document.documentElement.scrollWidth, document.querySelector('.lanes').clientWidth > 400]"
    )
    assert shown == [1440, True]

    # The lane goes on where it ended.
    first = seat.cards()["critical"]
    seat.page.locator("#more-critical").get_by_role("link").click()
    expect(seat.page.locator("#lane-critical .card")).to_have_count(2 * LANE_PAGE)
    cards = seat.cards()["critical"]
    assert (cards[:LANE_PAGE], len(set(cards))) == (first, 2 * LANE_PAGE)
    expect(seat.page.locator("#more-critical")).to_be_visible()

    # Somebody decides what is shown: its tombstone stands and goes. The pointer leaves the list, or all would wait.
    seat.page.mouse.move(2, 2)
    seat.page.locator("h1").click()
    gone = cards[0]
    actions.reject(world.pilot("olga"), gone, reason="No.")
    expect(seat.page.locator(f"#card-{gone}.tombstone")).to_be_visible()
    expect(seat.page.locator("#waiting")).to_have_text(re.compile("^9,?999$"))
    expect(seat.page.locator(f"#card-{gone}")).to_have_count(0)

    # What is asked now stands at the end of its lane, far below what is loaded: it is counted, not shown.
    request_id = raise_request(title="The newest of all", priority="critical")
    expect(seat.page.locator("#waiting")).to_have_text(WRITTEN)
    expect(seat.page.locator("#lane-critical .waiting")).to_contain_text(f"{MANY // len(LANES):,} waiting")
    assert seat.page.locator(f"#card-{request_id}").count() == 0

    seat.page.set_viewport_size(PHONE)
    assert seat.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
