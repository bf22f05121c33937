"""An admin adds a channel of the chat, tries it and takes it away; on a desk, on a phone, and by a form gone wrong."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from conftest import World
from interventions.delivery import hooks
from tests import chat_receiver
from tests.chat_receiver import Receiver
from tests.e2e.conftest import Console
from tests.e2e.test_access import in_both_schemes

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CHAT = "/o/acme/team/chat"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with chat_receiver.running() as receiver:
        yield receiver


@pytest.mark.parametrize("width", [1440, 320])
def test_a_channel_from_first_to_last(
    console: Callable[..., Console], receiver: Receiver, world: World, width: int
) -> None:
    seat = console("ada", viewport={"width": width, "height": 800})
    page = seat.page
    seat.open(CHAT)
    assert in_both_schemes(page) == []
    page.get_by_label("Microsoft Teams").check()
    page.get_by_label("Channel").fill("W" * 100)
    page.get_by_label("Address").fill("https://10.0.0.1/workflows")
    page.get_by_role("button", name="Add the channel").click()
    expect(page.get_by_label("Address")).to_be_focused()
    expect(page.locator("#chat-url-error")).to_contain_text("not on the public Internet")
    assert in_both_schemes(page) == []
    page.get_by_label("Address").fill(f"{receiver.address}/workflows")
    page.get_by_role("button", name="Add the channel").click()
    said = page.locator(".team > .notice")
    expect(said).to_contain_text("is told from now on")
    receiver.status, receiver.body = 404, "<b>no such workflow</b>"
    page.get_by_role("button", name="Test").click()
    expect(said).to_contain_text("answered 404: <b>no such workflow</b>")
    page.locator("summary", has_text="Change").click()
    page.get_by_label("Told of").and_(page.locator(":visible")).select_option("all requests")
    assert in_both_schemes(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("button", name="Save").and_(page.locator(":visible")).click()
    expect(said).to_contain_text("is told of all requests")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".badge")).to_have_text("paused")
    page.locator("summary", has_text="Remove").click()
    page.get_by_role("button", name="Remove it now").click()
    expect(page.get_by_text("No channel is told of anything yet.")).to_be_visible()
    assert hooks.all_of(world.acme) == []
    assert len(receiver.got) == 1
