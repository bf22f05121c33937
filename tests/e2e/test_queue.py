"""The list as one works with it: narrowed, searched, left and found again, calm under a storm of news."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest
from playwright.sync_api import Page, expect

from conftest import World
from interventions import actions
from interventions.lanes import LANE_PAGE
from tests.e2e.conftest import PHONE, Console

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

type Seat = Callable[..., Console]
type Raise = Callable[..., str]

PER_SECOND = 20


def opened(seat: Console, path: str = "/o/acme/") -> Page:
    seat.open(path)
    seat.wait_until_live()
    return seat.page


def shown(seat: Console) -> list[str]:
    return [request_id for lane in seat.cards().values() for request_id in lane]


@contextmanager
def storm(agent: httpx.Client) -> Iterator[list[str]]:
    """Twenty requests a second of other people's, until the block ends."""
    told: list[str] = []
    is_over = threading.Event()

    def blow() -> None:
        begun = time.monotonic()
        while not is_over.is_set():
            fields = {"uow_id": "storm", "intervention_type": "resume", "title": f"Storm {len(told)}"}
            answer = agent.post("/interventions", json=fields)
            told.append(answer.json()["request_id"])
            is_over.wait(max(0.0, begun + len(told) / PER_SECOND - time.monotonic()))

    blowing = threading.Thread(target=blow)
    blowing.start()
    try:
        yield told
    finally:
        is_over.set()
        blowing.join()


def test_the_list_is_narrowed_and_stays_so_when_news_comes(console: Seat, raise_request: Raise, world: World) -> None:
    paid = raise_request(title="Pay Leeds", tags=["finance"], intervention_type="resume")
    raise_request(title="Read the log", priority="high")
    seat = console("otto")
    page = opened(seat)
    page.get_by_label("Tag").select_option("finance")
    expect(page.locator(".card")).to_have_count(1)
    assert page.url.endswith("/o/acme/?tag=finance")
    expect(page.get_by_label("Tag")).to_be_focused()
    page.locator("h1").click()
    also = raise_request(title="Pay Cork", tags=["finance"])
    raise_request(title="Not about money")
    expect(page.locator(f"#card-{also}")).to_be_visible()
    assert shown(seat) == [paid, also]
    page.get_by_role("link", name="high").click()
    expect(page.locator("#nothing")).to_contain_text("Nothing fits")
    assert page.url.endswith("?priority=high&tag=finance")
    expect(page.get_by_role("link", name="high")).to_have_attribute("aria-current", "true")
    page.get_by_role("link", name="Show all that wait").click()
    expect(page.locator(".card")).to_have_count(4)
    page.go_back()
    expect(page.locator("#nothing")).to_contain_text("Nothing fits")
    expect(page.get_by_label("Tag")).to_have_value("finance")
    page.reload()
    expect(page.get_by_label("Tag")).to_have_value("finance")
    expect(page.get_by_role("link", name="high")).to_have_attribute("aria-current", "true")


def test_searching_keeps_the_caret_and_finds_what_cards_do_not_show(console: Seat, raise_request: Raise) -> None:
    hit = raise_request(title="Which vendor?", description="The invoice of the greengrocer")
    raise_request(title="Another matter")
    seat = console("otto")
    page = opened(seat)
    page.keyboard.press("/")
    expect(page.get_by_label("Search the queue")).to_be_focused()
    page.keyboard.type("greengrocer invoice", delay=30)
    expect(page.locator(".card")).to_have_count(1)
    expect(page.get_by_label("Search the queue")).to_be_focused()
    expect(page.get_by_label("Search the queue")).to_have_value("greengrocer invoice")
    later = raise_request(title="Another one", description="Invoice: greengrocer, again")
    expect(page.locator(f"#card-{later}")).to_be_visible()
    # What stands on a card the browser finds by the same words: beginnings, and nothing inside one.
    raise_request(title="The degreengrocer and his invoice")
    tagged = raise_request(title="Invoices", tags=["Greengröcer"])
    expect(page.locator(f"#card-{tagged}")).to_be_visible()
    assert shown(seat) == [hit, later, tagged]
    # However many letters it took, one step back undoes the search.
    page.go_back()
    expect(page.locator(".card")).to_have_count(5)
    expect(page.get_by_label("Search the queue")).to_have_value("")


def test_of_two_answers_only_the_newer_is_shown(console: Seat, raise_request: Raise) -> None:
    raise_request(title="Resume it", intervention_type="resume")
    raise_request(title="Cancel it", intervention_type="cancel")
    seat = console("otto")
    page = opened(seat)
    held: list[object] = []
    page.route("**/o/acme/?type=resume", lambda route: held.append(route))
    page.get_by_label("Type").select_option("resume")
    page.wait_for_timeout(100)
    page.get_by_label("Type").select_option("cancel")
    expect(page.locator(".card")).to_have_count(1)
    expect(page.locator(".card")).to_contain_text("Cancel it")
    held[0].continue_()  # type: ignore[attr-defined]
    page.wait_for_load_state("networkidle")
    expect(page.locator(".card")).to_contain_text("Cancel it")
    assert page.url.endswith("?type=cancel")


def test_the_next_card_after_the_last_one_is_loaded(console: Seat, raise_request: Raise) -> None:
    ids = [raise_request(title=f"Number {n}") for n in range(LANE_PAGE + 2)]
    seat = console("otto")
    seat.open()
    seat.wait_until_live()
    seat.page.keyboard.press("k")
    seat.page.keyboard.press("j")
    expect(seat.page.locator(f"#card-{ids[LANE_PAGE]} .card-title a")).to_be_focused()


def test_a_lane_that_is_worked_off_goes_on_by_itself(console: Seat, raise_request: Raise, world: World) -> None:
    ids = [raise_request(title=f"Number {n}") for n in range(LANE_PAGE + 2)]
    seat = console("otto")
    seat.open()
    seat.wait_until_live()
    for request_id in ids[:LANE_PAGE]:
        actions.reject(world.pilot("olga"), request_id, reason="No")
    expect(seat.page.locator(".card")).to_have_count(2, timeout=15_000)
    expect(seat.page.locator(".more")).to_have_count(0)


def test_open_and_back_finds_the_list_as_it_was(console: Seat, raise_request: Raise) -> None:
    """Beside the list: rows, scroll and focus."""
    ids = [raise_request(title=f"Number {n}", tags=["x"]) for n in range(LANE_PAGE + 10)]
    seat = console("otto")
    page = opened(seat, "/o/acme/?tag=x")
    page.get_by_role("link", name="Load more").click()
    expect(page.locator(".card")).to_have_count(len(ids))
    chosen = ids[LANE_PAGE + 5]
    page.locator(f"#card-{chosen} .card-title a").click()
    expect(page.locator("#detail")).to_be_focused()
    top = page.evaluate("document.getElementById('lanes').scrollTop")
    assert top > 0
    page.go_back()
    expect(page.locator("#detail")).to_have_count(0)
    assert page.url.endswith("/o/acme/?tag=x")
    expect(page.locator(f"#card-{chosen} .card-title a")).to_be_focused()
    assert shown(seat) == ids
    assert page.evaluate("document.getElementById('lanes').scrollTop") == top


@pytest.mark.parametrize("viewport", [PHONE, {"width": 1000, "height": 700}], ids=["phone", "narrow"])
def test_open_on_its_page_and_back_finds_the_list_as_it_was(
    console: Seat, raise_request: Raise, viewport: dict[str, int]
) -> None:
    ids = [raise_request(title=f"Number {n}", tags=["x"]) for n in range(LANE_PAGE + 10)]
    seat = console("otto", viewport=viewport)
    page = opened(seat, "/o/acme/?tag=x")
    page.get_by_role("link", name="Load more").click()
    expect(page.locator(".card")).to_have_count(len(ids))
    chosen = ids[LANE_PAGE + 5]
    page.locator(f"#card-{chosen} .card-title a").click()
    page.wait_for_url(f"**/interventions/{chosen}?tag=x")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    page.go_back()
    expect(page.locator(".card")).to_have_count(len(ids))
    expect(page.locator(f"#card-{chosen} .card-title a")).to_be_focused()
    assert page.evaluate("scrollY") > 500
    assert shown(seat) == ids
    expect(page.get_by_label("Tag")).to_have_value("x")


def test_a_moment_is_told_in_full_where_a_pointer_rests_and_opens_its_card(console: Seat, raise_request: Raise) -> None:
    request_id = raise_request(title="When?")
    page = opened(console("otto"))
    moment = page.locator(f"#card-{request_id} time").last
    moment.hover()
    expect(moment).to_have_attribute("title", re.compile(r"\w+day, \d+ \w+ \d{4} at \d\d:\d\d:\d\d"))
    moment.click()
    expect(page.locator("#detail-title")).to_have_text("When?")


def test_from_a_request_the_way_leads_on_in_the_narrowed_list(console: Seat, raise_request: Raise) -> None:
    first = raise_request(title="First", tags=["x"])
    raise_request(title="Between")
    last = raise_request(title="Last", tags=["x"])
    seat = console("otto")
    page = opened(seat, "/o/acme/?tag=x")
    page.get_by_role("link", name="First").click()
    page.get_by_role("link", name="Next in the queue").click()
    expect(page.locator("#detail-title")).to_have_text("Last")
    assert page.url.endswith(f"/interventions/{last}?tag=x")
    expect(page.get_by_role("link", name="Next in the queue")).to_have_count(0)
    seat.open(f"/o/acme/interventions/{last}?tag=x")
    page.get_by_role("link", name="Previous in the queue").click()
    page.wait_for_url(f"**/interventions/{first}?tag=x")
    page.get_by_role("link", name="Queue", exact=True).first.click()


def test_the_narrowed_list_is_found_again_from_other_pages(console: Seat, raise_request: Raise) -> None:
    raise_request(tags=["x"])
    seat = console("ada")
    page = opened(seat, "/o/acme/?tab=unclaimed&tag=x")
    page.keyboard.press("g")
    page.keyboard.press("t")
    page.wait_for_url("**/o/acme/team")
    page.keyboard.press("g")
    page.keyboard.press("d")
    page.wait_for_url("**/o/acme/?tab=unclaimed&tag=x")


def test_nothing_moves_under_the_pilot_while_twenty_a_second_arrive(
    console: Seat, raise_request: Raise, agent: httpx.Client
) -> None:
    ids = [raise_request(title=f"Known {n}", priority="high") for n in range(3)]
    below = raise_request(title="Below", priority="low")
    seat = console("otto")
    page = opened(seat)
    page.locator(f"#card-{below} .card-title a").focus()
    before = page.locator(f"#card-{below}").bounding_box()
    with storm(agent) as told:
        expect(page.locator("#show-arrivals")).to_have_text(re.compile(r"[4-9]\d new"))
        assert page.locator(f"#card-{below}").bounding_box() == before
        expect(page.locator(f"#card-{below} .card-title a")).to_be_focused()
        page.keyboard.press("k")
        expect(page.locator(f"#card-{ids[2]} .card-title a")).to_be_focused()
    expect(page.locator("#arrivals-text")).to_have_text(f"{len(told)} new")
    page.keyboard.press(".")
    expect(page.locator("#arrivals")).to_be_hidden()
    assert seat.cards() == {"critical": [], "high": ids, "normal": told, "low": [below]}


def test_menu_caret_choice_and_reason_survive_twenty_pushes_a_second(
    console: Seat, raise_request: Raise, agent: httpx.Client
) -> None:
    request_id = raise_request(title="Under my hands")
    other = raise_request(title="To be picked")
    seat = console("otto")
    page = opened(seat)
    page.get_by_role("link", name="Under my hands").click()
    page.locator(f"#card-{other} .pick").check()
    page.get_by_text("Assign…").click()
    with storm(agent) as told:
        page.get_by_label("Put it into the queue of").focus()
        expect(page.locator("#arrivals-text")).to_have_text(re.compile(r"[2-9]\d new"))
        expect(page.locator("details:has(#assignee)")).to_have_attribute("open", "")
        expect(page.locator(f"#card-{other} .pick")).to_be_checked()
        page.locator("#detail").focus()
        page.keyboard.press("a")
        expect(page.get_by_label("Reason")).to_be_focused()
        page.keyboard.type("Half a sentence", delay=60)
        page.keyboard.press("ArrowLeft")
        count = len(told)
        while len(told) < count + PER_SECOND:
            page.wait_for_timeout(100)
        page.keyboard.type("!")
        expect(page.get_by_label("Reason")).to_be_focused()
        expect(page.get_by_label("Reason")).to_have_value("Half a sentenc!e")
        expect(page.locator(f"#card-{other} .pick")).to_be_checked()
    assert page.url.endswith(request_id)


def test_five_minutes_without_a_network_end_equal_to_a_fresh_page(
    console: Seat, raise_request: Raise, world: World
) -> None:
    kept, gone = raise_request(title="Kept"), raise_request(title="Gone")
    seat = console("otto")
    seat.page.clock.install()
    page = opened(seat)
    seat.cut()
    page.clock.run_for(10_000)
    expect(page.locator("#connection")).to_contain_text("Offline since")
    expect(page.locator(f"#card-{kept} .claim")).to_be_disabled()
    raise_request(title="Missed", priority="critical")
    actions.reject(world.pilot("ada"), gone, reason="No.")
    page.clock.run_for(290_000)
    expect(page.locator("#connection")).to_contain_text("Offline since")
    page.keyboard.press("a")
    page.evaluate("document.querySelector('#quick').requestSubmit(document.querySelector('.claim'))")
    seat.mend()
    page.clock.run_for(35_000)
    seat.wait_until_live()
    expect(page.locator(f"#card-{kept} .claim")).to_be_enabled()
    fresh = console("otto")
    fresh.open()
    assert seat.cards() == fresh.cards()
    assert len(shown(seat)) == 2
    assert actions.claim(world.pilot("olga"), kept).assigned_to == "local:olga"


def test_a_click_approves_where_no_word_is_needed_and_asks_once_more(
    console: Seat, raise_request: Raise, world: World
) -> None:
    plain = raise_request(title="Go on?", intervention_type="resume")
    asks = raise_request(
        title="Asks",
        response_schema={"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
    )
    grave = raise_request(title="Grave", intervention_type="waive_violation")
    seat = console("ada")
    page = opened(seat)
    for request_id in (asks, grave):
        expect(page.locator(f"#card-{request_id} .approve-now")).to_have_count(0)
    card = page.locator(f"#card-{plain}")
    card.hover()
    card.get_by_role("button", name="Approve").click()
    expect(card.locator(".approve-now")).to_have_text("Approve now")
    page.keyboard.press("Escape")
    expect(card.locator(".approve-now")).to_have_text("Approve")
    card.locator(".approve-now").click()
    # It changed meanwhile, and the page has not heard of it yet.
    page.route("**/o/acme/", lambda route: route.abort())
    seat.deafen()
    actions.assign(world.pilot("ada"), plain, pilot_id="local:otto")
    card.locator(".approve-now").click()
    expect(page.locator(".toast")).to_contain_text("changed since you looked")
    page.unroute("**/o/acme/")
    seat.mend()
    seat.wait_until_live()
    expect(card).to_contain_text("for otto")
    card.hover()
    card.locator(".approve-now").click()
    card.locator(".approve-now").click()
    expect(page.locator(".tombstone")).to_contain_text("Approved by you")
