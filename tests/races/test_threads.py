"""Many threads on few requests: nobody is lost in a deadlock, nobody decides too late, and the record stays whole."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from threading import Event as Flag
from typing import Any

import pytest
from django.db import connection

from conftest import DRAFT, World
from interventions import actions, invariants
from interventions.content import draft_of
from interventions.lifecycle import Type
from interventions.models import Intervention
from pilots import database
from pilots.database import writing
from pilots.errors import DomainError
from tests.races.threads import THREADS, in_threads

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]


@pytest.fixture(autouse=True)
def _the_tables_agree_afterwards(world: World) -> Iterator[None]:
    yield
    assert invariants.check(world.acme.pk) == []


def outcome(call: Callable[[], Any]) -> str:
    try:
        call()
    except DomainError as refusal:
        return refusal.code
    return "ok"


def test_whatever_they_do_at_once_is_done_or_refused(world: World) -> None:
    """Any error of the database, a deadlock first of all, would come out here."""
    ids = [f"r{number}" for number in range(12)]
    fresh = count()
    pilots, agent = [world.pilot(name) for name in ("ada", "otto", "olga")], world.key()

    def work(number: int) -> Counter[str]:
        # Not for secrets: the same disorder in every run.
        dice, told = random.Random(number), Counter[str]()  # noqa: S311
        for _ in range(60):
            me, it = dice.choice(pilots), dice.choice(ids)
            some = [draft_of(DRAFT | {"request_id": name, "approvals_required": 2}) for name in dice.sample(ids, 4)]
            told[
                outcome(
                    dice.choice(
                        [
                            lambda some=some: actions.create_many(agent, some),
                            lambda: actions.create(agent, draft_of(DRAFT | {"request_id": f"new{next(fresh)}"})),
                            lambda me=me, it=it: actions.claim(me, it, take_over=True),
                            lambda me=me, it=it: actions.release(me, it),
                            lambda me=me, it=it: actions.assign(me, it, pilot_id="local:olga"),
                            lambda me=me, it=it: actions.comment(me, it, text="hm"),
                            lambda me=me, it=it: actions.approve(me, it),
                            lambda me=me: actions.decide_many(me, ids, "approve", reason=None),
                            lambda me=me: actions.command(me, Type.CLARIFICATION, "uow-1", reason="x"),
                            lambda it=it: actions.complete(agent, it, outcome=None),
                            lambda: actions.record_delivery(agent, ids),
                            actions.expire_due,
                            actions.release_lapsed,
                        ]
                    )
                )
            ] += 1
        return told

    told = sum(in_threads(work), Counter())
    assert told["ok"] > THREADS * 10


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one lock for all")
def test_a_command_holds_no_request_but_the_one_it_takes(world: World) -> None:
    """Others lock by id, a command takes the oldest: holding both, they would wait in a circle."""
    actions.create_many(world.key(), [draft_of(DRAFT | {"request_id": name}) for name in ("older", "newer")])
    kind, rows = Type(DRAFT["intervention_type"]), Intervention.across_organizations
    with ThreadPoolExecutor(2) as pool:
        with writing():
            rows.select_for_update().get(request_id="newer")
            approved = Flag()
            other = pool.submit(_approve_slowly, world, "older", approved)
            assert approved.wait(20)
            command = pool.submit(_and_close, lambda: actions.command(world.pilot("ada"), kind, "uow-1", reason="x"))
            assert other.result() == "ok"
            _wait_until(lambda: _waiting() == 1)
            assert rows.select_for_update(nowait=True).get(request_id="older").status == "APPROVED"
        assert command.result().request_id == "newer"


def _approve_slowly(world: World, request_id: str, approved: Flag) -> str:
    """Commits only when another one waits for the row."""
    with writing():
        told = outcome(lambda: actions.approve(world.pilot("otto"), request_id))
        approved.set()
        _wait_until(lambda: _waiting() == 1)
    connection.close()
    return told


def _and_close[T](call: Callable[[], T]) -> T:
    try:
        return call()
    finally:
        connection.close()


def _waiting() -> int:
    """How many sessions of this database wait for a lock."""
    # Without it, one transaction is told the same all along.
    database.fetch(("SELECT pg_stat_clear_snapshot()", []))
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    [(number,)] = database.fetch((waiting, []))
    return number


def _wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.01)


def test_a_decision_on_the_deadline_is_in_time_or_refused(world: World) -> None:
    """Pilots press the button while the time runs out, and the sweep runs all along."""
    drafts = [draft_of(DRAFT | {"expires_in_seconds": 1}) for _ in range(200)]
    rows = [asked.row for asked in actions.create_many(world.key(), drafts)]
    over, otto = Flag(), world.pilot("otto")

    def work(number: int) -> list[tuple[str, str]]:
        if number == 0:
            while not over.is_set():
                actions.expire_due()
            return []
        told = []
        for row in rows[number - 1 :: THREADS - 1]:
            # They all run out at the same moment: the first of these come before it, the last after.
            while database.now() < row.expires_at - timedelta(milliseconds=150):
                time.sleep(0.001)
            told.append((row.request_id, outcome(lambda row=row: actions.approve(otto, row.request_id))))
        if number == THREADS - 1:
            over.set()
        return told

    told = dict(pair for pairs in in_threads(work) for pair in pairs)
    actions.expire_due()
    stored = {row.request_id: row for row in Intervention.across_organizations.all()}
    for request_id, code in told.items():
        row = stored[request_id]
        assert (row.status, code) in {("APPROVED", "ok"), ("EXPIRED", "expired")}, (row.status, code)
        assert (row.action_timestamp < row.expires_at) == (row.status == "APPROVED")
