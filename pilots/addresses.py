"""Which address does a request come from? That is what limits of failed sign-ins and the access log go by."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The address of the client, as far as it can be known; '' behind a socket file."""
    return address_of(request.META.get("REMOTE_ADDR") or "", request.headers.get("X-Forwarded-For", ""))


def address_of(peer: str, forwarded_for: str) -> str:
    """The address that the outermost trusted proxy saw.

    Each proxy appends the address it was reached from to `X-Forwarded-For`; what stands further left was written by
    the client and is worth nothing. With TRUSTED_PROXY_COUNT 0 the header is not looked at.
    """
    count = settings.TRUSTED_PROXY_COUNT
    seen = [part.strip() for part in forwarded_for.split(",")] if forwarded_for else []
    if count == 0 or len(seen) < count:
        return peer
    try:
        return str(ipaddress.ip_address(seen[-count].strip("[]")))
    except ValueError:
        return peer
