"""A first admin, from the printed link to the back office: the strict policy on content blocks nothing there."""

import io
import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from playwright.sync_api import expect

from conftest import World
from tests.e2e.conftest import Console
from tests.e2e.test_access import findings

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

type Seat = Callable[..., Console]


def printed_link(*options: str) -> str:
    out = io.StringIO()
    call_command("create_admin", "--link", *options, stdout=out, stderr=io.StringIO())
    return urlsplit(out.getvalue().strip()).path


def test_the_link_signs_in_by_its_button_and_once(world: World, console: Seat) -> None:
    path = printed_link("--org", "acme")
    seat = console(None)
    seat.open(path)
    assert findings(seat.page) == []
    seat.page.get_by_role("button", name="Sign in").click()
    expect(seat.page).to_have_url(f"{seat.address}/o/acme/")
    late = console(None)
    late.open(path)
    expect(late.page.get_by_role("heading")).to_have_text("This link has ended")
    assert findings(late.page) == []


def test_the_back_office_works_under_the_strict_policy(world: World, console: Seat) -> None:
    seat = console(None)
    seat.open(printed_link())
    seat.page.get_by_role("button", name="Sign in").click()
    expect(seat.page).to_have_url(f"{seat.address}/admin/")
    seat.page.goto(f"{seat.address}/admin/pilots/apikey/add/")
    # The chooser of organizations is script and style of Django's own.
    seat.page.locator(".select2-selection").click()
    seat.page.get_by_role("option", name="Acme").click()
    seat.page.get_by_label("Name").fill("crawler")
    seat.page.get_by_label("interventions:read").check()
    seat.page.get_by_role("button", name="Save", exact=True).click()
    expect(seat.page.get_by_role("main").get_by_role("code")).to_contain_text(re.compile(r"chm_\w+"))
