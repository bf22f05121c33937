"""A pilot sets how the console looks, listens and is noticed, in a browser: each setting does what it says."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from conftest import World, stored
from interventions import actions
from pilots.actions import change_settings
from pilots.models import Pilot
from pilots.sign_in import second_factor, sessions
from tests.e2e.conftest import DESK, PHONE, Console
from tests.e2e.test_access import TINY, in_both_schemes
from tests.e2e.test_alerts import CRITICAL, listener, notes, passed, sounded

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

type Seat = Callable[..., Console]
type Raise = Callable[..., str]
PAGES = ["", "/display", "/keys", "/duty", "/notifications"]
SIZES = pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])


def saved(seat: Console) -> None:
    # The answer is waited for: the page may say "Saved." of the time before.
    with seat.page.expect_response(lambda answer: answer.request.method == "POST"):
        seat.page.get_by_role("button", name="Save").click()
    expect(seat.page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()


@pytest.mark.parametrize("viewport", [DESK, TINY], ids=["desk", "tiny"])
def test_axe_finds_nothing_on_the_pages_of_settings(console: Seat, viewport: dict[str, int]) -> None:
    seat = console("otto", viewport=viewport)
    for path in PAGES:
        seat.open(f"/o/acme/settings{path}")
        assert in_both_schemes(seat.page) == [], path
        wide = seat.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, path


def test_on_a_phone_the_way_around_is_one_row_with_the_place_in_sight(console: Seat) -> None:
    seat = console("otto", viewport=PHONE)
    for path in ("/o/acme/settings", "/o/acme/settings/notifications", "/accounts/sessions/"):
        seat.open(path)
        here = seat.page.get_by_role("navigation", name="Your account").locator("[aria-current]")
        expect(here).to_be_in_viewport(ratio=1)
        tops = seat.page.locator(".own-nav a").evaluate_all("all => all.map(each => each.offsetTop)")
        assert (len(set(tops)), len(tops) > 5) == (1, True)


@pytest.mark.parametrize(
    ("path", "typed", "viewport"),
    [
        ("", {"Name": "Otto II"}, DESK),
        ("/keys", {"Mute alerts for 15 minutes": "w"}, PHONE),
        ("/duty", {"Quiet from": "22:00", "Quiet to": "07:00"}, PHONE),
    ],
    ids=["profile", "keys", "duty"],
)
def test_a_sign_in_that_has_ended_is_begun_anew_over_what_is_typed(
    console: Seat, world: World, password: str, path: str, typed: dict[str, str], viewport: dict[str, int]
) -> None:
    seat = console("otto", viewport=viewport)
    page = seat.page
    with page.expect_response("**/api/token**"):
        seat.open(f"/o/acme/settings{path}")
    for label, text in typed.items():
        page.get_by_label(label, exact=True).fill(text)
    sessions.end_all_of(world.memberships["otto"].pilot)
    page.get_by_role("button", name="Save").click()
    dialog = page.get_by_role("dialog", name="Sign in to go on")
    expect(dialog.get_by_label("Password")).to_be_focused()
    assert in_both_schemes(page) == []
    # Put away, it comes back with the next try.
    dialog.get_by_role("button", name="Not now").click()
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Save").click()
    dialog.get_by_label("Password").fill(password)
    dialog.get_by_role("button", name="Sign in", exact=True).click()
    expect(dialog).to_be_hidden()
    for label, text in typed.items():
        expect(page.get_by_label(label, exact=True)).to_have_value(text)
    saved(seat)
    for label, text in typed.items():
        expect(page.get_by_label(label, exact=True)).to_have_value(text)


def test_whoever_sets_up_what_the_organization_waits_for_is_not_asked_to(console: Seat, world: World) -> None:
    """On the pages of the account itself there is no such dialog: they are where it would lead."""
    change_settings(world.acme, {second_factor.REQUIRED_ROLES: ["OPERATOR"]})
    seat = console("otto")
    seat.open("/o/acme/settings")
    expect(seat.page).to_have_url(f"{seat.address}/accounts/2fa/")
    expect(seat.page.locator("dialog")).to_have_count(0)


@SIZES
def test_looks_are_the_same_on_another_device_and_stand_without_script(console: Seat, viewport: dict[str, int]) -> None:
    here = console("otto", viewport=viewport)
    here.open("/o/acme/settings/display")
    here.page.get_by_role("radio", name="Dark").check()
    here.page.get_by_role("radio", name="Compact").check()
    saved(here)
    # What that device remembers gives way.
    there = console("otto", viewport=viewport)
    there.page.add_init_script("localStorage.theme ??= 'contrast'")
    there.open()
    html = there.page.locator("html")
    expect(html).to_have_attribute("data-theme", "dark")
    expect(html).to_have_attribute("data-density", "compact")
    plain = console("otto", viewport=viewport, java_script_enabled=False)
    plain.open("/o/acme/settings/display")
    assert plain.page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
    plain.page.get_by_role("radio", name="Light").check()
    saved(plain)
    assert plain.page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"


def test_the_account_menu_saves_and_says_so(console: Seat) -> None:
    here, there = console("otto"), console("otto")
    here.open()
    here.wait_until_live()
    here.page.locator(".account summary").click()
    here.page.get_by_role("radio", name="Dark").check(force=True)
    expect(here.page.locator("#toasts")).to_contain_text("Saved")
    there.open()
    expect(there.page.locator("html")).to_have_attribute("data-theme", "dark")


@SIZES
def test_times_are_read_in_the_chosen_zone(
    console: Seat, raise_request: Raise, world: World, viewport: dict[str, int]
) -> None:
    request_id = raise_request()
    actions.comment(world.pilot("olga"), request_id, text="Now.")
    seat = console("otto", viewport=viewport, timezone_id="America/New_York")
    hour = """() => [...document.querySelectorAll("time[data-time=clock]")].map((time) => {
        const zone = (timeZone) => new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone })
            .format(Date.parse(time.dateTime));
        return ["America/New_York", "Asia/Kolkata"].filter((name) => time.textContent.endsWith(zone(name)));
    }).flat()[0]"""
    seat.open(f"/o/acme/interventions/{request_id}")
    seat.wait_until_live()
    assert seat.page.evaluate(hour) == "America/New_York"
    seat.open("/o/acme/settings/display")
    expect(seat.page.locator("#timezone-hint")).to_contain_text("America/New_York")
    # As browsers of some years ago call it; both names are known.
    seat.page.get_by_label("Time zone").select_option("Asia/Kolkata")
    saved(seat)
    seat.open(f"/o/acme/interventions/{request_id}")
    seat.wait_until_live()
    assert seat.page.evaluate(hour) == "Asia/Kolkata"


def test_letters_switched_off_are_off_on_each_device(console: Seat, raise_request: Raise) -> None:
    raise_request()
    here, there = console("otto"), console("otto")
    here.open("/o/acme/settings/keys")
    here.page.get_by_role("checkbox", name="Single letters").uncheck()
    saved(here)
    there.open()
    there.wait_until_live()
    there.page.keyboard.press("j")
    there.page.keyboard.press("Control+k")
    expect(there.page.locator("#palette")).to_be_visible()
    there.page.keyboard.press("Escape")
    expect(there.page.locator(".card:focus-within")).to_have_count(0)
    there.page.locator("#open-keysheet").click()
    there.page.get_by_role("checkbox", name="Single letters").check()
    expect(there.page.locator("#toasts")).to_contain_text("Saved")
    assert Pilot.objects.get(pilot_id="local:otto").preferences["letters"] is True


@SIZES
def test_off_duty_is_said_and_counted(console: Seat, viewport: dict[str, int]) -> None:
    seat = console("otto", viewport=viewport)
    seat.open()
    seat.wait_until_live()
    tile = seat.page.locator("#tiles dl", has_text="pilots on duty").locator("dd")
    expect(tile).to_have_text("3")
    seat.page.locator(".account summary").click()
    seat.page.get_by_role("checkbox", name="On duty").uncheck()
    expect(seat.page.locator("#toasts")).to_contain_text("Saved")
    expect(seat.page.locator(".account-name")).to_contain_text("Off duty")
    seat.page.reload()
    expect(tile).to_have_text("2")
    expect(seat.page.locator(".account-name")).to_contain_text("Off duty")


def test_off_duty_an_open_page_on_another_device_is_silent(console: Seat, raise_request: Raise) -> None:
    desk, phone = listener(console), console("otto", viewport=PHONE)
    phone.open("/o/acme/settings/duty")
    phone.page.get_by_role("checkbox", name="On duty").uncheck()
    saved(phone)
    raise_request(priority="critical")
    expect(desk.page.locator(".card")).to_have_count(1)
    assert passed(desk) == [1]
    assert notes(desk) == []
    phone.page.get_by_role("checkbox", name="On duty").check()
    saved(phone)
    raise_request(priority="critical")
    expect(desk.page.locator(".card")).to_have_count(2)
    desk.page.clock.run_for(5_000)
    sounded(desk, CRITICAL)


def test_in_quiet_hours_only_critical_requests_ring(console: Seat, raise_request: Raise) -> None:
    seat = listener(console)
    phone = console("otto", viewport=PHONE)
    phone.open("/o/acme/settings/duty")
    # All of the day but for one minute, in which no test is likely to run.
    now = seat.page.evaluate("new Date().toTimeString().slice(0, 5)")
    end = f"{(int(now[:2]) + 12) % 24:02}"
    phone.page.get_by_label("Quiet from").fill(f"{end}:01")
    phone.page.get_by_label("Quiet to").fill(f"{end}:00")
    saved(phone)
    raise_request(priority="high")
    expect(seat.page.locator(".card")).to_have_count(1)
    assert passed(seat) == [1]
    assert notes(seat) == []
    raise_request(priority="critical")
    expect(seat.page.locator(".card")).to_have_count(2)
    seat.page.clock.run_for(5_000)
    sounded(seat, CRITICAL)


def test_a_wrong_time_is_said_at_its_day(console: Seat) -> None:
    seat = console("otto", viewport=PHONE)
    seat.open("/o/acme/settings/duty")
    seat.page.get_by_label("Tuesday from").fill("09:00")
    seat.page.get_by_label("Tuesday to").fill("09:00")
    seat.page.get_by_role("button", name="Save").click()
    expect(seat.page.locator("#tue-wrong")).to_contain_text("Must end at another time than it begins")
    expect(seat.page.get_by_label("Tuesday from")).to_have_value("09:00")
    assert in_both_schemes(seat.page) == []


def test_a_key_of_ones_own_works_on_each_page_and_the_usual_one_no_more(console: Seat, raise_request: Raise) -> None:
    """Pressed, not typed, for one of them; from the list, over a form, and in the history."""
    first = raise_request(title="First")
    seat = console("otto")
    page = seat.page
    seat.open("/o/acme/settings/keys")
    press = page.get_by_role("button", name="Press a key for: Next in the list")
    press.click()
    page.keyboard.press("Shift+W")
    expect(page.get_by_label("Next in the list", exact=True)).to_have_value("W")
    press.click()
    page.keyboard.press("Escape")
    expect(page.get_by_label("Next in the list", exact=True)).to_have_value("W")
    for label, key in (
        ("Reject…", "w"),
        ("Commit the decision", "Alt+X"),
        ("Find a command", ""),
        ("Show the keys", "q q"),
    ):
        page.get_by_label(label, exact=True).fill(key)
    saved(seat)
    seat.open()
    seat.wait_until_live()
    page.keyboard.press("j")
    expect(page.locator(".card:focus-within")).to_have_count(0)
    page.keyboard.press("Shift+W")
    expect(page.locator(".card:focus-within")).to_have_count(1)
    page.keyboard.press("q")
    page.keyboard.press("q")
    sheet = page.get_by_role("dialog", name="Keys")
    expect(sheet.locator("dl > div", has_text="Reject…").locator("kbd")).to_have_text("w")
    expect(sheet.locator("dl > div", has_text="Find a command")).to_contain_text("no key")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    expect(page.locator("#palette")).to_be_hidden()
    page.keyboard.press("w")
    expect(page.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("www")
    expect(page.locator(".decide-body kbd[data-key=commit]:visible").first).to_have_text("Alt+X")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#detail")).to_have_attribute("data-status", "PENDING")
    page.keyboard.press("Alt+x")
    expect(page.locator("#decision")).to_contain_text("Rejected")
    assert stored(first).action_reason == "www"
    seat.open("/o/acme/history")
    seat.wait_until_live()
    page.keyboard.press("q")
    page.keyboard.press("q")
    expect(sheet).to_be_visible()
    page.keyboard.press("Escape")
    # Letters off still wins.
    seat.open("/o/acme/settings/keys")
    page.get_by_role("checkbox", name="Single letters").uncheck()
    saved(seat)
    seat.open()
    seat.wait_until_live()
    page.keyboard.press("q")
    page.keyboard.press("q")
    expect(page.locator("#connection")).to_be_visible()
    expect(sheet).to_be_hidden()


def test_what_cannot_be_a_key_is_said_where_it_was_typed(console: Seat) -> None:
    seat = console("otto", viewport=PHONE)
    seat.open("/o/acme/settings/keys")
    seat.page.get_by_label("Approve…", exact=True).fill("r")
    seat.page.get_by_role("button", name="Save").click()
    expect(seat.page.locator("#approve-wrong")).to_contain_text("R already stands for “Reject…”", ignore_case=True)
    expect(seat.page.get_by_label("Approve…", exact=True)).to_have_value("r")
    assert in_both_schemes(seat.page) == []
    seat.page.get_by_role("button", name="Back to the usual keys").click()
    expect(seat.page.get_by_label("Approve…", exact=True)).to_have_value("a")


@SIZES
def test_what_one_knows_about_is_marked_and_shown_alone(
    console: Seat, raise_request: Raise, viewport: dict[str, int]
) -> None:
    seat = console("otto", viewport=viewport)
    page = seat.page
    seat.open("/o/acme/settings")
    field = page.get_by_label("Add tags, with commas between them")
    field.press_sequentially("fraud, refunds,")
    field.press_sequentially("payroll")
    field.press("Enter")
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(3)
    page.get_by_role("checkbox", name="payroll").uncheck()
    saved(seat)
    expect(page.get_by_role("checkbox")).to_have_count(2)
    mine, other = raise_request(title="Mine", tags=["refunds", "x"]), raise_request(title="Other", tags=["Refunds"])
    seat.open()
    seat.wait_until_live()
    expect(page.locator(f"#card-{mine} .expert")).to_have_text("your expertise")
    expect(page.locator(f"#card-{other} .expert")).to_have_count(0)
    assert in_both_schemes(page) == []
    page.get_by_role("checkbox", name="My expertise").check(force=True)
    page.wait_for_url("**/o/acme/?expertise=mine")
    expect(page.locator(".card")).to_have_count(1)
    expect(page.get_by_role("checkbox", name="My expertise")).to_be_focused()
    assert in_both_schemes(page) == []
    raise_request(title="Neither", tags=["x"])
    live = raise_request(title="Live", tags=["fraud"])
    if viewport is DESK:
        page.mouse.move(2, 2)
    expect(page.locator(f"#card-{live} .expert")).to_have_count(1)
    assert [len(lane) for lane in seat.cards().values()] == [0, 0, 2, 0]
    page.get_by_role("checkbox", name="My expertise").uncheck(force=True)
    expect(page.locator(".card")).to_have_count(4)
    page.go_back()
    expect(page.locator(".card")).to_have_count(2)


def test_without_script_tags_and_keys_are_plain_forms(console: Seat) -> None:
    seat = console("otto", java_script_enabled=False)
    seat.open("/o/acme/settings")
    seat.page.get_by_label("Add tags, with commas between them").fill("fraud, refunds")
    saved(seat)
    seat.page.get_by_role("checkbox", name="fraud").uncheck()
    saved(seat)
    seat.open("/o/acme/settings/keys")
    expect(seat.page.get_by_role("button", name="Press a key")).to_have_count(0)
    seat.page.get_by_role("textbox", name="Mute alerts").fill("w")
    saved(seat)
    seat.open("/o/acme/")
    seat.page.get_by_role("checkbox", name="My expertise").check(force=True)
    seat.page.get_by_role("button", name="Apply").click()
    seat.page.wait_for_url("**expertise=mine*")
    row = Pilot.objects.get(pilot_id="local:otto")
    assert (row.expertise_tags, row.preferences["keys"]) == (["refunds"], {"mute": "w"})
