"""Two hundred at once, from several processes, with the clock held: a limit lets through exactly what it says."""

import subprocess
import sys
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import httpx
import pytest
import redis
from django.conf import settings
from django.db import connection

from conftest import Api, World
from interventions.live import admission
from interventions.live.credentials import Refused
from interventions.live.layer import Breaker
from interventions.tests.processes import Server
from pilots import rate
from pilots.models import Pilot
from pilots.sign_in import tries

pytestmark = pytest.mark.django_db(transaction=True)

AT_ONCE = 200
# 25 a second and bursts of four times as many.
RATE, BUCKET = 25, 100
PROCESSES = 4
PATIENCE = 60.0
# A process that says when it is ready, waits to be told, and counts who passes.
ASKING = """
import sys
from concurrent.futures import ThreadPoolExecutor
import django
django.setup()
import redis
from django.conf import settings
from pilots import rate
# On a busy machine it may take longer to answer than a server would wait.
patient = redis.Redis.from_url(settings.REDIS_URL)
rate._client = lambda: patient
credential, count = sys.argv[1], int(sys.argv[2])
ask = lambda _: rate.wait_by_redis(credential, 25, now=1000.0)
print("ready", flush=True)
sys.stdin.readline()
with ThreadPoolExecutor(count) as threads:
    print(sum(wait == 0 for wait in threads.map(ask, range(count))))
"""


@pytest.fixture(scope="module")
def addresses(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Two server processes with one Redis."""
    folder = tmp_path_factory.mktemp("limited")
    both = [Server("daphne", folder / name, settings.REDIS_URL) for name in ("one", "two")]
    try:
        for server in both:
            server.wait_until_ready()
        yield [f"http://127.0.0.1:{server.port}" for server in both]
    finally:
        for server in both:
            server.end()


def test_over_several_processes_exactly_the_bucket_passes() -> None:
    arguments = [sys.executable, "-c", ASKING, f"tests:{uuid.uuid4().hex}", str(AT_ONCE // PROCESSES)]
    processes = [
        subprocess.Popen(arguments, cwd=settings.BASE_DIR, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
        for _ in range(PROCESSES)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    assert sum(int(process.communicate(timeout=PATIENCE)[0]) for process in processes) == BUCKET


@pytest.mark.parametrize("shared", [True, False], ids=["by Redis", "by the process alone"])
def test_over_rest_exactly_the_bucket_passes(
    world: World, settings: Any, monkeypatch: pytest.MonkeyPatch, shared: bool
) -> None:
    settings.API_RATE_LIMIT = RATE
    monkeypatch.setattr(rate, "PREFIX", f"tests:{uuid.uuid4().hex}:")
    if shared:
        # On a busy machine it may take longer to answer than a server would wait, which then counts by itself.
        patient = redis.Redis.from_url(settings.REDIS_URL)
        monkeypatch.setattr(rate, "_client", lambda: patient)
        monkeypatch.setattr(rate, "wait_by_redis", partial(rate.wait_by_redis, now=1000.0))
    else:
        monkeypatch.setattr(rate, "wait_by_redis", lambda *_: None)
        monkeypatch.setattr(rate, "wait_here", lambda credential, rate_, _now: real(credential, rate_, 1000.0))
        rate._paid.clear()
    key = world.bearer("agent")

    def ask(_: int) -> tuple[int, bool]:
        answer = Api(key).get("/api/interventions")
        connection.close()
        return answer.status_code, "Retry-After" in answer

    with ThreadPoolExecutor(12) as threads:
        answers = Counter(threads.map(ask, range(AT_ONCE)))
    assert answers == {(200, False): BUCKET, (429, True): AT_ONCE - BUCKET}


@pytest.mark.parametrize("shared", [True, False], ids=["by Redis", "by the process alone"])
def test_of_two_hundred_refused_handshakes_at_once_as_many_are_accepted_as_allowed(
    monkeypatch: pytest.MonkeyPatch, shared: bool
) -> None:
    """The others are answered 429: to accept and close a socket costs more, and sets a client's back-off to nothing."""
    scope = {"client": [uuid.uuid4().hex, 1], "headers": []}
    if not shared:
        monkeypatch.setattr(admission, "cache", None)
        monkeypatch.setattr(admission, "_breaker", Breaker())
    barrier = threading.Barrier(AT_ONCE)

    def recognise(_: Any) -> Any:
        barrier.wait(PATIENCE)
        raise Refused(4401)

    def knock(_: int) -> str:
        try:
            admission.admit(scope, recognise)
        except (Refused, admission.TurnedAway) as refusal:
            return type(refusal).__name__
        return ""

    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = Counter(threads.map(knock, range(AT_ONCE)))
    assert answers == {"Refused": admission.MAX_REFUSALS, "TurnedAway": AT_ONCE - admission.MAX_REFUSALS}
    assert knock(0) == "TurnedAway"


real = rate.wait_here


def test_of_two_hundred_wrong_passwords_at_two_servers_ten_are_tried(addresses: list[str]) -> None:
    # Nobody has guessed at this pilot's password before.
    pilot_id = Pilot.objects.create_user(f"local:{uuid.uuid4().hex}", "right").pilot_id
    barrier = threading.Barrier(AT_ONCE)

    def guess(number: int) -> tuple[int, str]:
        body = {"pilot_id": pilot_id, "password": f"guess {number}"}
        with httpx.Client(base_url=addresses[number % 2], timeout=PATIENCE) as client:
            barrier.wait()
            answer = client.post("/api/token", json=body)
        retry = "Retry-After" if int(answer.headers.get("Retry-After", 0)) > 0 else ""
        return answer.status_code, retry

    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = Counter(threads.map(guess, range(AT_ONCE)))
    assert answers == {(401, ""): tries.LIMIT, (429, "Retry-After"): AT_ONCE - tries.LIMIT}
