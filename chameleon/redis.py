"""How do the processes of an installation share news and counts? By Redis; without one there is one process."""

from functools import cache
from typing import Any

from django.core.cache.backends.redis import RedisCache, RedisCacheClient

_PATIENCE_SECONDS = 0.5


def layers(url: str) -> dict[str, dict[str, Any]]:
    """CHANNEL_LAYERS."""
    if not url:
        return {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    host = {"address": url, "socket_connect_timeout": _PATIENCE_SECONDS}
    return {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [host], "prefix": "chameleon"},
        }
    }


def caches(url: str) -> dict[str, dict[str, Any]]:
    """CACHES."""
    if not url:
        return {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    # As many connections as there are threads: who found none would count failed sign-ins by itself.
    options = {
        "socket_connect_timeout": _PATIENCE_SECONDS,
        "socket_timeout": _PATIENCE_SECONDS,
        "max_connections": 1000,
    }
    return {
        "default": {
            "BACKEND": "chameleon.redis.SharedCache",
            "LOCATION": url,
            "OPTIONS": options,
        }
    }


class SharedCache(RedisCache):
    """Django's, with the connections of the whole process.

    Django makes a cache for each context it is asked in: each open socket would hold a connection of its own.
    """

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._cache = _client(server, tuple(params.get("OPTIONS", {}).items()))


@cache
def _client(server: str, options: tuple[tuple[str, Any], ...]) -> RedisCacheClient:
    return RedisCacheClient([server], **dict(options))
