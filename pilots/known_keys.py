"""Which API keys has this process just looked up? A busy agent's key is read once a second, not with each request.

So a key that another process revokes opens here for a second more: less than the five that are promised, and than
open sockets take. What this process changes holds at once.
"""

import threading
from collections import OrderedDict
from time import monotonic

from pilots.models import ApiKey

KNOWN_SECONDS = 1.0
# Of more keys than this the longest known are forgotten; they are only read again.
MOST = 1000

_known: OrderedDict[str, tuple[float, ApiKey]] = OrderedDict()
_lock = threading.Lock()


def find(digest: str) -> ApiKey | None:
    """The key with this digest as it was at most KNOWN_SECONDS ago; whether it still stands is the caller's to see."""
    until, key = _known.get(digest, (0.0, None))
    return key if until > monotonic() else None


def keep(key: ApiKey) -> None:
    """Remembers a key that was just read; one that is known already is not known for longer."""
    with _lock:
        if find(key.digest) is not None:
            return
        _known.pop(key.digest, None)
        _known[key.digest] = (monotonic() + KNOWN_SECONDS, key)
        if len(_known) > MOST:
            _known.popitem(last=False)


def forget_all() -> None:
    """When a key changes, and when that is committed."""
    with _lock:
        _known.clear()
