"""Two pilots, one agent: what one does the other sees, and whoever was away catches up."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from playwright.sync_api import expect

from conftest import DRAFT, World
from interventions import actions
from interventions.content import draft_of
from tests.e2e.conftest import Console

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

type Seat = Callable[..., Console]
type Raise = Callable[..., str]


def test_a_request_appears_at_both_is_decided_by_one_and_the_agent_goes_on(
    console: Seat, raise_request: Raise, agent: httpx.Client
) -> None:
    otto, olga = console("otto"), console("olga")
    for seat in (otto, olga):
        seat.open()
        seat.wait_until_live()
    request_id = raise_request(title="Pay the invoice?", intervention_type="resume")
    for seat in (otto, olga):
        expect(seat.page.locator("#lane-normal .card")).to_contain_text("Pay the invoice?")

    with ThreadPoolExecutor(1) as elsewhere:
        waiting = elsewhere.submit(agent.get, f"/interventions/{request_id}/decision?wait=60")
        otto.page.get_by_role("link", name="Pay the invoice?").click()
        otto.page.get_by_role("radio", name="Approve").check()
        otto.page.locator("#reason").fill("It is due.")
        otto.page.keyboard.press("Control+Enter")
        expect(otto.page.locator("#decision")).to_contain_text("Approved")
        expect(olga.page.locator(".tombstone")).to_contain_text("Approved by otto")
        expect(olga.page.locator(".tombstone")).to_contain_text("It is due.")
        decision = waiting.result(timeout=30).json()
    assert (decision["status"], decision["action_reason"]) == ("APPROVED", "It is due.")
    expect(otto.page.locator("#timeline")).to_contain_text("Delivered")
    expect(olga.page.locator(".tombstone")).to_have_count(0)
    expect(olga.page.locator("#nothing")).to_contain_text("Nothing waiting")


def test_a_page_that_was_cut_off_ends_equal_to_a_fresh_one(console: Seat, raise_request: Raise, world: World) -> None:
    kept = [raise_request(title=f"Kept {number}") for number in range(3)]
    gone = [raise_request(title=f"Gone {number}") for number in range(3)]
    otto = console("otto")
    otto.open()
    otto.wait_until_live()
    otto.cut()
    expect(otto.page.locator("#connection")).to_have_attribute("data-state", "offline")
    assert otto.page.locator("[data-verb=claim]").first.is_disabled()

    for number in range(30):
        raise_request(title=f"Missed {number}", priority=["critical", "high", "normal", "low"][number % 4])
    for request_id in gone:
        actions.reject(world.pilot("ada"), request_id, reason="No.")
    actions.claim(world.pilot("olga"), kept[0])
    otto.mend()
    otto.wait_until_live()

    fresh = console("otto")
    fresh.open()
    expect(otto.page.locator(".card")).to_have_count(33)
    assert otto.cards() == fresh.cards()
    expect(otto.page.locator(f"#card-{kept[0]}")).to_contain_text("claimed by olga")
    figures = fresh.page.locator("#tiles b").all_inner_texts()
    expect(otto.page.locator("#tiles b")).to_have_text(figures)
    assert otto.page.locator("[data-count]").all_inner_texts() == fresh.page.locator("[data-count]").all_inner_texts()
    assert otto.page.locator("[data-verb=claim]").first.is_enabled()


def test_without_a_socket_the_page_asks_by_itself(console: Seat, raise_request: Raise) -> None:
    otto = console("otto")
    otto.open()
    otto.wait_until_live()
    otto.deafen()
    expect(otto.page.locator("#connection")).to_have_attribute("data-state", "reconnecting")
    raise_request(title="Heard without a socket")
    expect(otto.page.locator(".card")).to_contain_text("Heard without a socket")
    assert otto.page.locator("[data-verb=claim]").is_enabled()


def test_arrivals_wait_while_somebody_is_in_the_list(console: Seat, raise_request: Raise) -> None:
    first = raise_request(title="The first")
    otto = console("otto")
    otto.open()
    otto.wait_until_live()
    link = otto.page.locator(f"#card-{first} a")
    link.focus()
    raise_request(title="The second")
    raise_request(title="The grave one", priority="critical")
    expect(otto.page.locator("#show-arrivals")).to_contain_text("2 new, 1 critical")
    assert otto.cards()["normal"] == [first]
    expect(link).to_be_focused()
    otto.page.locator("#show-arrivals").click()
    expect(otto.page.locator(".card")).to_have_count(3)
    expect(otto.page.locator("#arrivals")).to_be_hidden()


def test_focus_stays_where_somebody_elses_decision_found_it(console: Seat, raise_request: Raise, world: World) -> None:
    first, second = raise_request(title="The first"), raise_request(title="The second")
    otto = console("otto")
    otto.open()
    otto.wait_until_live()
    otto.page.locator(f"#card-{first} a").focus()
    actions.claim(world.pilot("olga"), first)
    expect(otto.page.locator(f"#card-{first}")).to_contain_text("claimed by olga")
    expect(otto.page.locator(f"#card-{first} a")).to_be_focused()
    actions.reject(world.pilot("olga"), first, reason="No.")
    expect(otto.page.locator(f"#card-{first}.tombstone")).to_be_focused()
    assert otto.cards()["normal"] == [second]


def test_a_claim_from_the_card_shows_everywhere(console: Seat, raise_request: Raise) -> None:
    otto, olga = console("otto"), console("olga")
    for seat in (otto, olga):
        seat.open()
        seat.wait_until_live()
    request_id = raise_request(title="Mine now")
    otto.page.get_by_role("button", name="Claim Mine now").click()
    expect(otto.page.locator(f"#card-{request_id}")).to_contain_text("claimed by you")
    expect(olga.page.locator(f"#card-{request_id}")).to_contain_text("claimed by otto")
    expect(otto.page.locator("#mine-count")).to_have_text("1")
    expect(olga.page.locator("#unclaimed-count")).to_have_text("0")
    expect(olga.page.locator("[data-verb=claim]")).to_have_count(0)


def test_the_time_that_runs_out_takes_the_verbs_away(console: Seat, raise_request: Raise) -> None:
    request_id = raise_request(title="Quick", expires_in_seconds=3)
    otto = console("otto")
    otto.open(f"/o/acme/interventions/{request_id}")
    expect(otto.page.locator("#decide")).to_be_visible()
    expect(otto.page.locator("#decision")).to_contain_text("Expired undecided")
    expect(otto.page.locator("#decide")).to_have_count(0)


def test_another_organizations_news_stays_there(console: Seat, raise_request: Raise, world: World) -> None:
    gina = console("gina")
    gina.open("/o/globex/")
    gina.wait_until_live()
    raise_request(title="Acme's secret")
    mine = actions.create(world.key("globex-agent"), draft_of(DRAFT)).row.request_id
    expect(gina.page.locator(f"#card-{mine}")).to_be_visible()
    assert "secret" not in gina.page.content()


def test_a_line_that_went_dead_without_a_word_is_noticed(console: Seat, raise_request: Raise) -> None:
    otto = console("otto")
    otto.page.clock.install()
    otto.open()
    otto.wait_until_live()
    otto.sockets[0].on_message(lambda _: None)
    raise_request(title="After the silence")
    otto.page.clock.run_for(40_000)
    otto.wait_until_live()
    assert len(otto.sockets) == 2
    expect(otto.page.locator(".card")).to_contain_text("After the silence")


def test_signing_out_in_one_tab_is_told_in_the_other(console: Seat, raise_request: Raise, password: str) -> None:
    raise_request()
    otto = console("otto")
    otto.open()
    otto.wait_until_live()
    other = otto.page.context.new_page()
    other.goto(otto.address + "/accounts/logout/")
    other.get_by_role("button", name="Sign out").click()
    expect(otto.page.locator("#connection")).to_have_attribute("data-state", "ended")
    dialog = otto.page.get_by_role("dialog", name="Sign in to go on")
    expect(dialog).to_contain_text("Your session has ended")
    assert otto.page.locator("[data-verb=claim]").is_disabled()
    other.get_by_label("Name").fill("otto")
    other.get_by_label("Password").fill(password)
    other.get_by_role("button", name="Sign in").click()
    other.wait_for_url("**/o/acme/")
    expect(dialog).to_be_hidden()
    otto.wait_until_live()
    otto.page.locator("[data-verb=claim]").click()
    expect(otto.page.locator(".card")).to_contain_text("claimed by you")


def test_whoever_is_taken_out_of_the_organization_sees_no_more_of_it(
    console: Seat, raise_request: Raise, world: World
) -> None:
    otto = console("otto")
    otto.open()
    otto.wait_until_live()
    world.memberships["otto"].delete()
    expect(otto.page.locator("#connection")).to_contain_text("No access")
    raise_request(title="Not for Otto")
    otto.page.wait_for_timeout(1000)
    expect(otto.page.locator(".card")).to_have_count(0)
