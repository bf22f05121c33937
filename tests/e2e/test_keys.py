"""The console without a pointer: every key does what the sheet says, and none does it by accident."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from conftest import World
from interventions import actions
from interventions.models import Intervention
from tests.e2e.conftest import Console
from tests.e2e.test_access import findings

pytestmark = [pytest.mark.long, pytest.mark.browser, pytest.mark.django_db(transaction=True)]

type Seat = Callable[..., Console]
type Raise = Callable[..., str]


def row_of(request_id: str) -> Intervention:
    return Intervention.across_organizations.get(request_id=request_id)


def at_the_queue(seat: Console) -> Page:
    seat.open()
    seat.wait_until_live()
    return seat.page


def focused(page: Page) -> str:
    script = "document.activeElement.closest('.card')?.dataset.requestId ?? document.activeElement.id"
    found: str = page.evaluate(script)
    return found


def test_moving_opening_deciding_and_going_on(console: Seat, raise_request: Raise) -> None:
    ids = [raise_request(title=f"Number {number}") for number in range(3)]
    page = at_the_queue(console("otto"))
    page.keyboard.press("j")
    assert focused(page) == ids[0]
    page.keyboard.press("ArrowDown")
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert focused(page) == ids[1]
    page.keyboard.press("c")
    expect(page.locator(f"#card-{ids[1]}")).to_contain_text("claimed by you")
    page.keyboard.press("c")
    expect(page.locator(f"#card-{ids[1]}")).not_to_contain_text("claimed")
    page.keyboard.press("Enter")
    expect(page.locator("#detail")).to_be_focused()
    page.keyboard.press("]")
    expect(page.locator("#detail-title")).to_have_text("Number 2")
    page.keyboard.press("[")
    expect(page.locator("#detail-title")).to_have_text("Number 1")
    page.keyboard.press("r")
    expect(page.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("jnx?")
    page.keyboard.press("Escape")
    expect(page.locator("#detail")).to_be_focused()
    page.keyboard.press("r")
    expect(page.get_by_label("Reason")).to_have_value("jnx?")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#decision")).to_contain_text("Rejected")
    assert row_of(ids[1]).action_reason == "jnx?"
    page.keyboard.press("n")
    expect(page.locator("#detail-title")).to_have_text("Number 0")
    page.keyboard.press("u")
    expect(page.locator("#detail")).to_have_count(0)
    assert focused(page) == ids[0]
    page.keyboard.press("Shift+Enter")
    page.wait_for_url(f"**/interventions/{ids[0]}")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    page.keyboard.press("Escape")
    page.wait_for_url("**/o/acme/")


def test_approve_from_the_list_opens_what_is_meant(console: Seat, raise_request: Raise) -> None:
    first, second = raise_request(title="First"), raise_request(title="Second")
    page = at_the_queue(console("otto"))
    page.get_by_role("link", name="First").click()
    # Once it is open the focus is in it.
    expect(page.locator("#detail")).to_be_focused()
    page.locator(f"#card-{second} .card-title a").focus()
    page.keyboard.press("a")
    expect(page.locator("#detail-title")).to_have_text("Second")
    expect(page.get_by_label("Reason")).to_be_focused()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#decision")).to_contain_text("Approved")
    assert (row_of(first).status, row_of(second).status) == ("PENDING", "APPROVED")


def test_on_a_narrow_screen_a_verdict_is_begun_on_the_page(console: Seat, raise_request: Raise) -> None:
    request_id = raise_request()
    page = at_the_queue(console("otto", viewport={"width": 900, "height": 700}))
    page.keyboard.press("j")
    page.keyboard.press("r")
    page.wait_for_url(f"**/interventions/{request_id}")
    expect(page.get_by_label("Reason")).to_be_focused()
    assert row_of(request_id).status == "PENDING"


def test_next_unclaimed_passes_over_what_others_hold_or_one_may_not_decide(
    console: Seat, raise_request: Raise, world: World
) -> None:
    raise_request(title="For admins", priority="critical", required_role="ADMIN")
    held = raise_request(title="Held", priority="high")
    actions.claim(world.pilot("olga"), held)
    raise_request(title="Free")
    page = at_the_queue(console("otto"))
    page.keyboard.press("n")
    expect(page.locator("#detail-title")).to_have_text("Free")


def test_next_unclaimed_also_finds_what_waits_to_be_shown(console: Seat, raise_request: Raise) -> None:
    raise_request(title="Known")
    page = at_the_queue(console("otto"))
    page.keyboard.press("j")
    raise_request(title="Just in", priority="critical")
    expect(page.locator("#arrivals-text")).to_have_text("1 new, 1 critical")
    page.get_by_role("link", name="Next unclaimed").click()
    expect(page.locator("#detail-title")).to_have_text("Just in")
    page.keyboard.press("n")
    expect(page.locator("#detail-title")).to_have_text("Known")


def test_priorities_are_gone_through_by_a_key(console: Seat, raise_request: Raise) -> None:
    raise_request(priority="critical")
    page = at_the_queue(console("otto"))
    for query in ("?priority=critical", "?priority=high", "?priority=normal", "?priority=low", ""):
        page.keyboard.press("p")
        page.wait_for_url(f"**/o/acme/{query}")


def test_the_link_is_copied(console: Seat, raise_request: Raise) -> None:
    request_id = raise_request()
    seat = console("otto", permissions=["clipboard-read", "clipboard-write"])
    page = at_the_queue(seat)
    page.keyboard.press("j")
    page.keyboard.press("y")
    expect(page.locator(".toast")).to_have_text("Link copied")
    assert page.evaluate("navigator.clipboard.readText()") == f"{seat.address}/o/acme/interventions/{request_id}"


def test_the_sheet_lists_the_keys_and_letters_can_be_switched_off(console: Seat, raise_request: Raise) -> None:
    raise_request()
    page = at_the_queue(console("otto"))
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keys")
    expect(sheet).to_contain_text("Next unclaimed by urgency")
    assert findings(page) == []
    # Below an open sheet nothing happens.
    page.keyboard.press("j")
    sheet.get_by_role("checkbox", name="Single letters").uncheck()
    page.keyboard.press("Escape")
    page.reload()
    page.wait_for_selector("#connection[data-state=live]")
    page.keyboard.press("j")
    page.keyboard.press("?")
    expect(sheet).to_be_hidden()
    assert focused(page) == ""
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog", name="Commands")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Keys").click()
    sheet.get_by_role("checkbox", name="Single letters").check()
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("j")
    assert focused(page) != ""


def test_the_palette_finds_commands_and_requests(console: Seat, raise_request: Raise) -> None:
    raise_request(title="Pay Leeds")
    page = at_the_queue(console("otto"))
    page.keyboard.press("Control+k")
    palette = page.get_by_role("dialog", name="Commands")
    expect(palette.get_by_role("combobox")).to_be_focused()
    assert findings(page) == []
    page.keyboard.type("leeds")
    expect(palette.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("#detail-title")).to_have_text("Pay Leeds")
    expect(palette).to_be_hidden()
    page.keyboard.press("Control+k")
    page.keyboard.type("reject")
    expect(palette.get_by_role("option", selected=True)).to_contain_text("Reject…")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Reason")).to_be_focused()
    page.keyboard.press("Control+k")
    page.keyboard.type("no such thing")
    expect(page.get_by_text("Nothing by that name here.")).to_be_visible()
    page.keyboard.press("Enter")
    expect(palette).to_be_visible()


def test_letters_among_the_fields_of_a_decision_are_no_commands(console: Seat, raise_request: Raise) -> None:
    raise_request(title="First")
    raise_request(title="Second")
    page = at_the_queue(console("otto"))
    page.keyboard.press("n")
    expect(page.locator("#detail")).to_be_focused()
    page.keyboard.press("r")
    page.locator("[data-canned]:visible").first.focus()
    page.keyboard.type("nuacx]")
    expect(page.locator("#detail-title")).to_have_text("First")
    expect(page.get_by_role("radio", name="Reject")).to_be_checked()


def test_keys_of_the_browser_and_of_fields_are_left_alone(console: Seat, raise_request: Raise) -> None:
    request_id = raise_request()
    page = at_the_queue(console("otto"))
    page.keyboard.press("Control+a")
    page.keyboard.press("Control+c")
    page.get_by_label("Search the queue").focus()
    page.keyboard.type("xcarn?")
    expect(page.get_by_label("Search the queue")).to_have_value("xcarn?")
    assert row_of(request_id).version == 1


def test_a_hundred_mixed_requests_are_cleared_by_keys(console: Seat, raise_request: Raise) -> None:
    """At the speed of a hand: each key 80 ms after the last. How long it takes is bench/'s to say."""
    schema = {
        "type": "object",
        "properties": {"vendor": {"type": "string", "enum": ["Leeds", "Cork"]}},
        "required": ["vendor"],
    }
    for number in range(100):
        fields: dict[str, object] = {"title": f"Number {number}", "priority": ["low", "normal", "high"][number % 3]}
        if number % 10 == 0:
            fields |= {"response_schema": schema}
        elif number % 4 == 0:
            fields |= {"intervention_type": "resume"}
        raise_request(**fields)
    page = at_the_queue(console("otto"))
    for number in range(100):
        page.keyboard.press("n", delay=80)
        expect(page.locator("#detail:focus")).to_have_attribute("data-status", "PENDING")
        asks = page.locator("#decide .answer-fields").count() > 0
        if number % 2 and not asks:
            page.keyboard.press("r", delay=80)
            page.keyboard.type("No", delay=80)
        else:
            page.keyboard.press("a", delay=80)
            if asks:
                page.keyboard.press("Space", delay=80)
                page.keyboard.press("ArrowDown", delay=80)
                while focused(page) != "reason":
                    page.keyboard.press("Tab", delay=80)
            page.keyboard.type("Fine", delay=80)
        page.keyboard.press("Control+Enter", delay=80)
        expect(page.locator("#detail [data-final]")).to_be_visible()
    expect(page.locator("#waiting")).to_have_text("0")
    statuses = Intervention.across_organizations.values_list("status", flat=True)
    assert set(statuses) <= {"APPROVED", "REJECTED"}
    assert len(statuses) == 100
