"""Without a network: the shell instead of the page asked for, nothing of the queue kept anywhere, and the way back."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from chameleon.static_files import release
from conftest import World
from interventions import actions
from tests.e2e.conftest import CONTROLLED, DESK, PHONE, Console
from tests.e2e.test_access import TINY, findings, in_both_schemes, unmarked

pytestmark = [pytest.mark.long, pytest.mark.browser, pytest.mark.django_db(transaction=True)]

type Seat = Callable[..., Console]
type Raise = Callable[..., str]

SECRET = "Zanzibar"
# Everything that a page of this origin can keep, as text: names and contents.
KEPT = """async () => {
  const caches_ = [];
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) {
      const response = await cache.match(request);
      caches_.push({ name, path: new URL(request.url).pathname, text: await response.text() });
    }
  }
  const databases = (await indexedDB.databases()).map(({ name }) => name);
  const files = [];
  for await (const name of (await navigator.storage.getDirectory()).keys()) files.push(name);
  const workers = (await navigator.serviceWorker.getRegistrations()).map(({ scope }) => scope);
  return { caches: caches_, databases, files, workers, local: { ...localStorage }, session: { ...sessionStorage },
           cookies: document.cookie, history: JSON.stringify(history.state) };
}"""


def installed(seat: Console, path: str = "/o/acme/") -> Page:
    """A page whose worker holds the shell."""
    seat.open(path)
    seat.wait_until_live()
    seat.page.evaluate(CONTROLLED)
    return seat.page


@contextmanager
def without_network(context: BrowserContext) -> Iterator[None]:
    context.set_offline(True)
    yield
    context.set_offline(False)


def paths_kept(page: Page) -> set[str]:
    return {re.sub(r"^/static/[0-9a-f]{12}/", "", entry["path"]) for entry in page.evaluate(KEPT)["caches"]}


@pytest.fixture
def seat(console: Seat) -> Console:
    return console("ada", service_workers="allow")


def test_the_shell_stands_in_and_leads_on_to_the_page_asked_for(seat: Console, raise_request: Raise) -> None:
    first = raise_request(title=f"{SECRET} one")
    page = installed(seat)
    wanted = f"{seat.address}/o/acme/interventions/{first}"
    with without_network(page.context):
        page.goto(wanted)
        heading = page.get_by_role("heading", level=1)
        expect(heading).to_have_text(re.compile(r"Offline since \d\d:\d\d$", re.MULTILINE))
        assert page.title() == "Offline · Chameleon"
        assert SECRET not in page.content()
        for verb in ("Claim", "Reject…", "Approve…"):
            expect(page.get_by_role("button", name=verb)).to_be_disabled()
        expect(page.get_by_role("group", name="Nothing can be decided meanwhile")).to_have_accessible_description(
            re.compile("once the server has confirmed it")
        )
        page.get_by_role("button", name="Try again now").click()
        expect(page.get_by_role("status")).to_contain_text("Still offline at")
        expect(page.locator("#reason")).to_have_text("This device has no network.")
        # Meanwhile somebody else decides: what the page shows first is what stands then.
        raise_request(title=f"{SECRET} two")
    # By itself.
    seat.wait_until_live()
    assert page.url == wanted
    expect(page.get_by_role("heading", name=f"{SECRET} one")).to_be_visible()
    expect(page.locator("#waiting")).to_have_text("2")


def test_what_was_decided_meanwhile_is_what_the_page_begins_with(
    seat: Console, raise_request: Raise, world: World
) -> None:
    request_id = raise_request()
    page = installed(seat)
    with without_network(page.context):
        page.goto(f"{seat.address}/o/acme/interventions/{request_id}")
        expect(page.get_by_role("button", name="Try again now")).to_be_visible()
        actions.approve(world.pilot("olga"), request_id)
    expect(page.locator("#decision")).to_contain_text("Approved")
    expect(page.get_by_role("radio", name="Approve")).to_have_count(0)


def test_a_server_that_does_not_answer_is_no_network_either(seat: Console) -> None:
    page = installed(seat)
    worker = page.context.service_workers[0]
    # As where a server is restarted: the device is online, the connection is refused.
    worker.evaluate("() => { self.fetch = () => Promise.reject(new TypeError('refused')); }")
    worker.evaluate("() => registration.navigationPreload.disable()")
    page.route("**/health", lambda route: route.abort())
    page.goto(f"{seat.address}/o/acme/")
    expect(page.locator("#reason")).to_have_text("The server does not answer.")
    expect(page.locator("#next")).to_have_text(re.compile(r"Next try in \d+ s"))
    worker.evaluate("() => { delete self.fetch; }")
    page.unroute("**/health")
    page.get_by_role("button", name="Try again now").click()
    seat.wait_until_live()


def test_the_moment_is_the_one_the_server_was_last_reached_at(seat: Console) -> None:
    page = installed(seat)
    stored = "() => localStorage.getItem('reached')"
    assert abs(page.evaluate("Date.now()") - int(page.evaluate(stored))) < 60_000
    with without_network(page.context):
        page.goto(f"{seat.address}/")
        page.evaluate("localStorage.setItem('reached', Date.now() - 3 * 24 * 3600 * 1000)")
        page.reload()
        expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(r"Offline since \d+ \w+, \d\d:\d\d"))


def test_the_shell_opened_by_its_own_address_leads_to_the_queue(seat: Console) -> None:
    seat.open("/offline")
    seat.page.wait_for_url("**/o/acme/")


def test_what_the_server_refuses_is_said_by_the_server(seat: Console) -> None:
    page = installed(seat)
    answer = page.goto(f"{seat.address}/o/nowhere/")
    assert answer is not None
    assert (answer.status, answer.from_service_worker) == (404, True)
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing to be seen here")


def test_only_the_shell_and_its_files_are_kept(seat: Console, raise_request: Raise) -> None:
    request_id = raise_request(title=f"{SECRET} is late", context={"port": SECRET})
    page = installed(seat)
    assert SECRET in page.content()
    seat.open(f"/o/acme/interventions/{request_id}")
    seat.wait_until_live()
    page.get_by_role("radio", name="Reject").check()
    page.get_by_label("Reason").fill(f"{SECRET} again")
    seat.open("/o/acme/team")
    seat.open()
    seat.wait_until_live()
    shell = {"/offline", "css/tokens.css", "css/base.css", "css/plain.css", "icon.svg"}
    assert paths_kept(page) == shell | {"js/theme.js", "js/restored.js", "js/offline/shell.js"}
    kept = page.evaluate(KEPT)
    assert SECRET not in str(kept["caches"])
    assert "acme" not in str(kept["caches"])
    assert (kept["databases"], kept["files"]) == ([], [])


def test_a_new_release_takes_the_place_of_the_old_one(seat: Console) -> None:
    seat.open("/offline")
    seat.page.evaluate("async () => { await (await caches.open('shell-of-before')).put('/x', new Response('x')); }")
    page = installed(seat)
    assert {entry["name"] for entry in page.evaluate(KEPT)["caches"]} == {f"shell-{release()}"}


def test_after_signing_out_there_is_nothing_anywhere(seat: Console, raise_request: Raise) -> None:
    request_id = raise_request(title=f"{SECRET} is late")
    page = installed(seat, f"/o/acme/?q={SECRET}")
    seat.open(f"/o/acme/interventions/{request_id}?q={SECRET}")
    seat.wait_until_live()
    kept = page.evaluate(KEPT)
    assert kept["workers"]
    assert SECRET in str(kept["session"]) + str(kept["history"]) + page.url
    seat.open("/accounts/logout/")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/accounts/login/**")
    kept = page.evaluate(KEPT)
    assert kept["caches"] == []
    assert (kept["databases"], kept["files"], kept["local"], kept["session"]) == ([], [], {}, {})
    assert SECRET not in str(kept)
    # Nothing stands in for pages any more, and the cookies are gone too.
    assert page.evaluate("async () => (await navigator.serviceWorker.getRegistrations()).length") == 0
    names = {cookie["name"] for cookie in page.context.cookies()}
    assert names <= {"csrftoken"}
    page.go_back()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert SECRET not in page.content()


def test_before_the_door_a_tab_knows_nothing_of_before(console: Seat) -> None:
    """Also in a browser that does not heed Clear-Site-Data."""
    seat = console(None)
    seat.open("/accounts/login/")
    seat.page.evaluate("sessionStorage.setItem('queue', '?q=Zanzibar')")
    seat.page.reload()
    assert seat.page.evaluate("sessionStorage.length") == 0


def test_the_app_can_be_installed(seat: Console) -> None:
    page = installed(seat)
    wire = page.context.new_cdp_session(page)
    assert wire.send("Page.getAppManifest")["errors"] == []
    # Of a page that a test opens Chromium says that it is not yet looked at as an app, and nothing else.
    errors = [error["errorId"] for error in wire.send("Page.getInstallabilityErrors")["installabilityErrors"]]
    assert set(errors) <= {"in-incognito"}


@pytest.mark.parametrize("viewport", [DESK, PHONE, TINY], ids=["desk", "phone", "tiny"])
def test_everybody_can_use_the_shell(console: Seat, viewport: dict[str, int]) -> None:
    seat = console("otto", viewport=viewport, service_workers="allow")
    page = installed(seat)
    with without_network(page.context):
        page.goto(f"{seat.address}/o/acme/")
        expect(page.get_by_role("button", name="Try again now")).to_be_visible()
        assert in_both_schemes(page) == []
        assert unmarked(page, steps=6) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
        page.evaluate("localStorage.setItem('theme', 'contrast')")
        page.reload()
        assert findings(page) == []
