"""One pilot in front of one request: two steps, the answer form, and what is said when it goes another way."""

from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import APIResponse, Page, Route, expect

from conftest import World
from interventions import actions
from interventions.models import Intervention
from tests.e2e.conftest import PHONE, Console

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

type Seat = Callable[..., Console]
type Raise = Callable[..., str]

ANSWER = {
    "type": "object",
    "properties": {
        "vendor": {"type": "string", "enum": ["V-1", "V-2"], "enumNames": ["Leeds", "Cork"], "title": "Vendor"},
        "cost_center": {"type": "integer", "minimum": 1000, "title": "Cost center"},
        "remember": {"type": "boolean", "title": "Remember it"},
    },
    "required": ["vendor", "cost_center"],
}


def row_of(request_id: str) -> Intervention:
    return Intervention.across_organizations.get(request_id=request_id)


def choose(page: Page, verdict: str) -> None:
    page.get_by_role("radio", name=verdict).check()


def open_detail(seat: Console, request_id: str) -> Page:
    seat.open(f"/o/acme/interventions/{request_id}")
    seat.wait_until_live()
    return seat.page


def test_news_of_ones_own_decision_waits_for_its_answer(console: Seat, raise_request: Raise) -> None:
    """The socket may be quicker. Once the outcome stands there, the next key is for the page and not for a field."""
    page = open_detail(console("otto"), raise_request(title="Pay"))
    held_back: list[tuple[Route, APIResponse]] = []
    page.route("**/decide", lambda route: held_back.append((route, route.fetch())))
    choose(page, "Approve")
    page.locator("#reason").fill("Fine")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#timeline")).to_contain_text("Approved")
    page.wait_for_timeout(300)
    expect(page.locator("[data-final]")).to_have_count(0)
    [(route, answer)] = held_back
    route.fulfill(response=answer)
    expect(page.locator("[data-final]")).to_be_visible()
    expect(page.locator("#detail")).to_be_focused()


def test_signing_in_leads_where_one_wanted_to_go(console: Seat, raise_request: Raise, password: str) -> None:
    request_id = raise_request(title="Behind the door")
    seat = console(None)
    seat.open(f"/o/acme/interventions/{request_id}")
    seat.page.get_by_label("Name").fill("otto")
    seat.page.get_by_label("Password").fill("wrong password")
    seat.page.get_by_role("button", name="Sign in").click()
    expect(seat.page.get_by_role("alert")).to_be_visible()
    seat.page.get_by_label("Password").fill(password)
    seat.page.keyboard.press("Enter")
    expect(seat.page.get_by_role("heading", name="Behind the door")).to_be_visible()
    seat.page.locator(".account summary").click()
    seat.page.get_by_role("link", name="Sign out").click()
    seat.page.get_by_role("button", name="Sign out").click()
    expect(seat.page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_an_answer_is_asked_for_checked_and_sent(console: Seat, raise_request: Raise) -> None:
    request_id = raise_request(response_schema=ANSWER)
    page = open_detail(console("otto"), request_id)
    choose(page, "Approve")
    page.get_by_label("Cost center").fill("12")
    page.get_by_label("Reason").fill("The one in Cork.")
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.locator("#decide .error")).to_have_count(1)
    expect(page.get_by_label("Reason")).to_have_value("The one in Cork.")
    page.get_by_role("radio", name="Cork").check()
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.locator("#decide .error")).to_contain_text("1000")
    page.get_by_label("Cost center").fill("4200")
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.locator("#decision")).to_contain_text("Approved")
    row = row_of(request_id)
    assert row.response == {"vendor": "V-2", "cost_center": 4200, "remember": False}
    assert row.action_reason == "The one in Cork."


def test_no_single_key_decides(console: Seat, raise_request: Raise) -> None:
    request_id = raise_request()
    page = open_detail(console("otto"), request_id)
    page.get_by_role("radio", name="Reject").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("No")
    page.keyboard.press("Enter")
    page.keyboard.type("way")
    assert row_of(request_id).status == "PENDING"
    page.keyboard.press("Control+Enter")
    expect(page.locator("#decision")).to_contain_text("Rejected")
    assert row_of(request_id).action_reason == "No\nway"


def test_a_kill_switch_asks_for_the_word(console: Seat, raise_request: Raise) -> None:
    request_id = raise_request(intervention_type="kill_switch")
    page = open_detail(console("ada"), request_id)
    choose(page, "Approve stop")
    page.get_by_label("Reason").fill("It runs wild.")
    page.get_by_role("button", name="Approve stop", exact=True).click()
    expect(page.locator("#confirmation-error")).to_be_visible()
    assert row_of(request_id).status == "PENDING"
    page.get_by_label("to confirm").fill("stop")
    page.get_by_role("button", name="Approve stop", exact=True).click()
    expect(page.locator("#decision")).to_contain_text("Approved")


def test_whoever_is_late_learns_who_was_first_and_keeps_what_was_typed(
    console: Seat, raise_request: Raise, world: World
) -> None:
    request_id = raise_request()
    seat = console("otto")
    page = open_detail(seat, request_id)
    choose(page, "Reject")
    page.get_by_label("Reason").fill("My careful reason")
    seat.deafen()
    actions.approve(world.pilot("olga"), request_id, reason="Fine by me")
    page.get_by_role("button", name="Reject", exact=True).click()
    expect(page.locator("#decision")).to_contain_text("by olga")
    expect(page.locator("#decision")).to_contain_text("Fine by me")
    expect(page.get_by_label("What you typed")).to_have_value("My careful reason")
    assert row_of(request_id).status == "APPROVED"


def test_news_about_a_request_leaves_a_half_typed_reason_alone(
    console: Seat, raise_request: Raise, world: World
) -> None:
    request_id = raise_request()
    page = open_detail(console("otto"), request_id)
    choose(page, "Reject")
    page.get_by_label("Reason").fill("Half a rea")
    actions.comment(world.pilot("olga"), request_id, text="I am looking too")
    expect(page.locator("#timeline")).to_contain_text("I am looking too")
    actions.claim(world.pilot("olga"), request_id)
    expect(page.locator("#decision-notice")).to_contain_text("olga is on it")
    expect(page.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("son")
    expect(page.get_by_label("Reason")).to_have_value("Half a reason")
    actions.approve(world.pilot("olga"), request_id)
    expect(page.locator("#decision-notice")).to_contain_text("by olga")
    expect(page.get_by_label("What you typed")).to_have_value("Half a reason")
    expect(page.locator(".commit")).to_have_count(0)


def test_a_request_that_changed_is_shown_again_before_it_is_decided(
    console: Seat, raise_request: Raise, world: World
) -> None:
    request_id = raise_request()
    seat = console("otto")
    page = open_detail(seat, request_id)
    choose(page, "Reject")
    page.get_by_label("Reason").fill("Too late in the day")
    seat.deafen()
    actions.extend(world.pilot("olga"), request_id, expires_in_seconds=9000)
    page.get_by_role("button", name="Reject", exact=True).click()
    expect(page.locator("#decision-notice")).to_contain_text("changed while you decided")
    expect(page.get_by_label("Reason")).to_have_value("Too late in the day")
    page.get_by_role("button", name="Reject", exact=True).click()
    expect(page.locator("#decision")).to_contain_text("Rejected")


def test_two_approve_what_needs_two(console: Seat, raise_request: Raise) -> None:
    request_id = raise_request(approvals_required=2)
    otto, olga = open_detail(console("otto"), request_id), open_detail(console("olga"), request_id)
    choose(otto, "Approve")
    otto.get_by_role("button", name="Approve", exact=True).click()
    expect(otto.locator("#decision")).to_contain_text("You have approved")
    expect(olga.locator("#decision")).to_contain_text("1 of 2 approvals")
    choose(olga, "Approve")
    olga.get_by_role("button", name="Approve", exact=True).click()
    expect(otto.locator("#decision")).to_contain_text("by olga")


def test_another_pilots_claim_is_taken_over_on_record(console: Seat, raise_request: Raise, world: World) -> None:
    request_id = raise_request()
    actions.claim(world.pilot("olga"), request_id)
    page = open_detail(console("otto"), request_id)
    expect(page.locator("#decision")).to_contain_text("olga is on it")
    page.get_by_role("button", name="Take over").click()
    expect(page.get_by_role("button", name="Release")).to_be_visible()
    expect(page.locator("#timeline")).to_contain_text("Taken over by you from olga")
    page.get_by_role("button", name="Release").click()
    expect(page.get_by_role("button", name="Claim")).to_be_visible()


def test_a_viewer_reads_and_is_offered_nothing_to_do(console: Seat, raise_request: Raise) -> None:
    request_id = raise_request(title="Only to look at")
    seat = console("vera")
    seat.open()
    expect(seat.page.locator(f"#card-{request_id}")).to_be_visible()
    expect(seat.page.get_by_role("button", name="Claim")).to_have_count(0)
    page = open_detail(seat, request_id)
    expect(page.locator("#decision")).to_contain_text("deciding needs an operator")
    expect(page.locator("#decide")).to_have_count(0)


def test_the_kill_switch_in_the_header_stops_an_instance(
    console: Seat, agent: httpx.Client, raise_request: Raise
) -> None:
    seat = console("ada")
    seat.open()
    seat.page.get_by_role("link", name="Kill switch").click()
    seat.page.get_by_role("textbox", name="Instance").fill("crawler-7")
    seat.page.get_by_role("button", name="Stop it").click()
    expect(seat.page.locator("#stop-word-error")).to_be_visible()
    expect(seat.page.get_by_role("textbox", name="Instance")).to_have_value("crawler-7")
    # What is wrong first has the focus, and keeps it from then on.
    expect(seat.page.get_by_label("Reason")).to_be_focused()
    seat.page.get_by_label("Reason").fill("It loops.")
    seat.page.get_by_label("to confirm").fill("STOP")
    seat.page.get_by_role("button", name="Stop it").click()
    expect(seat.page.locator("#decision")).to_contain_text("Approved")
    stopped = agent.get("/interventions?uow_id=crawler-7").json()["results"]
    assert [(item["intervention_type"], item["status"]) for item in stopped] == [("kill_switch", "APPROVED")]


def test_beside_the_list_and_back_again(console: Seat, raise_request: Raise) -> None:
    first, second = raise_request(title="The first"), raise_request(title="The second")
    seat = console("otto")
    seat.open("/o/acme/?tab=unclaimed")
    seat.wait_until_live()
    seat.page.get_by_role("link", name="The first").click()
    expect(seat.page.locator("#pane h2")).to_have_text("The first")
    assert seat.page.url.endswith(f"/o/acme/interventions/{first}?tab=unclaimed")
    choose(seat.page, "Reject")
    seat.page.get_by_label("Reason").fill("A draft")
    seat.page.get_by_role("link", name="The second").click()
    expect(seat.page.locator("#pane h2")).to_have_text("The second")
    seat.page.go_back()
    expect(seat.page.locator("#pane h2")).to_have_text("The first")
    expect(seat.page.get_by_label("Reason")).to_have_value("A draft")
    seat.page.go_back()
    expect(seat.page.locator("#detail")).to_have_count(0)
    assert seat.cards()["normal"] == [first, second]


def test_a_session_that_ended_is_begun_anew_over_the_page_and_nothing_typed_is_lost(
    console: Seat, raise_request: Raise, password: str
) -> None:
    request_id = raise_request()
    seat = console("otto")
    page = open_detail(seat, request_id)
    choose(page, "Reject")
    page.get_by_label("Reason").fill("Typed before the end")
    page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Reject", exact=True).click()
    dialog = page.get_by_role("dialog", name="Sign in to go on")
    expect(dialog.get_by_label("Password")).to_be_focused()
    expect(dialog.get_by_label("Name")).to_have_value("otto")
    page.keyboard.type("wrong password")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("wrong")
    page.keyboard.type(password)
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="Reject", exact=True)).to_be_focused()
    expect(page.get_by_label("Reason")).to_have_value("Typed before the end")
    assert row_of(request_id).status == "PENDING"
    page.get_by_role("button", name="Reject", exact=True).click()
    expect(page.locator("#decision")).to_contain_text("Rejected")
    assert row_of(request_id).action_reason == "Typed before the end"


def test_on_a_phone_the_request_is_a_page_of_its_own(console: Seat, raise_request: Raise) -> None:
    request_id = raise_request(title="In the pocket")
    seat = console("otto", viewport=PHONE, has_touch=True, is_mobile=True)
    seat.open()
    seat.page.get_by_role("link", name="In the pocket").tap()
    seat.page.wait_for_url(f"**/interventions/{request_id}")
    choose(seat.page, "Approve")
    seat.page.get_by_role("button", name="Approve", exact=True).tap()
    expect(seat.page.locator("#decision")).to_contain_text("Approved")


def test_without_script_everything_can_be_done(console: Seat, raise_request: Raise) -> None:
    claimed, refused = raise_request(title="To claim"), raise_request(title="To refuse")
    seat = console("otto", java_script_enabled=False)
    seat.open()
    seat.page.locator(f"#card-{claimed}").get_by_role("button", name="Claim").click()
    expect(seat.page.get_by_role("button", name="Release")).to_be_visible()
    assert row_of(claimed).assigned_to == "local:otto"
    seat.open(f"/o/acme/interventions/{refused}")
    seat.page.get_by_role("radio", name="Reject").check()
    seat.page.get_by_role("button", name="Reject", exact=True).click()
    expect(seat.page.locator("#reason-error")).to_be_visible()
    seat.page.get_by_label("Reason").fill("No.")
    seat.page.get_by_role("button", name="Reject", exact=True).click()
    expect(seat.page.locator("#decision")).to_contain_text("Rejected")


def test_the_caret_stays_while_twenty_frames_a_second_arrive(
    console: Seat, raise_request: Raise, world: World, ask: Callable[..., Intervention]
) -> None:
    request_id = raise_request(title="Under my hands")
    seat = console("otto")
    seat.open()
    seat.wait_until_live()
    seat.page.get_by_role("link", name="Under my hands").click()
    choose(seat.page, "Reject")
    words = "Typed while the world goes on"
    for number, letter in enumerate(words):
        seat.page.keyboard.type(letter)
        actions.comment(world.pilot("olga"), request_id, text=f"Remark {number}")
        ask(title=f"Another {number}")
    expect(seat.page.locator(".entry.commented")).to_have_count(len(words))
    expect(seat.page.get_by_label("Reason")).to_be_focused()
    expect(seat.page.get_by_label("Reason")).to_have_value(words)


def test_the_whole_way_by_keyboard_alone(console: Seat, raise_request: Raise, password: str) -> None:
    request_id = raise_request(title="By keyboard")
    seat = console(None)
    page = seat.page
    seat.open()
    # A page takes its first field in hand once it is laid out, and a key pressed before goes nowhere.
    page.wait_for_function("document.activeElement.name === 'login'")
    page.keyboard.type("otto")
    page.keyboard.press("Tab")
    page.keyboard.type(password)
    page.keyboard.press("Enter")
    seat.wait_until_live()
    walk_to(page, "[data-verb=claim]")
    page.keyboard.press("Enter")
    expect(page.locator(f"#card-{request_id}")).to_contain_text("claimed by you")
    walk_to(page, f"#card-{request_id} a")
    page.keyboard.press("Enter")
    expect(page.locator("#detail")).to_be_focused()
    walk_to(page, "[name=verdict]")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Reject")).to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.type("Not this way")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#decision")).to_contain_text("Rejected")
    walk_to(page, ".account summary")
    page.keyboard.press("Enter")
    walk_to(page, "a[href='/accounts/logout/']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/accounts/logout/")
    walk_to(page, "form[action='/accounts/logout/'] button")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def walk_to(page: Page, selector: str) -> None:
    """Tab, as often as it takes; round the page once at most."""
    for _ in range(60):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"Tab does not lead to {selector}")
