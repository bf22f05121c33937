"""May this handshake come in at all? An address that was refused too often waits until the minute is over."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from django.core.cache import cache

from interventions.live.credentials import Refused
from pilots.caller import Caller

logger = logging.getLogger(__name__)

MAX_REFUSALS = 20
WINDOW_SECONDS = 60


class TurnedAway(Exception):
    """Refused too often; not even looked at."""


def admit(scope: Mapping[str, Any], recognise: Callable[[Mapping[str, Any]], Caller]) -> Caller:
    """The caller as `recognise` finds it; raises Refused, which is counted, or TurnedAway."""
    # Behind a socket file every client has the same address: none.
    address = (scope.get("client") or [""])[0]
    key = f"socket-refusals:{address}" if address else ""
    if key and _count(key) >= MAX_REFUSALS:
        raise TurnedAway
    try:
        return recognise(scope)
    except Refused:
        if key:
            _count(key, more=1)
        raise


def _count(key: str, more: int = 0) -> int:
    """The refusals of this minute. Without its cache the limit rests: sockets must open while Redis is away."""
    try:
        if more and not cache.add(key, more, WINDOW_SECONDS):
            cache.incr(key, more)
        return int(cache.get(key, 0))
    except Exception:
        logger.warning("refusals cannot be counted now", exc_info=True)
        return 0
