"""May this handshake come in at all? An address that was refused too often waits until the minute is over."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from django.core.cache import cache
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache

from interventions.live.credentials import Refused, header
from interventions.live.layer import Breaker
from pilots.addresses import address_of
from pilots.caller import Caller

MAX_REFUSALS = 20
WINDOW_SECONDS = 60

# Where the shared cache cannot be reached, each process still counts for itself.
_own = LocMemCache("socket-refusals", {})
_breaker = Breaker()


class TurnedAway(Exception):
    """Refused too often; not even looked at."""


def admit(scope: Mapping[str, Any], recognise: Callable[[Mapping[str, Any]], Caller]) -> Caller:
    """The caller as `recognise` finds it; raises Refused, which is counted, or TurnedAway."""
    # Behind a socket file every client has the same address: none.
    address = address_of((scope.get("client") or [""])[0], header(scope, b"x-forwarded-for"))
    key = f"socket-refusals:{address}" if address else ""
    if key and _refusals(key) >= MAX_REFUSALS:
        raise TurnedAway
    try:
        return recognise(scope)
    except Refused as refusal:
        # Of many at once all were let past the question above: here each has a number of its own.
        if key and _refusals(key, more=1) > MAX_REFUSALS:
            raise TurnedAway from refusal
        raise


def _refusals(key: str, more: int = 0) -> int:
    """How many there were within this minute, with `more` now."""
    if not _breaker.is_open:
        try:
            return _refusals_in(cache, key, more)
        except Exception as error:
            # Each cache backend has errors of its own, and sockets must open while Redis is away.
            _breaker.trip("counting refusals", error)
    return _refusals_in(_own, key, more)


def _refusals_in(store: BaseCache, key: str, more: int) -> int:
    if not more:
        return int(store.get(key, 0))
    if not store.add(key, more, WINDOW_SECONDS):
        with suppress(ValueError):  # the minute has just ended
            return int(store.incr(key, more))
    return more
