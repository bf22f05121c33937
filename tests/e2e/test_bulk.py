"""Many at once: selected by hand or key, asked once more, a result for each."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from conftest import World
from interventions import actions
from interventions.models import Intervention
from tests.e2e.conftest import Console
from tests.e2e.test_access import findings

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

type Seat = Callable[..., Console]
type Raise = Callable[..., str]


def status_of(request_id: str) -> str:
    return Intervention.across_organizations.get(request_id=request_id).status


def test_fifty_of_which_three_are_decided_already(console: Seat, raise_request: Raise, world: World) -> None:
    ids = [raise_request(title=f"Number {number}", intervention_type="resume") for number in range(50)]
    seat = console("otto")
    page = seat.page
    seat.open()
    seat.wait_until_live()
    page.get_by_role("link", name="Load more").click()
    expect(page.locator(".card")).to_have_count(50)
    page.locator(f"#card-{ids[0]} .pick").check()
    page.get_by_role("button", name="All shown").click()
    expect(page.locator("#bulk-count")).to_have_text("50 selected")
    page.get_by_role("button", name="Reject…").click()
    dialog = page.get_by_role("dialog", name="Reject 50 requests")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    for request_id in ids[:3]:
        actions.approve(world.pilot("olga"), request_id)
    page.keyboard.press("Control+Enter")
    expect(dialog.locator("#bulk-error")).to_be_visible()
    assert findings(page) == []
    page.keyboard.type("The batch was wrong")
    page.keyboard.press("Control+Enter")
    done = page.get_by_role("dialog", name="47 of 50 rejected")
    expect(done.locator("li")).to_have_count(50)
    expect(done.locator("[data-result=already_decided]")).to_have_count(3)
    expect(done.locator("[data-result=already_decided]").first).to_contain_text("Already approved by olga")
    assert findings(page) == []
    assert {status_of(request_id) for request_id in ids[3:]} == {"REJECTED"}
    assert {status_of(request_id) for request_id in ids[:3]} == {"APPROVED"}
    page.keyboard.press("Enter")
    expect(done).to_be_hidden()
    expect(page.locator("body")).not_to_have_attribute("data-selecting", "")
    expect(page.locator("#nothing")).to_contain_text("Nothing waiting")


def test_critical_ones_are_left_out_of_an_approval(console: Seat, raise_request: Raise) -> None:
    grave, plain = raise_request(title="Grave", priority="critical"), raise_request(title="Plain")
    seat = console("otto")
    page = seat.page
    seat.open()
    seat.wait_until_live()
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("#bulk-count")).to_have_text("2 selected")
    page.locator("#bulk").get_by_role("button", name="Approve…").click()
    expect(page.locator("#dialog .apart")).to_contain_text("Grave")
    page.get_by_role("button", name="Approve 1").click()
    expect(page.locator("#dialog [data-result=one_by_one]")).to_contain_text("one by one")
    assert (status_of(grave), status_of(plain)) == ("PENDING", "APPROVED")
    page.keyboard.press("Escape")
    expect(page.locator("#bulk-count")).to_have_text("1 selected")


def test_claims_need_no_dialog_and_shift_selects_between(console: Seat, raise_request: Raise) -> None:
    ids = [raise_request(title=f"Number {number}") for number in range(5)]
    seat = console("otto")
    page = seat.page
    seat.open()
    seat.wait_until_live()
    page.locator(f"#card-{ids[1]} .pick").click()
    page.locator(f"#card-{ids[3]} .pick").click(modifiers=["Shift"])
    expect(page.locator("#bulk-count")).to_have_text("3 selected")
    page.locator("#bulk").get_by_role("button", name="Claim").click()
    expect(page.locator(".toast")).to_have_text("3 of 3 claimed")
    expect(page.locator(".card[data-mine]")).to_have_count(3)
    assert Intervention.across_organizations.get(request_id=ids[0]).assigned_to is None


def test_what_is_selected_is_counted_no_more_once_somebody_decides_it(
    console: Seat, raise_request: Raise, world: World
) -> None:
    ids = [raise_request(title=f"Number {number}") for number in range(2)]
    seat = console("otto")
    seat.open()
    seat.wait_until_live()
    for request_id in ids:
        seat.page.locator(f"#card-{request_id} .pick").check()
    actions.claim(world.pilot("olga"), ids[0])
    expect(seat.page.locator(f"#card-{ids[0]}")).to_contain_text("claimed by olga")
    expect(seat.page.locator(f"#card-{ids[0]} .pick")).to_be_checked()
    actions.reject(world.pilot("olga"), ids[0], reason="No.")
    expect(seat.page.locator("#bulk-count")).to_have_text("1 selected")


def test_without_script_it_works_page_by_page(console: Seat, raise_request: Raise) -> None:
    ids = [raise_request(title=f"Number {number}") for number in range(2)]
    seat = console("otto", java_script_enabled=False)
    page = seat.page
    seat.open()
    for request_id in ids:
        page.locator(f"#card-{request_id} .pick").check()
    page.locator("#bulk").get_by_role("button", name="Reject…").click()
    page.get_by_label("Reason").fill("No.")
    page.get_by_role("button", name="Reject 2").click()
    expect(page.get_by_role("heading", name="2 of 2 rejected")).to_be_visible()
    assert {status_of(request_id) for request_id in ids} == {"REJECTED"}
    page.get_by_role("link", name="Done").click()
    expect(page.locator("#nothing")).to_contain_text("Nothing waiting")


def test_viewers_have_nothing_to_select(console: Seat, raise_request: Raise) -> None:
    raise_request()
    seat = console("vera")
    seat.open()
    seat.wait_until_live()
    expect(seat.page.locator(".pick")).to_be_hidden()
