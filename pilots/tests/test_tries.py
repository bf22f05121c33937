"""Of many guesses at once so many are tried as the limit says, whoever counts; and a count ends with its window."""

import threading
import uuid

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.cache.backends.redis import RedisCache

from pilots.errors import NotAuthenticated, TooMany
from pilots.sign_in import tries


@pytest.mark.embedded
def test_of_two_hundred_wrong_guesses_at_once_exactly_ten_are_tried() -> None:
    account, outcomes, tried = f"local:{uuid.uuid4().hex}", [], []
    begin = threading.Barrier(200)

    def guess() -> None:
        begin.wait()
        try:
            with tries.counted(account, "192.0.2.1"):
                tried.append(1)
                raise NotAuthenticated("wrong")
        except (NotAuthenticated, TooMany) as error:
            outcomes.append(type(error))

    threads = [threading.Thread(target=guess) for _ in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tried) == tries.LIMIT
    assert (outcomes.count(NotAuthenticated), outcomes.count(TooMany)) == (10, 190)


@pytest.mark.skipif(not settings.REDIS_URL, reason="the question is about Redis")
def test_a_count_that_begins_anew_inside_the_addition_still_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Django's `incr` looks whether the number is there, and then adds: in between it may have run out."""
    key = uuid.uuid4().hex
    real = RedisCache.incr

    def incr(self: RedisCache, name: str, delta: int = 1) -> int:
        cache.delete(name)
        # What INCRBY does with a number that is not there.
        cache.set(name, 0, None)
        return int(real(self, name, delta))

    monkeypatch.setattr(RedisCache, "incr", incr)
    assert tries.add(key, 1) == 1
    client = cache._cache.get_client(None)  # type: ignore[attr-defined]
    assert 0 < client.ttl(cache.make_key(f"tries:{key}")) <= tries.WINDOW_SECONDS
