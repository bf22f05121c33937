"""A pilot sets what reaches them while they do not look, and tries it: in a browser, with a mail server beside it."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from conftest import World
from pilots.models import Pilot
from tests import mail_sink, servers
from tests.e2e import server
from tests.e2e.conftest import DESK, PHONE, Console
from tests.e2e.test_access import in_both_schemes

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PAGE = "/o/acme/settings/notifications"


@pytest.fixture(scope="module")
def sink() -> Iterator[mail_sink.Sink]:
    with mail_sink.running() as sink:
        yield sink


@pytest.fixture(scope="module")
def address(django_db_setup: None, django_db_blocker: pytest.MonkeyPatch, sink: mail_sink.Sink) -> Iterator[str]:
    """A server of its own: mail is set up there."""
    with django_db_blocker.unblock(), server.running(servers.database_url(), EMAIL_URL=sink.url) as address:  # type: ignore[attr-defined]
        yield address


@pytest.mark.parametrize(("viewport", "script"), [(DESK, True), (PHONE, False)], ids=["desk", "phone without script"])
def test_rules_are_set_and_a_test_arrives(
    console: Callable[..., Console], world: World, sink: mail_sink.Sink, viewport: dict[str, int], script: bool
) -> None:
    Pilot.objects.filter(pilot_id="local:otto").update(email="otto@acme.test")
    before = len(sink.inbox)
    seat = console("otto", viewport=viewport, java_script_enabled=script)
    page = seat.page
    seat.open(PAGE)
    page.get_by_label("Mail for high requests").select_option("At once")
    page.get_by_label("Digest").select_option("Every hour")
    page.get_by_role("button", name="Save").press("Enter")
    expect(page.locator(".notice.good")).to_have_text("Saved.")
    expect(page.get_by_label("Mail for high requests")).to_have_value("at_once")
    page.get_by_role("button", name="Test E-mail").press("Enter")
    expect(page.locator(".notice.good")).to_have_text("Sent to o***@acme.test.")
    assert len(sink.inbox) == before + 1
    if script:
        assert in_both_schemes(page) == []
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
    page.get_by_role("link", name="Open the bell").click()
    if script:
        expect(page.locator("#alerts")).to_be_visible()


def test_the_mail_itself_reads_well(
    console: Callable[..., Console], world: World, sink: mail_sink.Sink, chromium: Browser
) -> None:
    Pilot.objects.filter(pilot_id="local:otto").update(email="otto@acme.test")
    seat = console("otto")
    seat.open(PAGE)
    seat.page.get_by_role("button", name="Test E-mail").click()
    expect(seat.page.locator(".notice.good")).to_contain_text("Sent to")
    html = sink.inbox[-1].get_body(("html",)).get_content()  # type: ignore[union-attr]
    seat.page.route("**/mail", lambda route: route.fulfill(body=html, content_type="text/html"))
    seat.open("/mail")
    assert in_both_schemes(seat.page) == []
