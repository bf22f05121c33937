"""How often may somebody fail to sign in? Ten times per account and address in five minutes; successes are free."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.cache import cache
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache

from pilots.errors import NotAuthenticated, TooMany

LIMIT = 10
# Looks at sign-in links and invitations that lead nowhere, per address: nobody guesses one, but each asks the database.
LOOKS = 60
WINDOW_SECONDS = 300
# Tries that are under way count too, or a burst of guesses would pass as one. A burst of right ones only waits.
PATIENCE_SECONDS = 5.0
_STEP_SECONDS = 0.05

# Where the shared cache cannot be reached, each process still counts for itself.
_own = LocMemCache("tries", {})


@contextmanager
def counted(
    account: str, address: str, failure: type[Exception] = NotAuthenticated, limit: int = LIMIT
) -> Iterator[None]:
    """Around one try, which fails by raising `failure`. Raises TooMany where there were too many before."""
    key = hashlib.sha256(f"{account}\n{address}".encode()).hexdigest()
    _take_slot(key, limit)
    try:
        yield
    except failure:
        # A failure keeps its slot until the window ends.
        add(f"failed:{key}", 1)
        raise
    except BaseException:
        add(f"taken:{key}", -1)
        raise
    add(f"taken:{key}", -1)


def _take_slot(key: str, limit: int) -> None:
    patience = time.monotonic() + PATIENCE_SECONDS
    while add(f"taken:{key}", 1) > limit:
        add(f"taken:{key}", -1)
        if add(f"failed:{key}", 0) >= limit or time.monotonic() > patience:
            raise TooMany("Too many failed tries; wait five minutes.", retry_after=WINDOW_SECONDS)
        time.sleep(_STEP_SECONDS)


def add(key: str, number: int, seconds: int = WINDOW_SECONDS) -> int:
    """Adds atomically, in all processes at once, and returns the sum; it is forgotten so long after the first."""
    try:
        return _add_in(cache, key, number, seconds)
    except Exception:
        # Each cache backend has errors of its own, and none may open the door: the process counts for itself.
        return _add_in(_own, key, number, seconds)


def _add_in(store: BaseCache, key: str, number: int, seconds: int) -> int:
    while True:
        store.add(f"tries:{key}", 0, seconds)
        try:
            total = store.incr(f"tries:{key}", number)
        except ValueError:
            continue  # it ran out between the two lines
        if total == number:
            # The first of its window, or it ran out inside `incr`, which on Redis looks and then adds: without an end
            # it would count for ever.
            store.touch(f"tries:{key}", seconds)
        return total
