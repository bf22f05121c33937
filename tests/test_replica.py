"""History and reports come from a replica, by itself and while it is behind; and from the primary while it is away."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from django.conf import settings
from django.db import connection

from tests import servers
from tests.standby import Pair, pair

pytestmark = pytest.mark.long

PATIENCE = 60
PASSWORD = "a long pass phrase"
DRAFT = {"uow_id": "uow-1", "intervention_type": "clarification", "title": "Which vendor is it?"}


@dataclass
class Place:
    """A server on the pair, with two organizations, and its log."""

    both: Pair
    url: str
    log: Path
    keys: dict[str, dict[str, str]]

    @contextmanager
    def signed_in(self, slug: str) -> Iterator[httpx.Client]:
        with httpx.Client(base_url=self.url, timeout=PATIENCE, follow_redirects=True) as client:
            client.get("/accounts/login/")
            form = {"login": f"local:{slug}-dana", "password": PASSWORD}
            form["csrfmiddlewaretoken"] = client.cookies["csrftoken"]
            assert client.post("/accounts/login/", data=form).status_code == 200
            yield client

    def decide(self, slug: str, request_id: str) -> None:
        with httpx.Client(base_url=self.url, timeout=PATIENCE) as client:
            asked = client.post(
                "/api/interventions",
                json=DRAFT | {"request_id": request_id, "title": f"about {request_id}"},
                headers=self.keys[slug],
            )
            assert asked.status_code == 201, asked.text
            sign_in = client.post("/api/token", json={"pilot_id": f"local:{slug}-dana", "password": PASSWORD}).json()
            hand = {"Authorization": f"Bearer {sign_in['access']}"}
            decided = client.post(f"/api/interventions/{request_id}/approve", json={}, headers=hand)
            assert decided.status_code == 200, decided.text


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: object) -> Iterator[Place]:
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL")
    folder = tmp_path_factory.mktemp("replica")
    with pair() as both:
        environment = {"DATABASE_URL": both.primary, "REPLICA_URL": both.replica, "DATABASE_POOL": "4"}
        environment |= {"DJANGO_SETTINGS_MODULE": "tests.settings", "REDIS_URL": "", "VAR_DIR": str(folder)}

        def manage(*words: str, said: str = "") -> str:
            done = subprocess.run(  # noqa: S603
                [sys.executable, "manage.py", *words],
                input=said,
                cwd=settings.BASE_DIR,
                env=os.environ | environment,
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        manage("migrate", "--noinput")
        keys = {}
        for slug in ("acme", "globex"):
            manage("create_org", slug, "--name", slug.title())
            who = [f"local:{slug}-dana", "--org", slug, "--role", "ADMIN", "--password-stdin"]
            manage("create_pilot", *who, said=PASSWORD + "\n")
            shown = manage(
                "create_api_key", "--org", slug, "--name", "a", "--scopes", "interventions:read,interventions:write"
            )
            keys[slug] = {"Authorization": f"Bearer {re.search(r'chm_\w+', shown)[0]}"}
        assert "replica: answers" in manage("doctor")
        port, log = servers.free_port(), folder / "server"
        daphne = ["-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "chameleon.asgi:application"]
        with log.open("wb") as output:
            process = servers.start(daphne, output, **environment)
        try:
            url = f"http://127.0.0.1:{port}"
            assert servers.answers(url, process), log.read_text()
            yield Place(both, url, log, keys)
        finally:
            servers.stop(process)


def until(look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not look():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.1)


def test_history_is_read_from_the_replica_and_says_where_it_is_behind(place: Place) -> None:
    """One test in order, since what is done to the replica is done for all that follows."""
    with place.signed_in("acme") as dana, place.signed_in("globex") as other:
        place.decide("acme", "first")
        place.decide("globex", "theirs")

        def history(client: httpx.Client = dana, slug: str = "acme") -> str:
            answer = client.get(f"/o/{slug}/history")
            assert answer.status_code == 200
            return answer.text

        def exported() -> list[str]:
            found = dana.get("/o/acme/history/export.json").json()["results"]
            return [row["request_id"] for row in found]

        until(lambda: "about first" in history())
        until(lambda: "about theirs" in history(other, "globex"))
        # Each organization its own, on the replica too.
        assert "about theirs" not in history()
        assert "about first" not in history(other, "globex")
        assert 'id="as-of"' not in history()
        assert dana.get("/ready").json()["replica"] == "ok"

        place.both.hold_up()
        place.decide("acme", "second")
        until(lambda: 'id="as-of"' in history())
        assert "about second" not in history()
        assert exported() == ["first"]
        # All else is the primary's.
        assert dana.get("/api/interventions/second", headers=place.keys["acme"]).json()["status"] == "APPROVED"
        assert "about second" in dana.get("/o/acme/interventions/second").text

        place.both.let_go_on()
        until(lambda: "about second" in history())
        assert 'id="as-of"' not in history()

        place.both.hold_up()
        place.decide("acme", "third")
        place.both.end_replica()
        until(lambda: "about third" in history())
        assert 'id="as-of"' not in history()
        assert exported() == ["third", "second", "first"]
        ready = dana.get("/ready")
        assert (ready.status_code, ready.json()["status"], ready.json()["replica"]) == (200, "degraded", "unreachable")
        assert place.log.read_text().count("the replica does not answer") == 1
