"""manage.py validate beside real servers: what it reports, what makes it fail, and that it leaves nothing behind."""

import json
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings

from conftest import DRAFT, World
from interventions import actions
from interventions.content import draft_of
from interventions.models import Event
from interventions.tests.processes import Proxy, Server, running, start
from interventions.validation import access
from interventions.validation.record import EXPIRY, STEPS
from pilots import api_keys
from pilots.models import ApiKey, Membership, Organization
from tests import servers

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]

PATIENCE = 90.0
# What a busy machine takes is not what these tests are about.
PATIENTLY = ["--p95", "60000", "--expiry", "60"]


@dataclass
class Run:
    process: "subprocess.Popen[bytes]"
    log: Path
    report: Path

    @property
    def document(self) -> Any:
        return json.loads(self.report.with_suffix(".json").read_text())

    @property
    def said(self) -> str:
        return self.log.read_text()

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, self.said
            assert self.process.poll() is None, self.said
            time.sleep(0.05)

    def ended(self) -> int:
        return self.process.wait(PATIENCE)

    def has_begun(self) -> bool:
        return "Validating" in self.said

    def probed(self) -> int:
        """How many requests of its own have come through to the end."""
        return Event.across_organizations.filter(type="completed", request_id__startswith=access.PREFIX).count()


@pytest.fixture
def validate(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    """`validate(seconds, url, …)` begins one."""
    begun: list[Run] = []

    def validate(seconds: float, *urls: str, words: tuple[str, ...] = (), **environment: str) -> Run:
        log, report = tmp_path / f"validate-{len(begun)}.log", tmp_path / f"report-{len(begun)}.md"
        at = [word for url in urls for word in ("--url", url)]
        asked = ["--minutes", str(seconds / 60), "--interval", "0.3", "--report", str(report), *PATIENTLY, *words]
        process = start(["manage.py", "validate", *at, *asked], log, settings.REDIS_URL, **environment)
        run = Run(process, log, report)
        begun.append(run)
        return run

    yield validate
    for run in begun:
        if run.process.poll() is None:
            run.process.kill()
            run.process.wait()


@contextmanager
def serving(folder: Path, name: str = "server", **options: Any) -> Iterator[Server]:
    server = Server("daphne", folder / name, settings.REDIS_URL, **options)
    try:
        server.wait_until_ready()
        yield server
    finally:
        server.end()


@contextmanager
def working(folder: Path) -> Iterator[None]:
    with running(["manage.py", "run_worker"], folder / "worker", settings.REDIS_URL):
        yield


def left_behind() -> list[str]:
    """What could still get in."""
    keys = ApiKey.across_organizations.filter(name__startswith=access.PREFIX)
    members = Membership.across_organizations.filter(pilot__pilot_id=access.PILOT).select_related("organization")
    return [row.name for row in keys if api_keys.stands(row)] + [row.organization.slug for row in members]


def test_a_well_installation_passes_and_nothing_is_left_behind(
    world: World, tmp_path: Path, validate: Callable[..., Run]
) -> None:
    with serving(tmp_path, "one") as one, serving(tmp_path, "two") as two, working(tmp_path):
        run = validate(6, one.url, two.url, words=("--json",))
        assert run.ended() == 0, run.said
    document = run.document
    assert (document["passed"], document["state"], document["organization"]) == (True, "finished", "validation")
    assert document["probes"] == 20
    assert {name: document["steps"][name]["done"] for name in STEPS} == dict.fromkeys(STEPS, 20)
    assert document["steps"][EXPIRY]["done"] == 1
    assert (document["availability"]["failed"], document["invariants"]["findings"]) == (0, 0)
    assert document["invariants"]["whole"]
    assert set(document["looks"]) == {one.url, two.url}
    assert "**passed**" in run.report.read_text()
    assert json.loads(run.said[run.said.index("\n{") :]) == document
    assert left_behind() == []


def test_a_server_that_is_killed_and_comes_back_costs_repetitions_only(
    world: World, tmp_path: Path, validate: Callable[..., Run]
) -> None:
    with working(tmp_path):
        with serving(tmp_path, "first") as server:
            run = validate(15, server.url)
            run.until(lambda: run.has_begun() and run.probed() > 2)
        with serving(tmp_path, "second", port=server.port):
            assert run.ended() == 0, run.said
    available = run.document["availability"]
    assert available["failed"] == 0
    assert available["at_once"] < 1 == available["after_repetition"]


def test_a_database_that_goes_away_and_comes_back_costs_repetitions_only(
    world: World, tmp_path: Path, validate: Callable[..., Run]
) -> None:
    database = Proxy(servers.database_url())
    away = {"DATABASE_URL": database.url}
    with serving(tmp_path, **away) as server, working(tmp_path):
        run = validate(15, server.url, **away)
        run.until(lambda: run.has_begun() and run.probed() > 2)
        database.cut()
        run.until(lambda: httpx.get(f"{server.url}/ready", timeout=PATIENCE).status_code == 503)
        database.mend()
        assert run.ended() == 0, run.said
    database.end()
    available = run.document["availability"]
    assert available["failed"] == 0
    assert available["at_once"] < 1
    assert run.document["invariants"]["whole"]
    assert left_behind() == []


def test_a_defect_makes_it_fail(world: World, tmp_path: Path, validate: Callable[..., Run]) -> None:
    with serving(tmp_path, application="tests.failing_server:application") as server, working(tmp_path):
        run = validate(4, server.url)
        assert run.ended() == 1
    steps = run.document["steps"]
    assert steps["create"]["failed"] == 0
    # What cannot be reached has failed too.
    assert {steps[name]["failed"] for name in ("decide", "delivery", "told", "complete")} == {run.document["probes"]}
    assert run.document["failures"][-1]["problem"] == "not reached: decide failed"
    assert re.search(r"CommandError: Not passed: availability \d", run.said)
    assert left_behind() == []


def test_a_log_that_was_changed_before_makes_it_fail(
    world: World, tmp_path: Path, validate: Callable[..., Run]
) -> None:
    actions.create(world.key(), draft_of(DRAFT | {"request_id": "changed"}))
    Event.objects.for_organization(world.acme.pk).update(request_id="another")
    with serving(tmp_path) as server, working(tmp_path):
        run = validate(2, server.url)
        assert run.ended() == 1
    assert run.document["availability"]["failed"] == 0
    assert any(text.startswith("acme, record: I10 at seq 1") for text in run.document["invariants"]["examples"])
    assert "findings in what is stored" in run.said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_half_way_it_reports_and_takes_back_what_it_made(
    world: World, tmp_path: Path, validate: Callable[..., Run], number: signal.Signals
) -> None:
    with serving(tmp_path) as server, working(tmp_path):
        run = validate(600, server.url)
        run.until(lambda: run.has_begun() and run.probed() > 2)
        assert left_behind() != []
        run.process.send_signal(number)
        assert run.ended() == 1
    assert (run.document["state"], run.document["passed"]) == ("stopped", False)
    assert run.document["availability"]["failed"] == 0
    assert "it was stopped before its time" in run.said
    assert left_behind() == []


def test_in_an_organization_that_works_it_touches_its_own_only(
    world: World, tmp_path: Path, validate: Callable[..., Run], ask: Any
) -> None:
    ask(request_id="somebody-elses")
    with serving(tmp_path) as server, working(tmp_path):
        run = validate(3, server.url, words=("--org", "acme"))
        assert run.ended() == 0, run.said
    events = Event.objects.for_organization(world.acme.pk).exclude(request_id__startswith=access.PREFIX)
    assert list(events.values_list("request_id", "type")) == [("somebody-elses", "created")]
    assert not Organization.objects.filter(slug=access.SLUG).exists()
    assert left_behind() == []


def test_a_server_of_another_installation_is_told_so_at_once(
    world: World, tmp_path: Path, validate: Callable[..., Run]
) -> None:
    with serving(tmp_path) as server:
        run = validate(60, f"{server.url}/elsewhere")
        assert run.ended() == 1
    assert "is no server of this installation" in run.said
    assert not run.report.exists()
    assert left_behind() == []
