"""The worker's loop as it runs: by itself, and beside others."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from conftest import World
from interventions import actions, invariants
from interventions.content import draft_of
from interventions.events import committed
from interventions.models import Event, Intervention
from interventions.worker import Worker

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def running(count: int) -> Iterator[None]:
    workers = [Worker() for _ in range(count)]

    def work(one: Worker) -> None:
        try:
            one.run()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=[one]) for one in workers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for one in workers:
            one.stop()
        for thread in threads:
            thread.join(20)
    assert not any(thread.is_alive() for thread in threads)


@contextmanager
def counting(wanted: int) -> Iterator[threading.Event]:
    """An event that is set when so many expiries were committed."""
    reached, seen = threading.Event(), 0

    def told(entries: list[Any], **_: Any) -> None:
        nonlocal seen
        seen += sum(entry.type == "expired" for entry in entries)
        if seen >= wanted:
            reached.set()

    committed.connect(told)
    try:
        yield reached
    finally:
        committed.disconnect(told)


def test_a_request_expires_by_itself(world: World, ask: Any) -> None:
    row = ask(expires_in_seconds=1)
    with counting(1) as expired, running(1):
        assert expired.wait(20)
    row.refresh_from_db()
    assert row.status == "EXPIRED"
    assert row.action_timestamp >= row.expires_at


def test_three_workers_expire_each_of_a_thousand_once(world: World) -> None:
    drafts = [{"uow_id": f"uow-{n}", "intervention_type": "resume", "title": "Go on?"} for n in range(500)]
    for _ in range(2):
        actions.create_many(world.key(), [draft_of(draft) for draft in drafts])
    with counting(1000) as expired, running(3):
        # Known before the deadline: what is created late is expired by the same rule.
        moment = timezone.now()
        rows = Intervention.across_organizations
        rows.update(created_at=moment - timedelta(minutes=2), expires_at=moment - timedelta(minutes=1))
        assert expired.wait(60)
    assert set(rows.values_list("status", flat=True)) == {"EXPIRED"}
    assert Event.across_organizations.filter(type="expired").values("request_id").distinct().count() == 1000
    assert not [finding for finding in invariants.check(world.acme.pk) if finding.invariant in ("I1", "I7", "I10")]
