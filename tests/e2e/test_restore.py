"""A console that is open while everything beneath it is put back to what it was."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import call_command
from playwright.sync_api import expect

from tests.e2e.conftest import Console
from tests.e2e.test_signed_out import at_work, dialog_of, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_an_open_console_asks_who_is_there_and_shows_what_was_restored(
    console: Callable[..., Console], raise_request: Callable[..., str], password: str, tmp_path: Path
) -> None:
    file, seat = str(tmp_path / "b"), console("otto")
    raise_request(request_id="kept")
    page = at_work(seat)
    call_command("backup", file)
    raise_request(request_id="lost")
    expect(page.locator(".card[data-request-id=lost]")).to_be_visible()

    call_command("restore", file, "--force", "--yes", "--verify")
    sign_in(page, password)
    expect(dialog_of(page)).to_be_hidden()
    seat.wait_until_live()
    expect(page.locator(".card[data-request-id=lost]")).to_have_count(0)
    expect(page.locator(".card[data-request-id=kept]")).to_be_visible()
    raise_request(request_id="next")
    # Where the pilot is at work it waits, counted, until it is asked for.
    expect(page.get_by_role("heading", name="Normal 2 waiting")).to_be_visible()
