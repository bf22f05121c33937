"""The pages for what went wrong, as people meet them: axe, small screens, and a server whose database is gone."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e import server
from tests.e2e.conftest import DESK, Console
from tests.e2e.test_access import TINY, in_both_schemes, unmarked

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

type Seat = Callable[..., Console]


NOWHERE = "sqlite:////nowhere/x.sqlite3"


@pytest.fixture(scope="module")
def away() -> Iterator[str]:
    """A server that finds no database."""
    with server.running(NOWHERE) as address:
        yield address


@pytest.fixture(scope="module")
def broken() -> Iterator[str]:
    """A server with a defect."""
    application = "tests.e2e.defective_asgi:application"
    with server.running(NOWHERE, application=application, FEEDBACK_URL="mailto:desk@example.com") as address:
        yield address


def forge(page: Page, address: str) -> None:
    page.goto(f"{address}/accounts/logout/")
    page.context.clear_cookies()
    page.get_by_role("button", name="Sign out").click()


@pytest.mark.parametrize("viewport", [DESK, TINY], ids=["desk", "tiny"])
def test_everybody_can_use_them(console: Seat, away: str, broken: str, viewport: dict[str, int]) -> None:
    seat = console("vera", viewport=viewport)
    page, address = seat.page, seat.address
    ways: dict[str, Callable[[], object]] = {
        "Nothing to be seen here": lambda: page.goto(f"{address}/o/nowhere/"),
        "You may not do this": lambda: page.goto(f"{address}/o/acme/team"),
        "That cannot be read": lambda: page.goto(f"{address}/o/acme/?q=%00"),
        "Try again in a moment": lambda: page.goto(f"{away}/accounts/login/"),
        "Something broke on our side": lambda: page.goto(f"{broken}/accounts/login/"),
        "Please send that once more": lambda: forge(page, address),
    }
    for heading, go in ways.items():
        go()
        expect(page.get_by_role("heading", level=1)).to_contain_text(heading)
        assert in_both_schemes(page) == [], heading
        assert unmarked(page, steps=5) == [], heading
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], heading
        expect(page.get_by_role("link", name="Back to the queue")).to_be_visible()
        expect(page.get_by_role("link", name="Send feedback")).to_have_count(int(page.url.startswith(broken)))
