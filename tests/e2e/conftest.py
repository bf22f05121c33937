"""What browser tests share: a server, a Chromium, pilots at their consoles, and an agent."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, Playwright, WebSocketRoute, expect, sync_playwright

from conftest import PASSWORD, World
from tests import servers
from tests.e2e import server
from tests.e2e.windows import Windows

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
# Longer than the page waits between two polls, on a machine that is busy with other tests.
PATIENCE = 20_000
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
# Resolves once the page's service worker is in place.
CONTROLLED = """() => new Promise(resolve => {
  if (navigator.serviceWorker.controller) resolve();
  navigator.serviceWorker.addEventListener("controllerchange", () => resolve());
})"""


@pytest.fixture(scope="package")
def address(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """One server for all of these tests, as there is one Chromium: starting either costs more than most tests."""
    # What stands in for services of others is on this machine.
    private = {"ALLOW_PRIVATE_TARGETS": "127.0.0.1"}
    with django_db_blocker.unblock(), server.running(servers.database_url(), **private) as address:
        yield address


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    # Playwright keeps a loop running in this thread; Django would refuse its database there. Nothing here is async.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE)
        yield playwright
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@contextmanager
def launched(playwright: Playwright, *, whole: bool = False) -> Iterator[Browser]:
    """The shell where there is one: the same engine, a fifth less to compute. It knows no notifications; the `whole`
    Chromium does."""
    chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    path = chromium if whole else os.environ.get("CHROMIUM_SHELL", chromium)
    browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
    yield browser
    browser.close()


@pytest.fixture(scope="package")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    with launched(playwright) as browser:
        yield browser


@dataclass
class Console:
    """A browser window of one pilot."""

    page: Page
    address: str
    complaints: list[str]
    is_cut: bool = False
    sockets: list[WebSocketRoute] = field(default_factory=list)

    def open(self, path: str = "/o/acme/") -> None:
        self.page.goto(self.address + path)

    def wait_until_live(self) -> None:
        self.page.wait_for_selector("#connection[data-state=live]")

    def cut(self) -> None:
        """The network goes: sockets end without a word, nothing new is reached."""
        self.is_cut = True
        self.page.context.set_offline(True)
        for route in self.sockets:
            route.close(code=4000)

    def mend(self) -> None:
        self.is_cut = False
        self.page.context.set_offline(False)

    def deafen(self) -> None:
        """Only the socket goes; requests still reach the server."""
        self.is_cut = True
        for route in self.sockets:
            route.close(code=4000)

    def cards(self) -> dict[str, list[str]]:
        """The request_ids in each lane, top to bottom."""
        script = """() => Object.fromEntries([...document.querySelectorAll(".lane")].map((lane) => [
            lane.dataset.priority, [...lane.querySelectorAll(".card")].map((card) => card.dataset.requestId)]))"""
        found: dict[str, list[str]] = self.page.evaluate(script)
        return found


@pytest.fixture(scope="package")
def windows(chromium: Browser) -> Windows:
    return Windows(chromium)


@pytest.fixture
def console(address: str, windows: Windows, world: World) -> Iterator[Callable[..., Console]]:
    """`console("otto")` is Otto at his desk, signed in. What his browser complains of fails the test."""
    complaints: list[str] = []

    def console(name: str | None, viewport: dict[str, int] = DESK, **options: Any) -> Console:
        page = windows.open(address, viewport, **options)
        page.context.set_default_timeout(PATIENCE)
        if name is not None:
            session = world.session(name).cookies["sessionid"].value
            page.context.add_cookies([{"name": "sessionid", "value": session, "url": address}])
        seat = Console(page, address, complaints)
        page.on("console", lambda message: _note(complaints, message.type, message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.route_web_socket("**/ws/**", lambda route: _connect(seat, route))
        return seat

    yield console
    windows.close()
    assert complaints == []


@pytest.fixture
def agent(address: str, world: World) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{address}/api", headers=world.bearer("agent"), timeout=70) as client:
        yield client


@pytest.fixture
def raise_request(agent: httpx.Client) -> Callable[..., str]:
    """`raise_request(title="…")` asks over REST, as an agent does, and returns the request_id."""

    def raise_request(**fields: Any) -> str:
        draft = {"uow_id": "uow-1", "intervention_type": "clarification", "title": "Which vendor is it?"}
        answer = agent.post("/interventions", json=draft | fields)
        assert answer.status_code == 201, answer.text
        request_id: str = answer.json()["request_id"]
        return request_id

    return raise_request


@pytest.fixture
def password() -> str:
    return PASSWORD


def _note(complaints: list[str], kind: str, text: str) -> None:
    # Refusals and the lack of a network are reported by Chromium and htmx on their own; the tests ask for them. So do
    # they for no service worker, and for one that cannot be looked up anew.
    asked_for = ("Failed to load resource", "WebSocket connection", "Response Status Error Code")
    asked_for += ("Service Worker registration blocked", "error occurred when fetching the script")
    if kind in ("error", "warning") and not any(phrase in text for phrase in asked_for):
        complaints.append(text)


def _connect(seat: Console, route: WebSocketRoute) -> None:
    if seat.is_cut:
        route.close(code=4000)
        return
    seat.sockets.append(route)
    route.connect_to_server()
