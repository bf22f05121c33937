"""The whole way behind a PgBouncer that pools by transaction, with fewer connections than requests at once."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import psycopg
import pytest
from django.conf import settings
from django.db import connection
from websockets.sync.client import ClientConnection, connect

from conftest import World
from interventions import actions
from interventions.models import Event, Intervention
from interventions.tests.processes import Server, running
from pilots import database
from tests import servers
from tests.pooler import pooled

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]

PATIENCE = 60
DRAFT = {"uow_id": "uow-1", "intervention_type": "clarification", "title": "Which vendor is it?"}


@pytest.fixture(scope="module")
def url(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """The tests' own database, through the pooler."""
    program = os.environ.get("PGBOUNCER")
    if connection.vendor != "postgresql" or not program:
        pytest.skip("needs PostgreSQL and PGBOUNCER, the program")
    with django_db_blocker.unblock():
        direct = servers.database_url()
    with pooled(program, direct) as through:
        yield through


@pytest.fixture(scope="module")
def server(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("pooled")
    # More connections than the pooler has to the database.
    server = Server("daphne", folder / "server", settings.REDIS_URL, DATABASE_URL=url, DATABASE_POOL="8")
    try:
        server.wait_until_ready()
        with running(["manage.py", "run_worker"], folder / "worker", settings.REDIS_URL, DATABASE_URL=url):
            yield server
    finally:
        server.end()


@contextmanager
def listening(server: Server, world: World, who: str) -> Iterator[ClientConnection]:
    token = world.bearer(who)["Authorization"].removeprefix("Bearer ")
    with connect(f"ws://127.0.0.1:{server.port}/ws?{urlencode({'token': token})}", open_timeout=PATIENCE) as client:
        client.send(json.dumps({"type": "subscribe", "id": "s"}))
        while json.loads(client.recv(PATIENCE)).get("id") != "s":
            pass
        yield client


def pushed(client: ClientConnection, request_id: str, type: str) -> dict[str, Any]:
    while True:
        frame = json.loads(client.recv(PATIENCE))
        if frame["type"] == type and frame["data"].get("request_id") == request_id:
            return frame


def decide_one(server: Server, world: World, agent: str, pilot: str, request_id: str) -> None:
    """Asked, claimed, decided: the agent that waits and a program that listens hear of it."""
    with (
        httpx.Client(base_url=server.url, timeout=PATIENCE) as client,
        listening(server, world, pilot) as program,
        ThreadPoolExecutor() as pool,
    ):
        key, hand = world.bearer(agent), world.bearer(pilot)
        path = f"/api/interventions/{request_id}"
        asked = client.post("/api/interventions", json=DRAFT | {"request_id": request_id}, headers=key)
        assert asked.status_code == 201, asked.text
        pushed(program, request_id, "new_request")
        waiting = pool.submit(client.get, f"{path}/decision", params={"wait": 50}, headers=key)
        for verb in ("claim", "approve"):
            answer = client.post(f"{path}/{verb}", json={}, headers=hand)
            assert answer.status_code == 200, answer.text
        assert waiting.result().json()["status"] == "APPROVED"
        assert pushed(program, request_id, "status_changed")


def test_two_organizations_at_work_at_once(server: Server, world: World) -> None:
    crews = [("agent", "otto"), ("globex-agent", "gina")]
    work = [(agent, pilot, f"{agent}-{number}") for number in range(6) for agent, pilot in crews]
    for agent, pilot in crews:
        world.bearer(agent), world.bearer(pilot)
    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(decide_one, server, world, *each) for each in work]:
            done.result()
    assert Intervention.across_organizations.filter(status="APPROVED").count() == len(work)


def test_nobody_sees_another_organization_on_a_connection_it_had(server: Server, world: World, ask: Any) -> None:
    """Eight at once on two connections: each is given on from one organization to the other, over and over."""
    for number in range(3):
        ask(request_id=f"acme-{number}")
        ask(key="globex-agent", request_id=f"globex-{number}")
    keys = {"acme": world.bearer("agent"), "globex": world.bearer("globex-agent")}

    def seen(slug: str) -> set[str]:
        with httpx.Client(base_url=server.url, timeout=PATIENCE) as client:
            found: set[str] = set()
            for path in ("/api/interventions", "/api/events"):
                found |= {row["request_id"] for row in client.get(path, headers=keys[slug]).json()["results"]}
            return found | {
                row["request_id"] for row in client.get("/api/interventions/pending", headers=keys[slug]).json()
            }

    with ThreadPoolExecutor(8) as pool:
        for slug, found in zip(["acme", "globex"] * 60, pool.map(seen, ["acme", "globex"] * 60), strict=True):
            assert found == {f"{slug}-{number}" for number in range(3)}


def test_nothing_outlives_a_transaction(server: Server, world: World, ask: Any, url: str) -> None:
    """Whoever gets the connection next is told nothing that the request before it was told."""
    ask()
    for _ in range(4):
        assert httpx.get(f"{server.url}/api/interventions", headers=world.bearer("agent")).status_code == 200
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as anybody:
        for _ in range(8):
            assert anybody.execute("SELECT count(*) FROM interventions_intervention").fetchone() == (0,)
            assert anybody.execute("SHOW statement_timeout").fetchone() == ("0",)


def test_the_worker_marks_what_is_past_its_deadline(server: Server, world: World) -> None:
    with httpx.Client(base_url=server.url, timeout=PATIENCE, headers=world.bearer("agent")) as client:
        client.post("/api/interventions", json=DRAFT | {"request_id": "late", "expires_in_seconds": 1})
        late = client.get("/api/interventions/late/decision", params={"wait": 50})
        assert late.json()["status"] == "EXPIRED"


def test_an_idempotency_key_in_flight_holds_for_its_transaction_only(server: Server, world: World) -> None:
    """Advisory locks of a session would stay with the connection."""
    headers = world.bearer("agent") | {"Idempotency-Key": "once"}
    with httpx.Client(base_url=server.url, timeout=PATIENCE, headers=headers) as client:
        answers = [client.post("/api/interventions", json=DRAFT) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [201] * 6
    assert len({answer.json()["request_id"] for answer in answers}) == 1


def manage(url: str, *words: str, **environment: str) -> str:
    done = subprocess.run(  # noqa: S603
        [sys.executable, "manage.py", *words],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"} | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_commands_work_through_it(url: str, world: World, ask: Any) -> None:
    with database.telling_of(database.now() - timedelta(days=100)):
        for number in range(3):
            ask(request_id=f"old-{number}", expires_in_seconds=None)
            actions.reject(world.pilot("otto"), f"old-{number}", reason="no")
    ask(request_id="new")
    assert "acme: 3 requests and 6 events removed" in manage(url, "prune", "--org", "acme", "--days", "90")
    assert Event.across_organizations.get().request_id == "new"
    assert "acme: 1 events verified, the chain holds." in manage(url, "verify_audit")
    assert "acme: no findings." in manage(url, "check_invariants")
    for past in ("", servers.database_url()):
        assert "No migrations to apply" in manage(url, "migrate", "--noinput", DATABASE_OWNER_URL=past)
    assert re.search(r"ok +connections: a pooler", manage(url, "doctor"))
