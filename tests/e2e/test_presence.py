"""Two pilots at one request: each sees that the other looks at it, or writes a decision, before they collide."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from conftest import World
from interventions import actions
from pilots.models import Pilot
from tests.e2e.conftest import PHONE, Console
from tests.e2e.test_access import findings

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

type Seat = Callable[..., Console]
type Raise = Callable[..., str]

# A name that would turn the text around it.
RUDE = "local:\u202emoor\u0645"


def opened(console: Seat, who: str, path: str = "/o/acme/", **options: object) -> Console:
    seat = console(who, **options)
    seat.open(path)
    seat.wait_until_live()
    return seat


def chip(seat: Console, request_id: str) -> Locator:
    return seat.page.locator(f"#card-{request_id} .viewing")


def test_otto_sees_where_olga_is(console: Seat, raise_request: Raise) -> None:
    request_id = raise_request(title="Pay the invoice?")
    other = raise_request(title="Ship it?")
    otto, olga = opened(console, "otto"), opened(console, "olga")
    olga.page.get_by_role("link", name="Pay the invoice?").click()
    expect(chip(otto, request_id)).to_contain_text("viewing")
    expect(chip(otto, request_id)).to_have_attribute("title", "olga is viewing")
    expect(chip(otto, request_id).locator(".disc")).to_have_text("OL")
    expect(chip(otto, other)).to_have_count(0)

    # The chip lies above the card's link, and leads where the link leads.
    chip(otto, request_id).click()
    expect(otto.page.locator("#viewers")).to_have_text("olga is viewing")
    olga.page.get_by_role("radio", name="Approve").check()
    expect(otto.page.locator("#viewers")).to_have_text("olga is writing a decision")
    expect(chip(otto, request_id)).to_contain_text("writing")
    expect(olga.page.locator("#viewers")).to_have_text("otto is viewing")
    assert findings(otto.page) == []

    olga.page.locator(".pane .close").click()
    expect(chip(otto, request_id)).to_have_count(0)
    expect(otto.page.locator("#viewers")).to_have_text("")
    # Nobody is shown to themselves, in another tab either.
    expect(chip(olga, request_id)).to_have_attribute("title", "otto is viewing")
    again = opened(console, "otto")
    expect(again.page.locator(f"#card-{request_id}")).to_be_visible()
    expect(chip(olga, request_id)).to_have_attribute("title", "otto is viewing")
    expect(chip(again, request_id)).to_have_count(0)


def test_it_stays_while_the_card_and_the_request_change(console: Seat, raise_request: Raise, world: World) -> None:
    request_id = raise_request(title="Pay the invoice?")
    otto = opened(console, "otto")
    olga = opened(console, "olga", f"/o/acme/interventions/{request_id}")
    otto.page.get_by_role("link", name="Pay the invoice?").click()
    expect(otto.page.locator("#viewers")).to_have_text("olga is viewing")
    # Whatever takes it away, be it for one frame, is noted.
    otto.page.evaluate(
        """id => {
        window.losses = 0;
        const look = () => {
            const isThere = document.querySelector(`#card-${id} .viewing`) && document.querySelector("#viewers *");
            if (!isThere) window.losses += 1;
            requestAnimationFrame(look);
        };
        look();
    }""",
        request_id,
    )
    actions.claim(world.pilot("ada"), request_id)
    expect(otto.page.locator(f"#card-{request_id}")).to_contain_text("claimed by ada")
    actions.release(world.pilot("ada"), request_id)
    expect(otto.page.locator(f"#card-{request_id} .card-meta")).not_to_contain_text("ada")
    expect(otto.page.locator("#timeline")).to_contain_text("Released")
    assert otto.page.evaluate("window.losses") == 0
    expect(chip(otto, request_id)).to_have_count(1)

    # A line that breaks off, and comes back.
    olga.deafen()
    expect(chip(otto, request_id)).to_have_count(0)
    olga.mend()
    expect(chip(otto, request_id)).to_have_attribute("title", "olga is viewing")
    otto.deafen()
    expect(otto.page.locator("#connection")).to_have_attribute("data-state", "reconnecting")
    olga.page.goto(f"{olga.address}/o/acme/")
    otto.mend()
    otto.wait_until_live()
    expect(chip(otto, request_id)).to_have_count(0)


def test_many_are_counted_and_named(console: Seat, raise_request: Raise, world: World) -> None:
    Pilot.objects.filter(pk=world.memberships["olga"].pilot.pk).update(pilot_id=RUDE)
    request_id = raise_request(title="Pay the invoice?")
    otto = opened(console, "otto", viewport=PHONE)
    alone = otto.page.locator(f"#card-{request_id}").bounding_box()
    path = f"/o/acme/interventions/{request_id}"
    ada, vera = opened(console, "ada", path), opened(console, "vera", path, viewport=PHONE)
    expect(chip(otto, request_id).locator(".disc")).to_have_text("2")
    expect(chip(otto, request_id)).to_have_attribute("title", "ada and vera are viewing")
    opened(console, "olga", path)
    expect(chip(otto, request_id).locator(".disc")).to_have_text("3")
    ada.page.get_by_role("radio", name="Reject").check()
    expect(chip(otto, request_id).locator(".disc")).to_have_text("AD")
    expect(chip(otto, request_id).locator(".sr-only")).to_contain_text("ada is writing a decision, ")
    # On a phone it takes no room: nothing moved when they came.
    assert otto.page.locator(f"#card-{request_id}").bounding_box() == alone
    expect(vera.page.locator("#viewers")).to_have_text("ada is writing a decision, U+202Emoor\u0645 is viewing")
    expect(vera.page.locator("#viewers bdi")).to_have_count(2)
    for seat in (otto, vera):
        assert findings(seat.page) == []
        assert seat.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_page_repeats_what_it_shows_and_says_when_nobody_looks(console: Seat, raise_request: Raise) -> None:
    request_id = raise_request(title="Pay the invoice?")
    otto, olga = opened(console, "otto"), console("olga")
    olga.page.clock.install()
    olga.open(f"/o/acme/interventions/{request_id}")
    olga.wait_until_live()
    expect(chip(otto, request_id)).to_have_count(1)
    olga.page.evaluate("""() => {
        window.said = [];
        const send = WebSocket.prototype.send;
        WebSocket.prototype.send = function (text) {
            if (JSON.parse(text).kind === "viewing") window.said.push(JSON.parse(text).request_id);
            return send.call(this, text);
        };
    }""")
    olga.page.clock.fast_forward(21_000)
    olga.page.wait_for_function("said.length > 0")
    assert olga.page.evaluate("said") == [request_id]

    hide = """isHidden => {
        Object.defineProperty(document, "hidden", { value: isHidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    olga.page.evaluate(hide, True)
    olga.page.clock.fast_forward(61_000)
    expect(chip(otto, request_id)).to_have_count(0)
    olga.page.evaluate(hide, False)
    expect(chip(otto, request_id)).to_have_count(1)
