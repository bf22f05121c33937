"""Whose address counts, with and without proxies of ours in front."""

from typing import Any

import pytest
from django.test import RequestFactory

from pilots.addresses import client_address


@pytest.mark.parametrize(
    ("count", "forwarded_for", "address"),
    [
        # Without a proxy the header is the client's own invention.
        (0, "203.0.113.7", "10.0.0.1"),
        (1, None, "10.0.0.1"),
        (1, "203.0.113.7", "203.0.113.7"),
        # What the client wrote stands left of what the proxy appended.
        (1, "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        (2, "198.51.100.1, 203.0.113.7, 10.0.0.9", "203.0.113.7"),
        (2, "203.0.113.7", "10.0.0.1"),
        (1, "2001:db8::1", "2001:db8::1"),
        (1, "[2001:DB8::1]", "2001:db8::1"),
        (1, "nonsense", "10.0.0.1"),
        (1, "", "10.0.0.1"),
    ],
)
def test_the_address_is_what_the_outermost_proxy_of_ours_saw(
    settings: Any, count: int, forwarded_for: str | None, address: str
) -> None:
    settings.TRUSTED_PROXY_COUNT = count
    headers = {} if forwarded_for is None else {"X-Forwarded-For": forwarded_for}
    assert client_address(RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", headers=headers)) == address
