"""What a visit costs the network: the bytes that Chromium really loads for a queue of 200 open requests."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from conftest import World
from interventions.lanes import LANE_PAGE
from tests.crowd import crowd
from tests.e2e.conftest import CONTROLLED, Console

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

type Seat = Callable[..., Console]

KIB = 1024
# The promise (CONTRIBUTING.md, `make audit`).
FIRST_VISIT, NEXT_VISIT = 120 * KIB, 20 * KIB

KEPT_BYTES = """async () => {
  let sum = 0;
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const each of await cache.matchAll()) sum += (await each.blob()).size;
  }
  return sum;
}"""


class Scales:
    """What a page loads, by address; headers count, and what came from the cache weighs nothing."""

    def __init__(self, page: Page) -> None:
        self.loaded: dict[str, int] = {}
        self.addresses: dict[str, str] = {}
        wire = page.context.new_cdp_session(page)
        wire.send("Network.enable")
        wire.on("Network.requestWillBeSent", lambda event: self._ask(event["requestId"], event["request"]["url"]))
        wire.on("Network.loadingFinished", lambda event: self._load(event["requestId"], event["encodedDataLength"]))

    def _ask(self, number: str, address: str) -> None:
        self.addresses[number] = address

    def _load(self, number: str, size: float) -> None:
        address = self.addresses.get(number, number)
        self.loaded[address] = self.loaded.get(address, 0) + int(size)

    def reading(self) -> str:
        heaviest = sorted(self.loaded.items(), key=lambda item: -item[1])[:12]
        return "\n".join([f"{sum(self.loaded.values()):,} bytes", *(f"{size:8,} {name}" for name, size in heaviest)])


def test_a_full_queue_is_light_at_first_and_lighter_afterwards(console: Seat, world: World) -> None:
    crowd(world.key(), 200)
    seat = console("ada", new=True)
    scales = Scales(seat.page)
    visit(seat)
    assert seat.page.locator(".card").count() == 4 * LANE_PAGE
    assert sum(scales.loaded.values()) < FIRST_VISIT, scales.reading()
    first = dict(scales.loaded)

    scales.loaded.clear()
    visit(seat)
    assert sum(scales.loaded.values()) < NEXT_VISIT, scales.reading()
    # The scales do weigh: a page is never kept, and what it needs was loaded before.
    assert any("htmx" in address and size for address, size in first.items())
    assert scales.loaded[f"{seat.address}/o/acme/"] > 0


def test_one_request_is_light(console: Seat, world: World, raise_request: Callable[..., str]) -> None:
    context: dict[str, Any] = {f"key {number}": {"text": "word " * 20, "number": number} for number in range(100)}
    request_id = raise_request(context=context, description="Line after line.\n" * 100)
    seat = console("ada", new=True)
    scales = Scales(seat.page)
    visit(seat, f"/o/acme/interventions/{request_id}")
    assert sum(scales.loaded.values()) < FIRST_VISIT, scales.reading()


def test_what_is_kept_for_the_time_without_a_network_comes_late_and_is_little(console: Seat) -> None:
    seat = console("ada", service_workers="allow")
    scales = Scales(seat.page)
    visit(seat)
    assert seat.page.evaluate(KEPT_BYTES) == 0
    assert sum(scales.loaded.values()) < FIRST_VISIT, scales.reading()
    assert not any("/sw.js" in address for address in scales.loaded)
    seat.page.evaluate(CONTROLLED)
    # As files, before they are compressed.
    assert 10 * KIB < seat.page.evaluate(KEPT_BYTES) < 48 * KIB


def visit(seat: Console, path: str = "/o/acme/") -> None:
    seat.open(path)
    seat.wait_until_live()
    # With it the page has its token, the last thing that it loads by itself.
    seat.page.wait_for_load_state("networkidle")
