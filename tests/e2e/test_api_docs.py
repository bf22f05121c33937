"""The API's description is shown in a browser, under the pages' own security policy and from our own server only."""

from collections.abc import Callable

import pytest

from tests.e2e.conftest import Console

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_description_is_readable_and_breaks_no_rule_of_the_page(console: Callable[..., Console]) -> None:
    seat = console(None)
    asked: list[str] = []
    seat.page.on("request", lambda request: asked.append(request.url))
    seat.open("/api/docs/")
    seat.page.wait_for_selector("#operations-interventions-create")
    seat.page.click("#operations-interventions-create")
    seat.page.wait_for_selector("#operations-interventions-create .responses-table")
    assert [url for url in asked if not url.startswith((seat.address, "data:"))] == []
