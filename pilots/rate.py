"""How often may one credential ask? So many times a second, with bursts of four times as many; then 429."""

import logging
import math
import threading
import time
from collections import OrderedDict
from functools import cache

import redis
from django.conf import settings

from pilots.errors import TooMany
from pilots.sign_in import tries

logger = logging.getLogger(__name__)

BURST = 4
PREFIX = "chameleon:rate:"
# Credentials a process remembers by itself; whoever was quiet longest is forgotten first, and is then as good as new.
_REMEMBERED = 10_000
# After a failure Redis is left alone this long: an outage must not cost each request a timeout.
BREAK_SECONDS = 1.0

# One number per credential says it all: the moment by which what it has asked so far is paid for (GCRA). By the clock
# of Redis, for those of several server processes may differ.
_SCRIPT = """
local now = tonumber(ARGV[3])
if not now then
  local parts = redis.call('TIME')
  now = parts[1] + parts[2] / 1000000
end
local paid = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now) + 1 / ARGV[1]
local wait = paid - now - ARGV[2]
if wait > 0.000001 then return tostring(wait) end
redis.call('SET', KEYS[1], string.format('%.6f', paid), 'PX', math.ceil((paid - now) * 1000) + 1000)
return '0'
"""

_paid: OrderedDict[str, float] = OrderedDict()
_lock = threading.Lock()
_outage = {"until": 0.0}


def count(credential: str) -> None:
    """Counts one request; raises TooMany, and does not count it, where it is one too many."""
    rate = settings.API_RATE_LIMIT
    if rate <= 0:
        return
    wait = wait_by_redis(credential, rate) if settings.REDIS_URL else None
    if wait is None:
        wait = wait_here(credential, rate, time.monotonic())
    if wait > 0:
        raise TooMany(f"More than {rate} requests a second; slow down.", retry_after=math.ceil(wait))


def is_one_too_many(name: str, limit: int, seconds: int) -> bool:
    """Counts what is dear, as mail: more than `limit` within so many seconds, by all processes together."""
    return tries.add(f"rare:{name}", 1, seconds) > limit


def wait_here(credential: str, rate: float, now: float) -> float:
    """Seconds until this process lets the credential ask again; 0: it may now, and has."""
    with _lock:
        paid = max(_paid.pop(credential, 0.0), now) + 1 / rate
        wait = paid - now - BURST
        allowed = wait <= 1e-6
        _paid[credential] = paid if allowed else paid - 1 / rate
        if len(_paid) > _REMEMBERED:
            _paid.popitem(last=False)
    return 0.0 if allowed else wait


def wait_by_redis(credential: str, rate: float, now: float | None = None) -> float | None:
    """As `wait_here`, for all processes together; None where Redis cannot be asked. Redis's own clock cannot be held:
    only who tests gives `now`."""
    if time.monotonic() < _outage["until"]:
        return None
    try:
        answer = _client().eval(_SCRIPT, 1, PREFIX + credential, rate, BURST, "" if now is None else now)
    except redis.RedisError as error:
        logger.warning("rates are counted by this process alone: %s", error)
        _outage["until"] = time.monotonic() + BREAK_SECONDS
        return None
    return float(answer)


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=0.5, socket_timeout=0.5)
