"""Agents as programs of their own, against a server of its own: the example a newcomer reads, and the simulation."""

import os
import re
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.server import running

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 90

pytestmark = pytest.mark.long


@dataclass
class Desk:
    """A server with an organization, an agent's key and a pilot's token."""

    url: str
    folder: Path
    environment: dict[str, str]
    key: str
    pilot: dict[str, str]

    def start(self, *command: str) -> "subprocess.Popen[str]":
        environment = self.environment | {"CHAMELEON_URL": self.url, "CHAMELEON_API_KEY": self.key}
        environment |= {"PYTHONUNBUFFERED": "1"}
        pipe = subprocess.PIPE
        return subprocess.Popen(  # noqa: S603
            [sys.executable, *command], env=environment, cwd=ROOT, stdout=pipe, stderr=subprocess.STDOUT, text=True
        )

    def decide(self, request_id: str, verdict: str) -> None:
        path = f"{self.url}/api/interventions/{request_id}/{verdict}"
        answer = httpx.post(path, headers=self.pilot, json={"action_reason": "Seen."})
        assert answer.status_code == 200, answer.text

    def waiting(self) -> list[dict[str, Any]]:
        pending: list[dict[str, Any]] = httpx.get(f"{self.url}/api/interventions/pending", headers=self.pilot).json()
        return pending

    def intervention(self, request_id: str) -> dict[str, Any]:
        row: dict[str, Any] = httpx.get(f"{self.url}/api/interventions/{request_id}", headers=self.pilot).json()
        return row

    def change(self, sql: str, *values: str) -> None:
        """Behind the server's back."""
        with sqlite3.connect(self.folder / "db.sqlite3", timeout=20) as connection:
            connection.execute(sql, values)
        connection.close()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    tmp_path = tmp_path_factory.mktemp("desk")
    database = f"sqlite:///{tmp_path / 'db.sqlite3'}"
    environment = os.environ | {"DATABASE_URL": database, "VAR_DIR": str(tmp_path)}
    environment.pop("REDIS_URL", None)

    def manage(*words: str, line: str = "") -> str:
        command = [sys.executable, "manage.py", *words]
        done = subprocess.run(  # noqa: S603
            command, env=environment, cwd=ROOT, input=line, capture_output=True, text=True, check=True, timeout=PATIENCE
        )
        return done.stdout.strip()

    manage("migrate", "-v0")
    manage("create_org", "acme", "--name", "Acme")
    password = "a long pass phrase"
    manage("create_pilot", "local:ada", "--org", "acme", "--role", "ADMIN", "--password-stdin", line=password)
    scopes = "interventions:read,interventions:write"
    key = manage("create_api_key", "--org", "acme", "--name", "agents", "--scopes", scopes)
    with running(database, VAR_DIR=str(tmp_path), REDIS_URL="") as url:
        token = httpx.post(f"{url}/api/token", json={"pilot_id": "local:ada", "password": password}).json()["access"]
        yield Desk(url, tmp_path, environment, key, {"Authorization": f"Bearer {token}"})


def until(process: "subprocess.Popen[str]", pattern: str) -> re.Match[str]:
    """The first line it prints that fits."""
    assert process.stdout is not None
    heard = []
    for line in process.stdout:
        heard.append(line)
        if found := re.search(pattern, line):
            return found
    raise AssertionError(f"{pattern!r} was not said:\n{''.join(heard)}")


def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    said, _ = process.communicate(timeout=PATIENCE)
    return process.returncode, said


def asked_by_example(desk: Desk) -> tuple["subprocess.Popen[str]", str]:
    agent = desk.start("examples/agent.py")
    until(agent, "^asked: Refund")
    return agent, desk.waiting()[0]["request_id"]


def test_the_example_acts_on_an_approval_and_reports(desk: Desk) -> None:
    agent, request_id = asked_by_example(desk)
    desk.decide(request_id, "approve")
    code, said = ended(agent)
    assert (code, said.splitlines()[-1]) == (0, "done")
    assert desk.intervention(request_id)["outcome"] == {"paid": 89, "currency": "EUR"}


def test_the_example_does_nothing_when_it_is_refused(desk: Desk) -> None:
    agent, request_id = asked_by_example(desk)
    desk.decide(request_id, "reject")
    code, said = ended(agent)
    assert code == 1
    assert "not approved" in said


def test_the_example_does_nothing_when_the_pilot_saw_something_else(desk: Desk) -> None:
    agent, request_id = asked_by_example(desk)
    desk.change("UPDATE interventions_intervention SET content_hash = ? WHERE request_id = ?", "0" * 64, request_id)
    desk.decide(request_id, "approve")
    code, said = ended(agent)
    assert code == 1
    assert "something else" in said


def test_the_simulated_agents_ask_hear_act_and_report(desk: Desk) -> None:
    command = ["simulate", "--url", desk.url, "--rate", "600", "--agents", "3", "--matters", "3", "--seed", "4"]
    agents = desk.start("manage.py", *command)
    stop = keep(lambda: [decide_any(desk, row) for row in desk.waiting()])
    try:
        code, said = ended(agents)
    finally:
        stop()
    assert code == 0, said
    assert said.count("asks: ") == said.count("approved by local:ada") == said.count("has reported it") == 3


def test_the_simulated_agents_say_what_a_key_is_for(desk: Desk) -> None:
    agents = desk.start("manage.py", "simulate", "--url", desk.url, "--key", desk.key[:-1] + "x")
    code, said = ended(agents)
    assert code == 1
    assert "make one with create_api_key" in said


def decide_any(desk: Desk, row: dict[str, Any]) -> None:
    body: dict[str, Any] = {"action_reason": "Seen."}
    if row["response_schema"]:
        body["response"] = {"vendor": row["response_schema"]["properties"]["vendor"]["enum"][0]}
    httpx.post(f"{desk.url}/api/interventions/{row['request_id']}/approve", headers=desk.pilot, json=body)


def keep(do: Callable[[], object]) -> Callable[[], None]:
    """Repeats `do` beside the test, until what is returned is called."""
    ending = threading.Event()

    def work() -> None:
        while not ending.wait(0.2):
            do()

    thread = threading.Thread(target=work)
    thread.start()

    def stop() -> None:
        ending.set()
        thread.join(PATIENCE)

    return stop
