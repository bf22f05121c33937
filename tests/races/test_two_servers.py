"""Two real server processes on one PostgreSQL and one Redis: of many who act at once, each is told the truth."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import orjson
import pytest
from django.conf import settings
from websockets.sync.client import connect

from conftest import DRAFT, World, told
from interventions import actions, events, invariants
from interventions.content import draft_of
from interventions.models import Event, Intervention
from interventions.tests.processes import Server
from pilots import database

pytestmark = pytest.mark.django_db(transaction=True)

PAIRS = 200
# Longer than anything here takes on a busy machine; nothing waits it out.
PATIENCE = 30.0


@pytest.fixture(scope="module")
def servers(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The addresses of two daphne processes."""
    folder = tmp_path_factory.mktemp("servers")
    both = [Server("daphne", folder / name, settings.REDIS_URL) for name in ("one", "two")]
    try:
        for server in both:
            server.wait_until_ready()
        yield (f"http://127.0.0.1:{both[0].port}", f"http://127.0.0.1:{both[1].port}")
    finally:
        for server in both:
            server.end()


@pytest.fixture(autouse=True)
def _the_tables_agree_afterwards(world: World) -> Iterator[None]:
    yield
    # The servers may still be recording deliveries.
    with database.snapshot():
        for organization in (world.acme, world.globex):
            assert list(events.verify(organization.pk)) == []
            assert invariants.check(organization.pk) == []


def client(world: World, server: str, who: str) -> httpx.Client:
    return httpx.Client(base_url=server, headers=world.bearer(who), timeout=PATIENCE)


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Their results; they all start when the last of them is ready."""
    barrier = threading.Barrier(len(calls))

    def start(call: Callable[[], Any]) -> Any:
        barrier.wait(PATIENCE)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(start, calls))


def test_of_two_pilots_at_once_one_decides_and_the_other_learns_who(world: World, servers: tuple[str, str]) -> None:
    drafts = [draft_of(DRAFT | {"request_id": f"r{number}"}) for number in range(PAIRS)]
    actions.create_many(world.key(), drafts)
    winners = []
    with client(world, servers[0], "otto") as otto, client(world, servers[1], "olga") as olga:
        for number in range(PAIRS):
            path = f"/api/interventions/r{number}"
            answers = at_once(
                lambda path=path: otto.post(f"{path}/approve", json={"action_reason": "yes"}),
                lambda path=path: olga.post(f"{path}/reject", json={"action_reason": "no"}),
            )
            assert sorted(answer.status_code for answer in answers) == [200, 409]
            won, lost = sorted(answers, key=lambda answer: answer.status_code)
            assert lost.json()["code"] == "already_decided"
            assert lost.json()["intervention"]["decided_by"] == won.json()["decided_by"]
            assert lost.json()["intervention"]["status"] == won.json()["status"]
            winners.append(won.json()["decided_by"])
    assert set(winners) == {"local:otto", "local:olga"}
    decided = Event.objects.for_organization(world.acme.pk).filter(decides__isnull=False)
    assert decided.count() == PAIRS


def test_the_same_create_fifty_times_at_once_is_one_request(world: World, servers: tuple[str, str]) -> None:
    draft = DRAFT | {"request_id": "once", "context": {"a": 1}}
    with client(world, servers[0], "agent") as one, client(world, servers[1], "agent") as two:
        calls = [lambda each=each: each.post("/api/interventions", json=draft) for each in (one, two) * 25]
        answers = at_once(*calls)
    assert sorted(answer.status_code for answer in answers) == [200] * 49 + [201]
    assert len({answer.content for answer in answers}) == 1
    assert told("once") == ["created"]


def test_batches_that_name_the_same_ids_in_another_order_do_not_block_each_other(
    world: World, servers: tuple[str, str]
) -> None:
    drafts = [DRAFT | {"request_id": f"r{number}"} for number in range(60)]
    with client(world, servers[0], "agent") as one, client(world, servers[1], "agent") as two:
        path = "/api/interventions/batch"
        answers = at_once(
            *(lambda: one.post(path, json={"interventions": drafts}) for _ in range(4)),
            *(lambda: two.post(path, json={"interventions": drafts[::-1]}) for _ in range(4)),
        )
    assert {answer.status_code for answer in answers} <= {200, 201}, [answer.text[:300] for answer in answers]
    assert Intervention.across_organizations.count() == 60


def test_one_idempotency_key_used_at_once_makes_one_request(world: World, servers: tuple[str, str]) -> None:
    with client(world, servers[0], "agent") as one, client(world, servers[1], "agent") as two:
        headers = {"Idempotency-Key": "k"}
        calls = [
            lambda each=each: each.post("/api/interventions", json=DRAFT, headers=headers) for each in (one, two) * 8
        ]
        answers = at_once(*calls)
        again = one.post("/api/interventions", json=DRAFT, headers=headers)
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"idempotency_key_reused"}
    assert again.status_code == 201
    assert [row.request_id for row in Intervention.across_organizations.all()] == [again.json()["request_id"]]


def test_of_many_who_claim_at_once_one_has_it(world: World, servers: tuple[str, str]) -> None:
    drafts = [draft_of(DRAFT | {"request_id": f"r{number}"}) for number in range(20)]
    actions.create_many(world.key(), drafts)
    with client(world, servers[0], "otto") as otto, client(world, servers[1], "olga") as olga:
        for number in range(20):
            path = f"/api/interventions/r{number}/claim"
            answers = at_once(lambda path=path: otto.post(path), lambda path=path: olga.post(path))
            assert sorted(answer.status_code for answer in answers) == [200, 409]
            won, lost = sorted(answers, key=lambda answer: answer.status_code)
            assert lost.json()["code"] == "claimed"
            assert lost.json()["intervention"]["assigned_to"] == won.json()["assigned_to"]


def test_a_long_poll_on_one_server_returns_when_the_other_decides(world: World, servers: tuple[str, str]) -> None:
    actions.create(world.key(), draft_of(DRAFT | {"request_id": "r"}))
    # The server would hold it for a minute: longer than this client's patience.
    with client(world, servers[0], "agent") as agent, client(world, servers[1], "otto") as otto:
        waiting, decided = at_once(
            lambda: agent.get("/api/interventions/r/decision", params={"wait": 60}),
            lambda: otto.post("/api/interventions/r/approve", json={"action_reason": "go"}),
        )
    assert decided.status_code == 200
    assert (waiting.status_code, waiting.json()["status"]) == (200, "APPROVED")
    assert waiting.json()["action_reason"] == "go"


def test_a_socket_on_one_server_sees_the_events_of_both_in_order(world: World, servers: tuple[str, str]) -> None:
    address = servers[0].replace("http", "ws")
    with connect(f"{address}/ws/interventions?token={world.keys['agent'][1]}") as socket:
        socket.send('{"type": "subscribe"}')
        with client(world, servers[0], "agent") as one, client(world, servers[1], "agent") as two:
            calls = [lambda each=each: each.post("/api/interventions", json=DRAFT) for each in (one, two) * 10]
            at_once(*calls)
        seqs: list[int] = []
        while len(seqs) < 20:
            frame = orjson.loads(socket.recv(PATIENCE))
            if "seq" in frame:
                seqs.append(frame["seq"])
    assert seqs == list(range(1, 21))
