"""The background work: on time, guarded step by step, and stopped cleanly."""

import logging
import os
import signal
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from conftest import World
from interventions import actions, worker
from interventions.models import Event, IdempotencyRecord, Intervention
from interventions.worker import Worker
from pilots.models import RefreshFamily, SignInLink
from pilots.tokens import issue

pytestmark = pytest.mark.embedded


def make_due(row: Intervention) -> None:
    moment = timezone.now()
    Intervention.across_organizations.filter(pk=row.pk).update(
        created_at=moment - timedelta(minutes=2), expires_at=moment - timedelta(minutes=1)
    )


def status_of(row: Intervention) -> str:
    return Intervention.across_organizations.values_list("status", flat=True).get(pk=row.pk)


def break_step(monkeypatch: pytest.MonkeyPatch, name: str, error: Exception) -> list[bool]:
    """Lets one step fail as long as the list returned is not empty."""
    broken = [True]
    works = getattr(actions, name)

    def maybe() -> int:
        if broken:
            raise error
        return works()

    monkeypatch.setattr(actions, name, maybe)
    return broken


def test_a_turn_expires_what_is_due_and_nothing_else(world: World, ask: Any) -> None:
    due, ahead, endless = ask(), ask(), ask(expires_in_seconds=None)
    make_due(due)
    assert Worker().turn() == 1
    assert [status_of(row) for row in (due, ahead, endless)] == ["EXPIRED", "PENDING", "PENDING"]


def test_a_turn_gives_back_a_lapsed_claim(world: World, ask: Any) -> None:
    row = ask()
    actions.claim(world.pilot("otto"), row.request_id)
    Intervention.across_organizations.filter(pk=row.pk).update(claimed_until=timezone.now() - timedelta(seconds=1))
    Worker().turn()
    row.refresh_from_db()
    assert (row.status, row.assigned_to, row.claimed_until) == ("PENDING", None, None)


def test_a_turn_serves_every_organization(world: World, ask: Any) -> None:
    ours, theirs = ask(), ask(key="globex-agent")
    make_due(ours)
    make_due(theirs)
    Worker().turn()
    assert [status_of(ours), status_of(theirs)] == ["EXPIRED", "EXPIRED"]


def test_a_second_turn_finds_nothing_left_to_do(world: World, ask: Any) -> None:
    make_due(ask())
    Worker().turn()
    told = Event.across_organizations.count()
    assert Worker().turn() == 0
    assert Event.across_organizations.count() == told


def test_idempotency_keys_are_kept_for_a_day(world: World) -> None:
    for hours in (23, 25):
        IdempotencyRecord.across_organizations.create(
            organization=world.acme,
            credential="key:1",
            key=f"{hours} hours",
            created_at=timezone.now() - timedelta(hours=hours),
        )
    Worker().turn()
    assert IdempotencyRecord.across_organizations.get().key == "23 hours"


def test_ended_sign_ins_are_forgotten(world: World) -> None:
    issue(world.memberships["otto"])
    issue(world.memberships["olga"])
    past = timezone.now() - timedelta(minutes=1)
    RefreshFamily.across_organizations.filter(pilot__name="Otto").update(expires_at=past)
    SignInLink.objects.create(pilot=world.memberships["otto"].pilot, digest="x", expires_at=past)
    Worker().turn()
    assert RefreshFamily.across_organizations.get().pilot.name == "Olga"
    assert not SignInLink.objects.exists()


@pytest.mark.parametrize("error", [OperationalError("the database system is shutting down"), KeyError("a fault")])
def test_one_failing_step_holds_up_no_other_and_recovers(
    world: World, ask: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    caplog.set_level(logging.INFO, "interventions.worker")
    broken = break_step(monkeypatch, "release_lapsed", error)
    row = ask()
    make_due(row)
    one = Worker()
    one.turn()
    one.turn()
    assert status_of(row) == "EXPIRED"
    assert [record.message.partition(",")[0] for record in caplog.records] == ["releasing lapsed claims failed"]
    broken.clear()
    one.turn()
    assert caplog.records[-1].message == "releasing lapsed claims works again"


def test_a_worker_that_was_told_to_stop_ends(world: World) -> None:
    one = Worker()
    one.stop()
    one.run()


def test_a_server_process_starts_the_loop_once(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    monkeypatch.setattr(worker, "_background", None)
    monkeypatch.setattr(worker.threading, "Thread", lambda **kwargs: _Recorded(kwargs["name"], started))
    monkeypatch.setattr(worker.atexit, "register", lambda *_: None)
    worker.start_in_background()
    worker.start_in_background()
    assert started == ["worker"]


class _Recorded:
    def __init__(self, name: str, started: list[str]) -> None:
        self._name, self._started = name, started

    def start(self) -> None:
        self._started.append(self._name)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_run_worker_stops_on_a_signal(number: int, tmp_path: Any) -> None:
    environment = os.environ | {"DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite3'}"}
    environment.pop("REDIS_URL", None)
    command = [sys.executable, "manage.py", "run_worker"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)  # noqa: S603
    assert process.stderr is not None
    try:
        # There are no tables: it says so once, and goes on trying.
        for line in process.stderr:
            if "failed, and is tried again" in line:
                break
        process.send_signal(number)
        assert process.wait(20) == 0
        assert "the worker has stopped" in process.stderr.read()
    finally:
        process.kill()
        process.stderr.close()
