"""Notices by several workers at once, and by the processes of the product from a create to the mail server."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as given
from django.db import connections

from chameleon import private_targets
from conftest import World
from interventions import actions
from interventions.content import draft_of
from interventions.delivery import devices, hooks, outbox, sending
from interventions.lifecycle import Priority
from interventions.models import Notice
from interventions.tests import processes
from pilots import access_log, database
from pilots.models import Pilot
from tests import chat_receiver, mail_sink, push_service

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]
# Where the services of the tests run.
OWN_NETWORK = "127.0.0.1"
DRAFT = {"uow_id": "uow-1", "intervention_type": "resume", "title": "Go on?", "priority": "critical"}


@pytest.fixture
def reachable(world: World) -> World:
    Pilot.objects.filter(pilot_id="local:otto").update(email="otto@acme.test")
    return world


def at_once(count: int, work: Callable[[], object]) -> None:
    def run() -> None:
        try:
            barrier.wait()
            work()
        finally:
            connections.close_all()

    barrier = threading.Barrier(count)
    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


@pytest.mark.embedded
def test_several_workers_write_and_send_each_notice_once(
    reachable: World, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EMAIL_URL = "smtp://localhost"
    sent: list[list[str]] = []
    monkeypatch.setattr(sending.channels, "send_by", lambda _name: lambda notice, _: sent.append(notice.request_ids))
    for _ in range(3):
        actions.create_many(reachable.key(), [draft_of(DRAFT | {"expires_in_seconds": None}) for _ in range(20)])
        at_once(4, outbox.read_on)
    Notice.across_organizations.update(due_at=database.now())
    at_once(4, sending.send_due)
    assert [len(request_ids) for request_ids in sent] == [60]
    assert list(Notice.across_organizations.values_list("outcome", "attempts")) == [("sent", 1)]


@dataclass
class Reached:
    """Where Otto, who has no page open, and his organization's chat are told."""

    sink: mail_sink.Sink
    browser: push_service.Browser
    chat: chat_receiver.Receiver

    def counts(self) -> tuple[int, int, int]:
        return len(self.sink.inbox), len(self.browser.told), len(self.chat.got)


@pytest.fixture
def reached(reachable: World, settings: Any) -> Iterator[Reached]:
    settings.ALLOW_PRIVATE_TARGETS = private_targets.read(OWN_NETWORK)
    with mail_sink.running() as sink, push_service.running() as service, chat_receiver.running() as chat:
        browser, otto = service.browser(), reachable.memberships["otto"].pilot
        devices.add(otto, reachable.acme, "a session", browser.posted, "Firefox")
        rule = hooks.Rule(Priority.CRITICAL, active=True)
        hooks.add(reachable.acme, "slack", "#on-call", f"{chat.address}/hook", rule, by=access_log.SYSTEM)
        yield Reached(sink, browser, chat)
        assert service.wrong == []


@pytest.mark.skipif(not given.REDIS_URL, reason="a server and a worker as two processes")
def test_a_critical_request_reaches_who_is_not_looking_within_five_seconds_once(
    reachable: World, reached: Reached, tmp_path: Path
) -> None:
    told = {
        "EMAIL_URL": reached.sink.url,
        "PUBLIC_URL": "https://chameleon.example.com",
        "ALLOW_PRIVATE_TARGETS": OWN_NETWORK,
    }
    server = processes.Server("daphne", tmp_path / "server.log", given.REDIS_URL, **told)
    workers = [
        processes.start(["manage.py", "run_worker"], tmp_path / f"worker{n}.log", given.REDIS_URL, **told)
        for n in range(2)
    ]
    try:
        server.wait_until_ready()
        # The workers have started once a first request has been told of.
        assert server.post("/api/interventions", DRAFT, reachable.bearer("agent"))[0] == 201
        _wait_until(lambda: reached.counts() == (1, 1, 1), seconds=60)
        asked_at = time.monotonic()
        status, body = server.post("/api/interventions", DRAFT, reachable.bearer("agent"))
        assert status == 201
        _wait_until(lambda: reached.counts() == (2, 2, 2), seconds=30)
        took = time.monotonic() - asked_at
        # Long enough for another worker to send it a second time.
        time.sleep(3)
    finally:
        server.end()
        for worker in workers:
            processes.servers.stop(worker)
    assert reached.counts() == (2, 2, 2)
    assert body["request_id"] in reached.sink.inbox[1].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert reached.browser.told[1]["path"] == f"/o/acme/interventions/{body['request_id']}"
    assert f"/o/acme/interventions/{body['request_id']}" in str(reached.chat.got[1])
    assert took < 5


def _wait_until(happened: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not happened() and time.monotonic() < deadline:
        time.sleep(0.02)
