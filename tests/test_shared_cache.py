"""Django asks for its cache anew in every context; the connections to Redis are the process's."""

from contextvars import Context
from threading import Thread

import pytest
from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache


@pytest.mark.skipif(not isinstance(caches["default"], RedisCache), reason="there is one process, and no Redis")
def test_every_context_and_thread_shares_the_connections_to_redis() -> None:
    seen: list[RedisCache] = []

    def ask() -> None:
        cache = caches["default"]
        cache.get("anything")
        seen.append(cache)

    Context().run(ask)
    Context().run(ask)
    thread = Thread(target=ask)
    thread.start()
    thread.join()
    assert len({id(cache) for cache in seen}) == 3
    assert len({id(pool) for cache in seen for pool in cache._cache._pools.values()}) == 1
