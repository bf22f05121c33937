"""A pilot switches a device on, and it is told while no page looks: by a push service on this machine, up to where the
browser would fetch from it, and from there on in Chromium's own worker."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, Playwright, Worker, expect

from conftest import World
from interventions.models import PushSubscription
from tests import push_service
from tests.e2e.conftest import CONTROLLED, DESK, PHONE, Console, launched
from tests.e2e.test_access import in_both_schemes
from tests.e2e.windows import Windows
from tests.push_service import Browser, PushService

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

type Seat = Callable[..., Console]

DEVICES = "/o/acme/settings/devices"
# Chromium's own push service is out of reach: another answers `subscribe` in its place, and everything after is real.
SUBSCRIBES = """(posted) => {
  const { endpoint, ...keys } = posted;
  const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  const made = () => ({
    endpoint, options: { applicationServerKey: bytes(sessionStorage.getItem("subscribed")).buffer },
    toJSON: () => ({ endpoint, keys }), unsubscribe: async () => true,
  });
  PushManager.prototype.getSubscription = async () => (sessionStorage.getItem("subscribed") ? made() : null);
  PushManager.prototype.subscribe = async ({ applicationServerKey }) => {
    sessionStorage.setItem("subscribed", applicationServerKey);
    return made();
  };
}"""
SHOWN = """async () => {
  const registration = await navigator.serviceWorker.getRegistration();
  return (await registration.getNotifications()).map(({ title, body, tag, requireInteraction, data }) =>
    ({ title, body, tag, requireInteraction, path: data.path }));
}"""
# A real click lends the worker the right to open a window; a test's does not, so where it would lead is kept.
CLICKED = """async () => {
  const led = [];
  Clients.prototype.openWindow = async (url) => led.push(`opens ${new URL(url).pathname}`);
  WindowClient.prototype.focus = async function () { led.push(`shows ${new URL(this.url).pathname}`); };
  for (const notification of await registration.getNotifications()) {
    const event = new NotificationEvent("notificationclick", { notification });
    const done = new Promise((resolve) => { event.waitUntil = resolve; });
    dispatchEvent(event);
    await done;
  }
  return led;
}"""


@pytest.fixture(scope="module")
def windows(playwright: Playwright) -> Iterator[Windows]:
    with launched(playwright, whole=True) as browser:
        yield Windows(browser)


@pytest.fixture
def service() -> Iterator[PushService]:
    with push_service.running() as service:
        yield service
        assert service.wrong == []


@pytest.fixture
def seat(console: Seat) -> Console:
    seat = console("otto", service_workers="allow")
    seat.page.context.grant_permissions(["notifications"], origin=seat.address)
    return seat


def equip(page: Page, browser: Browser) -> None:
    page.add_init_script(f"({SUBSCRIBES})({json.dumps(browser.posted)})")


def deliver(page: Page, told: str) -> None:
    """As the browser does with what it has fetched and decrypted."""
    cdp = page.context.new_cdp_session(page)
    found: list[str] = []
    cdp.on("ServiceWorker.workerRegistrationUpdated", lambda event: found.extend(_ids(event)))
    cdp.send("ServiceWorker.enable")
    while not found:
        page.wait_for_timeout(50)
    origin = page.evaluate("location.origin")
    cdp.send("ServiceWorker.deliverPushMessage", {"origin": origin, "registrationId": found[-1], "data": told})
    cdp.detach()


def _ids(event: dict[str, Any]) -> list[str]:
    return [each["registrationId"] for each in event["registrations"]]


def shown(page: Page, count: int) -> list[dict[str, Any]]:
    page.wait_for_function(f"async () => (await ({SHOWN})()).length === {count}")
    notifications: list[dict[str, Any]] = page.evaluate(SHOWN)
    return notifications


def worker_of(page: Page) -> Worker:
    return page.context.service_workers[0]


def test_a_device_is_switched_on_tried_told_and_removed(seat: Console, service: PushService, world: World) -> None:
    page, browser = seat.page, service.browser()
    equip(page, browser)
    seat.open(DEVICES)
    page.get_by_role("button", name="Notify this device").click()
    expect(page.get_by_text("This device is notified.")).to_be_visible()
    expect(page.locator("#devices li")).to_contain_text("Chrome on Linux")
    expect(page.locator("[data-here]")).to_be_visible()
    page.get_by_role("button", name="Send a test").click()
    expect(page.get_by_role("status").filter(has_text="Sent to Chrome on Linux")).to_be_visible()

    # What the push service got, the browser shows.
    (told,) = browser.told
    page.evaluate(CONTROLLED)
    deliver(page, json.dumps(told))
    expected = {"title": "A test", "body": "Acme reaches this device.", "tag": "test", "path": "/o/acme/"}
    assert shown(page, 1) == [expected | {"requireInteraction": False}]
    assert worker_of(page).evaluate(CLICKED) == ["opens /o/acme/"]
    assert shown(page, 0) == []

    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("is not notified any more")).to_be_visible()
    expect(page.get_by_role("button", name="Notify this device")).to_be_visible()
    assert not PushSubscription.across_organizations.exists()


def test_what_is_pushed_is_shown_as_text_and_leads_to_a_page_of_ours(seat: Console, raise_request: Any) -> None:
    page, request_id = seat.page, raise_request()
    path = f"/o/acme/interventions/{request_id}"
    seat.open(path)
    seat.wait_until_live()
    page.evaluate("navigator.serviceWorker.register('/sw.js')")
    page.evaluate(CONTROLLED)
    hostile = "<img src=x onerror=alert(1)>"
    deliver(page, json.dumps({"title": "One", "body": "1", "path": path, "urgent": True, "tag": "acme"}))
    deliver(page, json.dumps({"title": hostile, "body": hostile, "path": path, "urgent": True, "tag": "acme"}))
    page.wait_for_function(f"async () => (await ({SHOWN})())[0]?.title.startsWith('<img')")
    # The second has taken the place of the first.
    told = {"title": hostile, "body": hostile, "tag": "acme", "requireInteraction": True, "path": path}
    assert shown(page, 1) == [told]
    assert worker_of(page).evaluate(CLICKED) == [f"shows {path}"]
    # Whatever comes, something is shown, and no click leads elsewhere.
    for strange in ("not JSON", "null", json.dumps({"path": "https://evil.example/", "tag": "x"})):
        deliver(page, strange)
    assert {each["title"] for each in shown(page, 2)} == {"Chameleon"}
    assert worker_of(page).evaluate(CLICKED) == ["opens /", "opens /"]


def test_a_page_that_is_open_says_whose_the_device_is(seat: Console, service: PushService, world: World) -> None:
    page, browser = seat.page, service.browser()
    equip(page, browser)
    seat.open(DEVICES)
    page.get_by_role("button", name="Notify this device").click()
    expect(page.get_by_text("This device is notified.")).to_be_visible()
    # Somebody else signs in here, without Otto having signed out.
    session = world.session("olga").cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": seat.address}])
    with page.expect_response("**/settings/devices/seen"):
        seat.open()
    assert not PushSubscription.across_organizations.exists()
    seat.open(DEVICES)
    expect(page.get_by_role("button", name="Notify this device")).to_be_visible()


def test_what_a_browser_cannot_do_is_said(console: Seat) -> None:
    blocked = console("otto")
    blocked.page.add_init_script("Object.defineProperty(Notification, 'permission', { get: () => 'denied' })")
    old = console("otto")
    old.page.add_init_script("delete window.PushManager")
    phone = console("otto", viewport=PHONE, user_agent="Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)")
    phone.page.add_init_script("delete window.PushManager; delete window.Notification")
    for seat, said in ((blocked, "beside the address"), (old, "cannot be notified"), (phone, "Add to Home Screen")):
        seat.open(DEVICES)
        expect(seat.page.get_by_text(said)).to_be_visible()
        expect(seat.page.get_by_role("button", name="Notify this device")).to_be_hidden()
        assert in_both_schemes(seat.page) == []


@pytest.mark.parametrize("viewport", [DESK, PHONE, {"width": 320, "height": 700}], ids=["desk", "phone", "tiny"])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    console: Seat, service: PushService, world: World, viewport: dict[str, int]
) -> None:
    seat = console("otto", viewport=viewport, service_workers="allow")
    page = seat.page
    page.context.grant_permissions(["notifications"], origin=seat.address)
    equip(page, service.browser())
    seat.open(DEVICES)
    assert in_both_schemes(page) == []
    page.get_by_role("button", name="Notify this device").click()
    expect(page.get_by_text("This device is notified.")).to_be_visible()
    service.answer = 403
    page.get_by_role("button", name="Send a test").click()
    expect(page.get_by_text("Its push service refused (403)")).to_be_visible()
    assert in_both_schemes(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
