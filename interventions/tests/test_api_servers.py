"""REST through real servers: what comes over the wire in odd ways, and a decision that crosses between two of them."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from django.conf import settings

from conftest import World
from interventions.models import Intervention
from interventions.tests.processes import Server

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def both(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Server]]:
    folder = tmp_path_factory.mktemp("servers")
    both = {kind: Server(kind, folder / kind, settings.REDIS_URL) for kind in ("daphne", "uvicorn")}
    try:
        for server in both.values():
            server.wait_until_ready()
        yield both
    finally:
        for server in both.values():
            server.end()


def client(server: Server, world: World, name: str) -> httpx.Client:
    return httpx.Client(base_url=f"http://127.0.0.1:{server.port}", headers=world.bearer(name), timeout=70)


def wait_until_delivered(world: World) -> None:
    deadline = time.monotonic() + 10
    rows = Intervention.objects.for_organization(world.acme.pk)
    while not rows.filter(delivered_at__isnull=False).exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("kind", ["daphne", "uvicorn"])
def test_a_body_in_pieces_is_read_whole(both: dict[str, Server], world: World, kind: str) -> None:
    pieces = [b'{"uow_id": "u", "intervention_type": ', b'"clarification", "title": "In pieces"}']
    with client(both[kind], world, "agent") as agent:
        answer = agent.post("/api/interventions", content=iter(pieces), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["title"]) == (201, "In pieces")


@pytest.mark.parametrize("kind", ["daphne", "uvicorn"])
def test_a_large_body_of_unsaid_length_is_413(both: dict[str, Server], world: World, kind: str) -> None:
    pieces = (b'"' if piece == 0 else b"x" * 1024 for piece in range(300))
    with client(both[kind], world, "agent") as agent:
        answer = agent.post("/api/interventions", content=pieces, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("kind", ["daphne", "uvicorn"])
def test_the_longest_reason_fits_into_an_address(both: dict[str, Server], world: World, ask, kind: str) -> None:
    ask(request_id="r-1")
    reason = "🦎" * 2000
    with client(both[kind], world, "otto") as otto:
        answer = otto.post("/api/interventions/r-1/approve", params={"action_reason": reason})
    assert (answer.status_code, answer.json()["action_reason"]) == (200, reason)


@pytest.mark.parametrize(("waits_at", "decides_at"), [("daphne", "uvicorn"), ("uvicorn", "daphne")])
def test_a_decision_at_one_server_ends_the_wait_at_the_other(
    both: dict[str, Server], world: World, ask, waits_at: str, decides_at: str
) -> None:
    ask(request_id="r-1")
    with (
        client(both[waits_at], world, "agent") as agent,
        client(both[decides_at], world, "otto") as otto,
        ThreadPoolExecutor() as threads,
    ):
        with pytest.raises(httpx.ReadTimeout):
            # One who gives up waiting disturbs nobody.
            agent.get("/api/interventions/r-1/decision", timeout=1)
        waiting = threads.submit(agent.get, "/api/interventions/r-1/decision", params={"wait": 60})
        assert otto.post("/api/interventions/r-1/claim").json()["status"] == "IN_PROGRESS"
        assert not waiting.done()
        assert otto.post("/api/interventions/r-1/approve").json()["status"] == "APPROVED"
        assert waiting.result().json()["status"] == "APPROVED"
    wait_until_delivered(world)


@pytest.mark.parametrize("kind", ["daphne", "uvicorn"])
def test_a_delivery_is_on_record_within_a_second(both: dict[str, Server], world: World, ask, kind: str) -> None:
    ask(request_id="r-1")
    with client(both[kind], world, "agent") as agent, client(both[kind], world, "otto") as otto:
        otto.post("/api/interventions/r-1/approve")
        assert agent.get("/api/interventions/r-1").json()["delivered_at"] is None
    wait_until_delivered(world)
