"""What one request offers besides the decision: its context searched and copied, ready reasons, a preview, time."""

import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from conftest import World, stored
from interventions import actions
from pilots.actions import change_settings
from tests.e2e.conftest import PHONE, Console
from tests.e2e.test_access import TINY, findings, in_both_schemes

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

type Seat = Callable[..., Console]
type Raise = Callable[..., str]

CONTEXT = {
    "order": {"lines": [{"sku": "A-12"}, {"sku": "B-7", "note": "gift"}, {"sku": "C-9"}], "odd key\u202e": "x"},
    "from": "Mary\u200b",
    "trace": [*range(300)],
}


def open_detail(seat: Console, request_id: str) -> Page:
    seat.open(f"/o/acme/interventions/{request_id}")
    seat.wait_until_live()
    return seat.page


def choose(page: Page, verdict: str) -> None:
    page.get_by_role("radio", name=verdict).check()


def row(page: Page, key: str, at: int = 0) -> Any:
    return page.locator(".tree .pair").filter(has=page.locator(".key", has_text=key)).nth(at)


class TestContext:
    def test_a_word_is_found_in_keys_and_values_and_gone_through(self, console: Seat, raise_request: Raise) -> None:
        page = open_detail(console("otto"), raise_request(context=CONTEXT))
        find, hits = page.get_by_label("Find in the context"), page.locator("#context-hits")
        find.fill("SKU")
        expect(hits).to_have_text("1 of 3")
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")
        expect(hits).to_have_text("3 of 3")
        page.keyboard.press("Enter")
        page.keyboard.press("Shift+Enter")
        expect(hits).to_have_text("3 of 3")
        find.fill("gift")
        expect(hits).to_have_text("1 of 1")
        expect(page.locator("mark.current")).to_be_in_viewport()
        find.fill("no such word")
        expect(hits).to_have_text("none here; see Raw")
        find.fill("b-7")
        page.keyboard.press("Escape")
        expect(find).to_have_value("")
        expect(page.locator(".context mark")).to_have_count(0)
        expect(page.locator("#detail")).to_be_visible()

    def test_what_is_found_in_a_closed_list_or_the_raw_json_is_shown(self, console: Seat, raise_request: Raise) -> None:
        page = open_detail(console("otto"), raise_request(context=CONTEXT))
        expect(row(page, "150")).to_be_hidden()
        page.get_by_label("Find in the context").fill("150")
        expect(page.locator("#context-hits")).to_have_text("1 of 2")
        expect(page.locator("mark.current")).to_be_in_viewport()
        page.get_by_label("Find in the context").fill("299")
        expect(page.locator("#context-hits")).to_have_text("none here; see Raw")
        page.get_by_role("button", name="Raw").click()
        expect(page.locator("#context-hits")).to_have_text("1 of 1")
        expect(page.locator(".raw mark.current")).to_be_in_viewport()
        assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")

    def test_path_and_value_are_copied_by_keyboard(self, console: Seat, raise_request: Raise) -> None:
        seat = console("otto", permissions=["clipboard-read", "clipboard-write"])
        page = open_detail(seat, raise_request(context=CONTEXT))
        page.get_by_role("button", name="Raw").focus()
        page.keyboard.press("Tab")
        expect(row(page, "order")).to_be_focused()
        for _ in range(5):
            page.keyboard.press("ArrowDown")
        expect(row(page, "sku", 1)).to_be_focused()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_selector(".row-tools .done")
        assert page.evaluate("navigator.clipboard.readText()") == "order.lines[1].sku"
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_function("async () => await navigator.clipboard.readText() === 'B-7'")
        # One stop for the whole tree: the next Tab leaves it.
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('.tree')") is None

    def test_what_is_copied_is_what_the_agent_sent(self, console: Seat, raise_request: Raise) -> None:
        seat = console("otto", permissions=["clipboard-read", "clipboard-write"])
        page = open_detail(seat, raise_request(context=CONTEXT))
        copied = "async wanted => await navigator.clipboard.readText() === wanted"
        row(page, "from").hover()
        page.get_by_role("button", name="Copy value").click()
        page.wait_for_function(copied, arg="Mary\u200b")
        row(page, "odd key").hover()
        page.get_by_role("button", name="Copy path").click()
        page.wait_for_function(copied, arg='order["odd key\\u202e"]')
        # The tree is cut after 200; what is copied is whole.
        row(page, "trace").hover()
        page.get_by_role("button", name="Copy value").click()
        page.wait_for_function(
            "async () => JSON.parse(await navigator.clipboard.readText().then(t => t || '0')).length === 300"
        )

    def test_all_opens_and_closes_and_stays_so_when_somebody_claims(self, console: Seat, raise_request: Raise) -> None:
        page = open_detail(console("otto"), raise_request(context=CONTEXT))
        page.get_by_role("button", name="Collapse all").click()
        expect(row(page, "lines")).to_be_hidden()
        page.get_by_label("Find in the context").fill("fr")
        page.get_by_role("button", name="Claim").click()
        expect(page.get_by_role("button", name="Release")).to_be_visible()
        expect(row(page, "lines")).to_be_hidden()
        expect(page.get_by_label("Find in the context")).to_have_value("fr")
        row(page, "order").focus()
        page.keyboard.press("ArrowRight")
        expect(row(page, "lines")).to_be_visible()
        page.keyboard.press("ArrowRight")
        expect(row(page, "lines")).to_be_focused()
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")
        expect(row(page, "order")).to_be_focused()
        page.get_by_role("button", name="Expand all").click()
        expect(row(page, "note")).to_be_visible()

    def test_another_request_in_the_pane_has_its_own_context(self, console: Seat, raise_request: Raise) -> None:
        first, second = raise_request(context={"a": {"one": 1}}), raise_request(context={"b": {"two": 2}})
        seat = console("otto")
        seat.open()
        seat.wait_until_live()
        for request_id, key in ((first, "one"), (second, "two"), (first, "one")):
            seat.page.locator(f"#card-{request_id} a").click()
            expect(row(seat.page, key)).to_be_visible()
            expect(seat.page.locator(".tree .pair[tabindex='0']")).to_have_count(1)

    def test_without_script_there_is_tree_and_raw_and_no_dead_button(self, console: Seat, raise_request: Raise) -> None:
        seat = console("otto", java_script_enabled=False)
        seat.open(f"/o/acme/interventions/{raise_request(context=CONTEXT)}")
        expect(row(seat.page, "note")).to_be_visible()
        expect(seat.page.locator(".context-tools")).to_be_hidden()
        seat.page.locator(".raw summary").click()
        expect(seat.page.locator(".raw pre")).to_be_visible()

    @pytest.mark.parametrize("viewport", [TINY, {"width": 1440, "height": 900}], ids=["tiny", "desk"])
    def test_the_largest_contexts_keep_the_layout(
        self, console: Seat, raise_request: Raise, viewport: dict[str, int]
    ) -> None:
        deep: Any = "bottom"
        for _ in range(31):
            deep = {"level": deep}
        seat = console("otto", viewport=viewport)
        for context in ({"n": [number % 7 for number in range(30_000)]}, deep, {"text": "x" * 60_000}):
            page = open_detail(seat, raise_request(context=context))
            if page.get_by_role("button", name="Expand all").is_visible():
                page.get_by_role("button", name="Expand all").click()
            assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
            page.get_by_role("button", name="Raw").click()
            assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]

    def test_axe_finds_nothing_in_it(self, console: Seat, raise_request: Raise) -> None:
        page = open_detail(console("otto"), raise_request(context=CONTEXT))
        page.get_by_label("Find in the context").fill("e")
        row(page, "from").focus()
        expect(page.locator(".row-tools")).to_be_visible()
        assert in_both_schemes(page) == []
        page.get_by_role("button", name="Raw").click()
        assert in_both_schemes(page) == []


def test_more_time_is_given_by_a_menu(console: Seat, raise_request: Raise) -> None:
    page = open_detail(console("otto"), raise_request(expires_in_seconds=120))
    expect(page.locator(".detail-head .soon")).to_be_visible()
    page.locator("summary", has_text="More time…").click()
    page.get_by_role("button", name="1 hour").click()
    expect(page.locator("#timeline")).to_contain_text("Deadline moved by you")
    expect(page.locator(".detail-head .soon")).to_have_count(0)
    page.locator("summary", has_text="More time…").click()
    page.get_by_role("button", name="No deadline").click()
    expect(page.locator(".detail-head")).to_contain_text("no deadline")


def test_more_time_that_comes_too_late_is_refused_where_it_was_asked(
    console: Seat, raise_request: Raise, world: World
) -> None:
    request_id = raise_request()
    seat = console("otto")
    page = open_detail(seat, request_id)
    seat.deafen()
    actions.approve(world.pilot("olga"), request_id, reason="Done already")
    page.locator("summary", has_text="More time…").click()
    page.get_by_role("button", name="1 hour").click()
    expect(page.locator("#decision-notice")).to_contain_text("Done already")
    expect(page.locator("#decision-notice")).to_contain_text("What you asked for was not recorded")


class TestReasons:
    def test_a_ready_reason_goes_where_the_caret_is(self, console: Seat, raise_request: Raise, world: World) -> None:
        change_settings(world.acme, {"canned_reasons": {"approve": ["Fine."], "reject": ["Too risky."]}})
        request_id = raise_request()
        page = open_detail(console("otto"), request_id)
        expect(page.get_by_role("button", name="Too risky.")).to_be_hidden()
        choose(page, "Reject")
        expect(page.get_by_role("button", name="Fine.")).to_be_hidden()
        reason = page.get_by_label("Reason", exact=False).and_(page.locator("#reason"))
        page.get_by_role("button", name="Too risky.").click()
        expect(reason).to_have_value("Too risky.")
        expect(reason).to_be_focused()
        page.keyboard.type(" Ask Finance. ")
        for _ in range(len("Ask Finance. ")):
            page.keyboard.press("ArrowLeft")
        page.get_by_role("button", name="Too risky.").click()
        expect(reason).to_have_value("Too risky. Too risky. Ask Finance. ")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#decision")).to_contain_text("Rejected")
        assert stored(request_id).action_reason == "Too risky. Too risky. Ask Finance. "

    def test_without_script_there_is_no_dead_button(self, console: Seat, raise_request: Raise) -> None:
        seat = console("otto", java_script_enabled=False)
        seat.open(f"/o/acme/interventions/{raise_request()}")
        choose(seat.page, "Reject")
        expect(seat.page.locator("#reason")).to_be_visible()
        expect(seat.page.locator("[data-canned]").last).to_be_hidden()
        expect(seat.page.locator(".preview")).to_be_hidden()


class TestPreview:
    def test_it_is_what_the_agent_receives(self, console: Seat, raise_request: Raise, agent: httpx.Client) -> None:
        schema = {
            "type": "object",
            "properties": {
                "vendor": {"type": "string", "enum": ["V-1", "V-2"], "default": "V-1"},
                "many": {"type": "string", "enum": list("abcdefg")},
                "count": {"type": "integer"},
                "rate": {"type": "number"},
                "sure": {"type": "boolean", "default": True},
                "note": {"type": "string"},
                "when": {"type": "string", "format": "date-time"},
            },
        }
        request_id = raise_request(response_schema=schema)
        page = open_detail(console("otto"), request_id)
        choose(page, "Approve")
        page.get_by_role("radio", name="V-2").check()
        page.get_by_label("many").select_option("c")
        page.get_by_label("count").fill("12")
        page.get_by_label("rate").fill("2.5")
        page.get_by_label("sure").uncheck()
        page.get_by_label("when").fill("2026-11-22T10:30")
        page.locator("#reason").fill('It is "<b>V-2</b>"')
        shown = json.loads(page.locator(".preview code").inner_text())
        page.keyboard.press("Control+Enter")
        expect(page.locator("#decision")).to_contain_text("Approved")
        received = agent.get(f"/interventions/{request_id}/decision").json()
        assert shown == {name: received[name] for name in ("status", "action_reason", "response")}
        assert shown["response"]["when"] == "2026-11-22T10:30:00Z"
        assert "note" not in shown["response"]

    def test_a_rejection_and_an_approval_that_is_not_the_last(self, console: Seat, raise_request: Raise) -> None:
        page = open_detail(console("otto"), raise_request(approvals_required=3))
        choose(page, "Approve")
        expect(page.locator(".preview code")).to_have_text("nothing yet: 2 more approvals are needed")
        choose(page, "Reject")
        page.locator("#reason").fill(" ")
        shown = json.loads(page.locator(".preview code").inner_text())
        assert shown == {"status": "REJECTED", "action_reason": None, "response": None}
        assert findings(page) == []

    def test_on_a_phone_it_waits_closed_and_the_verdicts_keep_their_place(
        self, console: Seat, raise_request: Raise
    ) -> None:
        page = open_detail(console("otto", viewport=PHONE, has_touch=True, is_mobile=True), raise_request())
        choose(page, "Reject")
        expect(page.locator(".preview code")).to_be_hidden()
        expect(page.get_by_role("button", name="Reject", exact=True)).to_be_in_viewport(ratio=1)
        box = page.get_by_role("button", name="Reject", exact=True).bounding_box()
        assert box is not None
        assert box["height"] >= 48
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert findings(page) == []


class TestLostClaim:
    def test_it_is_told_beside_what_is_typed_and_taken_back_with_it(
        self, console: Seat, raise_request: Raise, world: World
    ) -> None:
        request_id = raise_request()
        page = open_detail(console("otto"), request_id)
        page.get_by_role("button", name="Claim").click()
        expect(page.get_by_role("button", name="Release")).to_be_visible()
        choose(page, "Reject")
        page.locator("#reason").fill("Half a rea")
        actions.claim(world.pilot("olga"), request_id, take_over=True)
        expect(page.locator("#decision-notice")).to_contain_text("olga took it over")
        expect(page.locator("#assertive")).to_contain_text("olga took it over")
        expect(page.locator("#reason")).to_be_focused()
        page.keyboard.type("son")
        expect(page.locator("#reason")).to_have_value("Half a reason")
        assert findings(page) == []
        page.get_by_role("button", name="Take over").click()
        expect(page.locator("#timeline")).to_contain_text("Taken over by you from olga")
        expect(page.locator("#decision-notice")).not_to_contain_text("took it over")
        expect(page.locator("#reason")).to_have_value("Half a reason")
        page.get_by_role("button", name="Reject", exact=True).click()
        expect(page.locator("#decision")).to_contain_text("Rejected")
        assert stored(request_id).action_reason == "Half a reason"

    def test_a_decision_without_the_claim_is_refused_and_keeps_the_reason(
        self, console: Seat, raise_request: Raise, world: World
    ) -> None:
        request_id = raise_request()
        actions.claim(world.pilot("otto"), request_id)
        seat = console("otto")
        page = open_detail(seat, request_id)
        choose(page, "Reject")
        page.locator("#reason").fill("My reason")
        seat.deafen()
        actions.claim(world.pilot("olga"), request_id, take_over=True)
        page.get_by_role("button", name="Reject", exact=True).click()
        expect(page.get_by_role("alert").filter(has_text="olga took it over")).to_contain_text("Nothing was recorded")
        expect(page.locator("#reason")).to_have_value("My reason")
        assert stored(request_id).status == "IN_PROGRESS"

    def test_time_runs_out_over_a_half_typed_reason(self, console: Seat, raise_request: Raise) -> None:
        page = open_detail(console("otto"), raise_request(expires_in_seconds=4))
        choose(page, "Approve")
        page.locator("#reason").fill("Nearly there")
        expect(page.locator("#decision-notice")).to_contain_text("Expired undecided")
        expect(page.get_by_label("What you typed")).to_have_value("Nearly there")
        expect(page.locator(".commit")).to_have_count(0)
        for hidden in (".canned", ".preview", ".verdicts"):
            expect(page.locator(hidden).first).to_be_hidden()


class TestRelated:
    def test_it_comes_by_itself_and_stays_while_the_rest_is_swapped(
        self, console: Seat, raise_request: Raise, world: World
    ) -> None:
        before = raise_request(title="Refund order 12?", uow_id="uow-a")
        actions.reject(world.pilot("olga"), before, reason="Twice already.")
        request_id = raise_request(title="Refund order 13?", uow_id="uow-b")
        seat = console("otto")
        seat.open()
        seat.wait_until_live()
        asked_for: list[str] = []
        seat.page.on("request", lambda request: asked_for.append(request.url))
        seat.page.locator(f"#card-{request_id} a").click()
        related = seat.page.get_by_role("region", name="Earlier and similar")
        expect(related).to_contain_text(re.compile(r"rejected\b.*\bby\s+olga", re.DOTALL))
        expect(related).to_contain_text("Twice already.")
        assert findings(seat.page) == []
        seat.page.locator("#decision").get_by_role("button", name="Claim").click()
        expect(seat.page.get_by_role("button", name="Release").first).to_be_visible()
        expect(related).to_contain_text("Twice already.")
        assert sum(url.endswith("/related") for url in asked_for) == 1
        related.get_by_role("link", name="Refund order 12?").click()
        expect(seat.page.locator("#detail-title")).to_have_text("Refund order 12?")

    def test_without_script_it_is_a_page(self, console: Seat, raise_request: Raise, world: World) -> None:
        actions.reject(world.pilot("olga"), raise_request(title="Refund order 12?"), reason="Twice already.")
        seat = console("otto", java_script_enabled=False)
        seat.open(f"/o/acme/interventions/{raise_request(title='Refund order 13?')}")
        seat.page.get_by_role("link", name="Earlier requests and similar decisions").click()
        expect(seat.page.locator("main")).to_contain_text("Twice already.")

    def test_axe_finds_nothing_on_its_page(self, console: Seat, raise_request: Raise, world: World) -> None:
        actions.reject(world.pilot("olga"), raise_request(title="W" * 90), reason="Twice already.")
        seat = console("otto", viewport=TINY)
        seat.open(f"/o/acme/interventions/{raise_request(title='W' * 90)}/related")
        assert findings(seat.page) == []
        assert seat.page.evaluate("document.documentElement.scrollWidth") <= TINY["width"]


def test_what_is_not_sent_is_there_again_when_one_comes_back(console: Seat, raise_request: Raise) -> None:
    properties = {
        "vendor": {"type": "string", "enum": ["V-1", "V-2"], "default": "V-1"},
        "many": {"type": "string", "enum": list("abcdefg")},
        "sure": {"type": "boolean", "default": True},
        "note": {"type": "string", "title": "Wording"},
    }
    first = raise_request(response_schema={"type": "object", "properties": properties})
    other = raise_request(title="Another one")
    seat = console("otto")
    seat.open()
    seat.wait_until_live()
    page = seat.page
    page.locator(f"#card-{first} a").click()
    choose(page, "Approve")
    page.get_by_role("radio", name="V-2").check()
    page.get_by_label("many").select_option("c")
    page.get_by_label("sure").uncheck()
    page.get_by_label("Wording").fill("as agreed")
    page.locator("#reason").fill("Half a rea")
    page.get_by_label("Note for the record").fill("Half a note")
    page.locator(f"#card-{other} a").click()
    expect(page.locator("#detail-title")).to_have_text("Another one")
    expect(page.get_by_label("Note for the record")).to_have_value("")
    page.locator(f"#card-{first} a").click()
    expect(page.locator("#reason")).to_have_value("Half a rea")
    expect(page.get_by_role("radio", name="V-2")).to_be_checked()
    expect(page.get_by_label("many")).to_have_value("c")
    expect(page.get_by_label("sure")).not_to_be_checked()
    expect(page.get_by_label("Wording")).to_have_value("as agreed")
    expect(page.locator(".preview code")).to_contain_text('"sure": false')
    expect(page.get_by_label("Note for the record")).to_have_value("Half a note")
    page.get_by_role("button", name="Add").click()
    expect(page.locator("#timeline")).to_contain_text("Half a note")
    expect(page.get_by_label("Note for the record")).to_have_value("")
    expect(page.locator("#reason")).to_have_value("Half a rea")
