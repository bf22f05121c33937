"""A credential may ask so often a second, and four times that in a burst; others are not held up."""

import threading
import uuid

import pytest
import redis
from django.test import Client

from conftest import World
from pilots import rate

pytestmark = pytest.mark.embedded


@pytest.fixture(autouse=True)
def _slow(settings, monkeypatch: pytest.MonkeyPatch) -> None:
    # Eight at once, and the next only after 100 s: on a slow machine the test itself takes its time.
    settings.API_RATE_LIMIT = 0.01
    monkeypatch.setattr(rate, "BURST", 800)
    # Several runs may share one Redis, and number their keys alike.
    monkeypatch.setattr(rate, "PREFIX", f"tests:{uuid.uuid4().hex}:")
    rate._paid.clear()


def test_a_burst_passes_and_what_is_over_is_told_when_to_come_again(api) -> None:
    answers = [api("agent").get("/api/interventions") for _ in range(9)]
    assert [answer.status_code for answer in answers] == [200] * 8 + [429]
    refused = answers[-1]
    assert (refused.json()["code"], refused["Content-Type"]) == ("rate_limited", "application/problem+json")
    assert int(refused["Retry-After"]) >= 1


def test_a_long_poll_counts_once(api) -> None:
    statuses = [api("agent").get("/api/events?wait=0").status_code for _ in range(9)]
    assert statuses == [200] * 8 + [429]


def test_one_credential_does_not_use_up_anothers(api) -> None:
    for _ in range(9):
        api("agent").get("/api/interventions")
    assert api("reader").get("/api/interventions").status_code == 200
    assert api("otto").get("/api/interventions").status_code == 200


def test_zero_switches_it_off(api, settings) -> None:
    settings.API_RATE_LIMIT = 0
    assert {api("agent").get("/api/interventions").status_code for _ in range(20)} == {200}


def test_signing_in_is_not_counted_here(world: World) -> None:
    statuses = {Client().post("/api/token/revoke", content_type="application/json").status_code for _ in range(12)}
    assert statuses == {200}


def test_it_is_let_in_again_at_its_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate, "BURST", 4)
    waits = [rate.wait_here("key:1", 10, now=100.0) for _ in range(41)]
    assert waits[:40] == [0.0] * 40
    assert waits[40] == pytest.approx(0.1)
    assert rate.wait_here("key:1", 10, now=100.1) == 0
    assert rate.wait_here("key:1", 10, now=100.1) > 0
    assert [rate.wait_here("key:1", 10, now=104.2) > 0 for _ in range(41)] == [False] * 40 + [True]


def test_of_two_hundred_at_once_exactly_the_bucket_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate, "BURST", 4)
    waits: list[float] = []
    threads = [threading.Thread(target=lambda: waits.append(rate.wait_here("key:1", 25, 100.0))) for _ in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(wait == 0 for wait in waits) == 100


def test_without_redis_each_process_counts_for_itself(api, settings, monkeypatch: pytest.MonkeyPatch) -> None:
    class Away:
        def eval(self, *_: object) -> None:
            raise redis.ConnectionError

    monkeypatch.setattr(rate, "_client", Away)
    monkeypatch.setattr(rate, "_outage", {"until": 0.0})
    settings.REDIS_URL = "redis://127.0.0.1:1"
    statuses = [api("agent").get("/api/interventions").status_code for _ in range(9)]
    assert statuses == [200] * 8 + [429]
