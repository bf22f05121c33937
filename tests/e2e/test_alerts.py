"""How the console is noticed, and how it is kept calm: pause, title and icon, sounds, desktop, countdowns, looks."""

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Request, expect

from conftest import World
from interventions import actions
from tests.e2e.conftest import DESK, PATIENCE, Console
from tests.e2e.test_access import TINY, fill, findings, in_both_schemes, run_axe

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

type Seat = Callable[..., Console]
type Raise = Callable[..., str]


def test_a_paused_page_holds_what_comes_and_ends_equal_to_a_fresh_one(
    console: Seat, raise_request: Raise, world: World
) -> None:
    first, second = raise_request(title="The first"), raise_request(title="The second")
    otto = console("otto")
    otto.open()
    otto.wait_until_live()
    chip = otto.page.locator("#connection")
    otto.page.keyboard.press("Alt+l")
    expect(chip).to_have_attribute("data-state", "paused")
    before, title = otto.cards(), otto.page.title()

    raise_request(title="The grave one", priority="critical")
    actions.claim(world.pilot("olga"), first)
    actions.reject(world.pilot("olga"), first, reason="No.")
    expect(chip).to_contain_text("Paused, 3 waiting")
    assert (otto.cards(), otto.page.title()) == (before, title)
    otto.page.locator(f"#card-{second}").get_by_role("button", name="Claim").click()
    expect(otto.page.locator(f"#card-{second}")).to_contain_text("claimed by you")
    expect(chip).to_contain_text("Paused, 3 waiting")

    otto.page.get_by_role("button", name="Resume live updates").click()
    otto.wait_until_live()
    fresh = console("otto")
    fresh.open()
    fresh.wait_until_live()
    expect(otto.page.locator(".tombstone")).to_have_count(0)
    expect(otto.page.locator(".card")).to_have_count(2)
    assert otto.cards() == fresh.cards()
    assert otto.page.title() == fresh.page.title() == "(1!) Queue · Chameleon"


def test_a_paused_page_that_lost_its_line_asks_nothing_until_it_goes_on(console: Seat, raise_request: Raise) -> None:
    otto = console("otto")
    otto.page.clock.install()
    otto.open()
    otto.wait_until_live()
    otto.page.get_by_role("button", name="Pause live updates").click()
    otto.deafen()
    expect(otto.page.locator("#connection")).to_contain_text("Paused, reconnecting")
    raise_request(title="Not yet")
    asked: list[str] = []
    otto.page.on("request", lambda request: asked.append(request.url) if "?tab=" in request.url else None)
    otto.page.clock.run_for(20_000)
    expect(otto.page.locator(".card")).to_have_count(0)
    assert asked == []
    otto.page.keyboard.press("Alt+l")
    expect(otto.page.locator(".card")).to_contain_text("Not yet")


def test_a_page_paused_for_long_fetches_what_it_could_not_hold(console: Seat, raise_request: Raise) -> None:
    otto = console("otto")
    source = "**/js/live/live*.js"
    otto.page.route(
        source,
        lambda route: route.fulfill(
            body=route.fetch().text().replace("MOST_HELD = 500", "MOST_HELD = 3"), content_type="text/javascript"
        ),
    )
    otto.open()
    otto.wait_until_live()
    otto.page.keyboard.press("Alt+l")
    ids = [raise_request(title=f"Number {number}") for number in range(6)]
    expect(otto.page.locator("#connection")).to_contain_text("Paused, over 3 waiting")
    otto.page.keyboard.press("Alt+l")
    expect(otto.page.locator(".card")).to_have_count(6)
    assert otto.cards()["normal"] == ids


def test_alt_l_pauses_from_a_field_and_letters_made_with_alt_are_typed(console: Seat, raise_request: Raise) -> None:
    otto = console("otto")
    otto.open(f"/o/acme/interventions/{raise_request()}")
    otto.wait_until_live()
    otto.page.locator("#note").focus()
    otto.page.keyboard.press("Alt+l")
    expect(otto.page.locator("#connection")).to_have_attribute("data-state", "paused")
    taken = """() => !document.activeElement.dispatchEvent(new KeyboardEvent("keydown",
        {key: "@", code: "KeyL", altKey: true, bubbles: true, cancelable: true}))"""
    assert otto.page.evaluate(taken) is False
    expect(otto.page.locator("#connection")).to_have_attribute("data-state", "paused")


def icon(seat: Console) -> str | None:
    return seat.page.locator("#favicon").get_attribute("href")


BADGE = """navigator.setAppBadge = async (count) => { window.badge = count; };
    navigator.clearAppBadge = async () => { window.badge = 0; };"""


@pytest.mark.parametrize("path", ["/o/acme/", "/o/acme/team"])
def test_title_icon_and_badge_tell_how_many_wait(console: Seat, raise_request: Raise, path: str) -> None:
    seat = console("ada")
    seat.page.add_init_script(BADGE)
    seat.open(path)
    name = seat.page.title()
    assert "icon." in (icon(seat) or "")
    raise_request()
    seat.open(path)
    assert seat.page.title() == f"(1) {name}"
    assert "icon-waiting." in (icon(seat) or "")
    assert seat.page.evaluate("window.badge") == 1


def test_title_and_icon_follow_on_a_page_without_the_list(console: Seat, raise_request: Raise, world: World) -> None:
    shown = raise_request(title="Open here")
    otto = console("otto")
    otto.page.add_init_script(BADGE)
    otto.open(f"/o/acme/interventions/{shown}")
    otto.wait_until_live()
    grave = raise_request(priority="critical")
    expect(otto.page.locator("#favicon")).to_have_attribute("href", re.compile("icon-critical"))
    assert otto.page.title().startswith("(1!) ")
    assert otto.page.evaluate("window.badge") == 2
    for request_id in (grave, shown):
        actions.reject(world.pilot("olga"), request_id, reason="No.")
    expect(otto.page.locator("#favicon")).to_have_attribute("href", re.compile(r"icon\."))
    assert otto.page.evaluate("window.badge") == 0


# What the page asks of the browser, noted instead of heard and seen.
STUBS = """
    window.heard = [];
    const ramps = {setValueAtTime() {}, linearRampToValueAtTime() {}, exponentialRampToValueAtTime() {}};
    class Part { gain = {value: 1, ...ramps}; connect(to) { return to; } }
    class Tone extends Part { frequency = {value: 0}; start() { heard.at(-1).push(this.frequency.value); } stop() {} }
    // A gain whose value is set is the loudness of a sound, and begins it.
    class Gain extends Part { constructor() { super();
        Object.defineProperty(this.gain, "value", {set() { heard.push([]); }}); } }
    window.AudioContext = class { state = "running"; currentTime = 0; destination = new Part();
        createGain() { return new Gain(); } createOscillator() { return new Tone(); }
        async resume() { this.state = "running"; } async suspend() { this.state = "suspended"; } };
    window.notices = [];
    window.Notification = class { static permission = "granted"; static asked = 0;
        static async requestPermission() { this.asked++; return this.permission; }
        constructor(title, options) { Object.assign(this, options, {title}); window.notices.push(this); } close() {} };
    window.isLookedAt = true;
    document.hasFocus = () => window.isLookedAt;
"""
CRITICAL, HIGH = 4, 2


def listener(console: Seat, name: str = "otto", *, wants: str = "") -> Console:
    """A pilot whose browser may sound, for it was touched, under a clock that the test moves."""
    seat = console(name)
    seat.page.add_init_script(STUBS)
    if wants:
        seat.page.add_init_script(f"localStorage.alerts ??= {wants!r}")
    seat.page.clock.install()
    seat.open()
    seat.wait_until_live()
    seat.page.locator("h1").click()
    seat.page.clock.pause_at(seat.page.evaluate("Date.now() / 1000 + 10"))
    return seat


def until(seat: Console, script: str) -> None:
    """Waits for what the page's own rules would not let Playwright evaluate inside it again and again."""
    for _ in range(PATIENCE // 50):
        if seat.page.evaluate(script):
            return
        seat.page.wait_for_timeout(50)
    raise AssertionError(f"never: {script}")


def notes(seat: Console) -> list[int]:
    """How many notes each sound had so far."""
    found: list[int] = seat.page.evaluate("heard.map((notes) => notes.length)")
    return found


def sounded(seat: Console, *expected: int) -> None:
    """Waits for these sounds: before a page sounds it asks the server whether it may."""
    until(
        seat, f"JSON.stringify(heard.map((notes) => notes.length)) === '{json.dumps(expected, separators=(',', ':'))}'"
    )


# Answered after whatever the page asked before.
BARRIER = "fetch('/health').then(answer => answer.text())"


def passed(*seats: Console, milliseconds: int = 5_000) -> list[int]:
    """Lets time go by in these tabs of one browser, and waits for the server's answers to all they asked meanwhile: a
    page that has made no sound by then makes none. How often each asked whether it may."""
    asked: dict[Page, list[Request]] = {seat.page: [] for seat in seats}

    def note(request: Request) -> None:
        if "/settings/ringing" in request.url:
            asked[request.frame.page].append(request)

    for page in asked:
        page.on("request", note)
    seats[0].page.clock.run_for(milliseconds)
    for page, requests in asked.items():
        page.evaluate(BARRIER)
        page.remove_listener("request", note)
        for request in requests:
            answer = request.response()
            assert answer is not None
            answer.finished()
        page.evaluate(BARRIER)
    return [len(requests) for requests in asked.values()]


def test_a_burst_sounds_once_and_as_the_most_urgent_of_it(console: Seat, raise_request: Raise) -> None:
    otto = listener(console)
    for priority in ("low", "high", "critical", "high"):
        raise_request(priority=priority)
    expect(otto.page.locator(".card")).to_have_count(4)
    otto.page.clock.run_for(500)
    sounded(otto, CRITICAL)
    raise_request(priority="high")
    expect(otto.page.locator(".card")).to_have_count(5)
    assert passed(otto, milliseconds=1_000) == [0]
    assert notes(otto) == [CRITICAL]
    otto.page.clock.run_for(2_500)
    sounded(otto, CRITICAL, HIGH)
    raise_request(priority="normal")
    expect(otto.page.locator(".card")).to_have_count(6)
    assert passed(otto) == [0]
    assert notes(otto) == [CRITICAL, HIGH]


def test_only_one_tab_sounds_and_the_next_takes_over(console: Seat, raise_request: Raise) -> None:
    first = listener(console)
    second = Console(first.page.context.new_page(), first.address, first.complaints)
    second.page.add_init_script(STUBS)
    second.open()
    second.wait_until_live()
    second.page.locator("h1").click()
    raise_request(priority="high")
    for tab in (first, second):
        expect(tab.page.locator(".card")).to_have_count(1)
    assert passed(first, second) == [1, 1]
    sounded(first, HIGH)
    assert notes(second) == []
    first.page.close()
    raise_request(priority="high")
    expect(second.page.locator(".card")).to_have_count(2)
    second.page.clock.run_for(5_000)
    sounded(second, HIGH)


def test_what_is_handed_to_a_pilot_sounds_for_them_only(console: Seat, raise_request: Raise, world: World) -> None:
    request_id = raise_request(priority="high")
    otto, olga = listener(console), listener(console, "olga")
    actions.assign(world.pilot("ada"), request_id, pilot_id="local:otto")
    for seat in (otto, olga):
        expect(seat.page.locator(".card")).to_contain_text("for ")
    assert passed(otto) == [1]
    sounded(otto, HIGH)
    assert passed(olga) == [0]
    assert notes(olga) == []


def test_a_paused_page_still_sounds(console: Seat, raise_request: Raise) -> None:
    otto = listener(console)
    otto.page.keyboard.press("Alt+l")
    raise_request(priority="critical")
    expect(otto.page.locator("#connection")).to_contain_text("1 waiting")
    otto.page.clock.run_for(500)
    sounded(otto, CRITICAL)


def test_muted_is_silent_for_a_quarter_of_an_hour(console: Seat, raise_request: Raise) -> None:
    otto = listener(console)
    otto.page.locator("#bell").click()
    otto.page.get_by_role("button", name="Mute for 15 minutes").click()
    expect(otto.page.locator("#bell")).to_have_attribute("aria-label", re.compile("Alerts, muted until"))
    otto.page.keyboard.press("Escape")
    raise_request(priority="critical")
    expect(otto.page.locator(".card")).to_have_count(1)
    assert passed(otto) == [0]
    assert notes(otto) == []
    otto.page.clock.fast_forward("15:00")
    expect(otto.page.locator("#bell")).to_have_attribute("aria-label", "Alerts")
    otto.wait_until_live()
    raise_request(priority="critical")
    expect(otto.page.locator(".card")).to_have_count(2)
    otto.page.clock.run_for(5_000)
    sounded(otto, CRITICAL)


def test_what_a_device_wants_is_remembered(console: Seat, raise_request: Raise) -> None:
    otto = listener(console)
    otto.page.locator("#bell").click()
    panel = otto.page.get_by_role("dialog", name="Alerts on this device")
    panel.get_by_role("checkbox", name="Sound for high").uncheck()
    panel.get_by_role("checkbox", name="Sound for low").check()
    panel.get_by_role("checkbox", name="Desktop alert for critical").check()
    panel.get_by_role("slider", name="Volume").fill("25")
    panel.get_by_role("button", name="Test critical").click()
    until(otto, "heard.length === 1 && notices.length === 1")
    otto.page.reload()
    otto.wait_until_live()
    otto.page.locator("#bell").click()
    expect(panel.get_by_role("checkbox", name="Sound for critical")).to_be_checked()
    expect(panel.get_by_role("checkbox", name="Sound for high")).not_to_be_checked()
    expect(panel.get_by_role("checkbox", name="Sound for low")).to_be_checked()
    expect(panel.get_by_role("checkbox", name="Desktop alert for critical")).to_be_checked()
    expect(panel.get_by_role("slider", name="Volume")).to_have_value("25")


@pytest.mark.parametrize(
    "stored", ["{", "[]", "7", '{"sound": {"critical": "no"}, "volume": 1e9, "mutedUntil": 1e300}']
)
def test_what_makes_no_sense_in_storage_is_not_heeded(console: Seat, raise_request: Raise, stored: str) -> None:
    otto = listener(console, wants=stored)
    raise_request(priority="critical")
    expect(otto.page.locator(".card")).to_have_count(1)
    otto.page.clock.run_for(500)
    sounded(otto, CRITICAL)
    otto.page.locator("#bell").click()
    expect(otto.page.get_by_role("slider", name="Volume")).to_have_value("60")


DESKTOP = '{"desktop": {"critical": true, "high": true}}'


def test_the_desktop_is_told_once_of_what_came_while_nobody_looked(console: Seat, raise_request: Raise) -> None:
    raise_request(title="Was there")
    otto = listener(console, wants=DESKTOP)
    raise_request(title="Seen at once", priority="high")
    expect(otto.page.locator(".card")).to_have_count(2)
    assert passed(otto) == [1]
    assert otto.page.evaluate("notices.length") == 0

    otto.page.evaluate("isLookedAt = false; dispatchEvent(new Event('blur'))")
    only = raise_request(title="<b>Alone</b>", priority="high")
    expect(otto.page.locator(".card")).to_have_count(3)
    otto.page.clock.run_for(5_000)
    told = "notices.map(({title, body, silent}) => [title, body, silent])"
    until(otto, "notices.length === 1")
    assert otto.page.evaluate(told) == [["New high request", "<b>Alone</b>", True]]
    otto.page.evaluate("notices[0].onclick()")
    expect(otto.page.locator("#detail")).to_have_attribute("data-request-id", only)
    expect(otto.page.locator("#detail")).to_have_attribute("data-status", "PENDING")

    for priority in ("critical", "high", "low"):
        raise_request(title="More", priority=priority)
    expect(otto.page.locator(".card")).to_have_count(6)
    otto.page.clock.run_for(5_000)
    until(otto, "notices.length === 2")
    assert otto.page.evaluate(told)[1:] == [["3 new requests, 1 critical", "", True]]
    assert otto.page.evaluate("new Set(notices.map(({tag}) => tag)).size") == 1


def test_a_tab_behind_the_one_that_is_looked_at_tells_the_desktop_nothing(console: Seat, raise_request: Raise) -> None:
    behind = listener(console, wants=DESKTOP)
    behind.page.evaluate("isLookedAt = false; dispatchEvent(new Event('blur'))")
    front = Console(behind.page.context.new_page(), behind.address, behind.complaints)
    front.page.add_init_script(STUBS)
    front.open()
    front.wait_until_live()
    raise_request(priority="critical")
    expect(behind.page.locator(".card")).to_have_count(1)
    assert passed(behind, front)[0] == 1
    assert behind.page.evaluate("notices.length") == 0
    front.page.evaluate("isLookedAt = false; dispatchEvent(new Event('blur'))")
    raise_request(priority="critical")
    expect(behind.page.locator(".card")).to_have_count(2)
    behind.page.clock.run_for(5_000)
    until(behind, "notices.length === 1")


def test_the_browser_is_asked_only_by_who_wants_it_and_a_no_is_explained(console: Seat) -> None:
    otto = console("otto")
    otto.page.add_init_script(STUBS + "Notification.permission = 'default';")
    otto.open()
    otto.wait_until_live()
    assert otto.page.evaluate("Notification.asked") == 0
    otto.page.locator("#bell").click()
    otto.page.evaluate("Notification.permission = 'denied'")
    box = otto.page.get_by_role("checkbox", name="Desktop alert for critical")
    box.click()
    expect(otto.page.locator("#alerts-permission")).to_contain_text("The browser blocks notifications")
    expect(box).not_to_be_checked()
    assert otto.page.evaluate("Notification.asked") == 1


def test_a_page_nobody_touched_says_that_it_may_not_sound(console: Seat, raise_request: Raise) -> None:
    otto = console("otto")
    # Playwright's own looking counts as a touch.
    untouched = """Object.defineProperty(navigator, "userActivation", {get: () => ({hasBeenActive: window.touched})});
        addEventListener("pointerdown", () => { window.touched = true; }, {capture: true});"""
    otto.page.add_init_script(STUBS + "window.touched = false;" + untouched)
    otto.open()
    otto.wait_until_live()
    raise_request(priority="critical")
    expect(otto.page.locator("#bell")).to_have_attribute("aria-label", "Alerts, silent until you click")
    otto.page.locator("h1").click()
    expect(otto.page.locator("#bell")).to_have_attribute("aria-label", "Alerts")


SAID = """window.said = [];
    addEventListener("DOMContentLoaded", () => { for (const id of ["polite", "assertive"]) new MutationObserver(() => {
        const text = document.getElementById(id).textContent; if (text) said.push([id, text]);
    }).observe(document.getElementById(id), {childList: true}); });"""
# Minutes pass in a moment here: no server could answer its pings in that time.
PONG = """addEventListener("DOMContentLoaded", () => {
    WebSocket.prototype.send = function () { this.onmessage({data: '{"kind": "pong"}'}); }; });"""


def reader(console: Seat, path: str = "/o/acme/") -> Console:
    """A pilot who hears what the page says, under a clock that the test moves."""
    seat = console("otto")
    seat.page.add_init_script(SAID + PONG)
    seat.page.clock.install()
    seat.open(path)
    seat.wait_until_live()
    seat.page.clock.pause_at(seat.page.evaluate("Date.now() / 1000 + 1"))
    return seat


def test_several_arrivals_are_said_in_one_breath_and_the_critical_first(console: Seat, raise_request: Raise) -> None:
    otto = reader(console)
    for priority in ("low", "normal"):
        raise_request(priority=priority)
    expect(otto.page.locator(".card")).to_have_count(2)
    otto.page.clock.run_for(1_000)
    assert otto.page.evaluate("said") == [["polite", "2 new requests"]]
    for priority in ("high", "critical"):
        raise_request(title=f"So {priority}", priority=priority)
    expect(otto.page.locator(".card")).to_have_count(4)
    otto.page.clock.run_for(3_000)
    assert otto.page.evaluate("said.length") == 1
    otto.page.clock.run_for(2_000)
    assert otto.page.evaluate("said.at(-1)") == ["assertive", "New critical request: So critical"]
    otto.page.clock.run_for(5_000)
    assert otto.page.evaluate("said.slice(2)") == [["polite", "New request"]]


def test_a_deadline_is_said_three_times_for_what_the_pilot_is_at(
    console: Seat, raise_request: Raise, world: World
) -> None:
    raise_request(title="Nobody's", expires_in_seconds=400)
    claimed = raise_request(title="Claimed", expires_in_seconds=400)
    actions.claim(world.pilot("otto"), claimed)
    otto = reader(console)
    otto.page.clock.run_for(120_000)
    assert otto.page.evaluate("said.map(([, text]) => text)") == ["5 minutes left: Claimed"]
    otto.page.locator(".card-title a", has_text="Nobody").focus()
    otto.page.clock.run_for(300_000)
    said = otto.page.evaluate("said.filter(([, text]) => text.includes(' left: ')).map(([, text]) => text)")
    # Together, or one after the other where a second began between the two requests.
    assert ". ".join(said[1:]).replace("Nobody's", "-").split(". ") == [
        "1 minute left: -",
        "1 minute left: Claimed",
        "30 seconds left: -",
        "30 seconds left: Claimed",
    ]
    assert otto.page.locator("[aria-live] time, time[aria-live]").count() == 0


def test_a_deadline_is_said_for_the_request_that_is_open(console: Seat, raise_request: Raise) -> None:
    otto = reader(console, f"/o/acme/interventions/{raise_request(title='Open', expires_in_seconds=90)}")
    otto.page.clock.run_for(45_000)
    assert otto.page.evaluate("said") == [["polite", "1 minute left: Open"]]


def too_faint(page: Page) -> list[str]:
    """Text below 7:1, as axe sees it."""
    found = run_axe(page, {"type": "rule", "values": ["color-contrast-enhanced"]})
    return [node["html"][:200] for item in found for node in item["nodes"]]


def scheme_of(page: Page) -> list[str]:
    return [page.evaluate("getComputedStyle(document.documentElement).colorScheme")]


def too_low(page: Page) -> list[str]:
    """In the theme of high contrast, whichever scheme the system asks for."""
    return findings(page) + too_faint(page)


@pytest.mark.parametrize("viewport", [DESK, TINY], ids=["desk", "tiny"])
def test_high_contrast_is_high_on_queue_detail_and_alerts(
    console: Seat, raise_request: Raise, world: World, viewport: dict[str, int]
) -> None:
    request_id = fill(raise_request, world)
    seat = console("ada", viewport=viewport)
    seat.open()
    seat.wait_until_live()
    seat.page.locator(".account summary").click()
    seat.page.get_by_role("radio", name="Contrast").check(force=True)
    assert in_both_schemes(seat.page, scheme_of) == ["light: light", "dark: dark"]
    assert in_both_schemes(seat.page, too_low) == []
    seat.page.keyboard.press("Escape")
    seat.page.locator("#bell").click()
    expect(seat.page.locator("#alerts")).to_be_visible()
    assert in_both_schemes(seat.page, too_low) == []
    seat.page.keyboard.press("Escape")
    seat.page.locator("#pause").click()
    assert in_both_schemes(seat.page, too_low) == []
    seat.open(f"/o/acme/interventions/{request_id}")
    seat.wait_until_live()
    assert seat.page.locator("html").get_attribute("data-theme") == "contrast"
    seat.page.get_by_role("radio", name="Approve").check()
    assert in_both_schemes(seat.page, too_low) == []
    assert seat.page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


def test_a_system_that_wants_more_contrast_gets_it_unless_a_theme_is_chosen(console: Seat) -> None:
    seat = console("otto", contrast="more", color_scheme="dark")
    seat.open()
    html = seat.page.locator("html")
    expect(html).to_have_attribute("data-theme", "contrast")
    seat.page.locator(".account summary").click()
    seat.page.get_by_role("radio", name="Light").check(force=True)
    expect(html).to_have_attribute("data-theme", "light")
    assert seat.page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"


def test_compact_shows_more_and_keeps_its_targets(console: Seat, raise_request: Raise) -> None:
    request_id = raise_request(title="How high?", expires_in_seconds=7200)
    seat = console("otto")
    seat.page.add_init_script("localStorage.theme ??= 'nonsense'")
    seat.open()
    seat.wait_until_live()
    height = "id => document.getElementById(`card-${id}`).getBoundingClientRect().height"
    before = seat.page.evaluate(height, request_id)
    seat.page.locator(".account summary").click()
    seat.page.get_by_role("radio", name="Compact").check(force=True)
    seat.page.reload()
    assert seat.page.locator("html").get_attribute("data-density") == "compact"
    assert 0.6 < seat.page.evaluate(height, request_id) / before < 0.75
    claim = seat.page.locator(f"#card-{request_id} [data-verb=claim]").bounding_box()
    assert claim is not None
    assert min(claim["height"], claim["width"]) >= 24
