"""Many threads on few requests: nobody is lost in a deadlock, nobody decides too late, and the record stays whole."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from threading import Event as Flag
from typing import Any

import pytest

from conftest import DRAFT, World
from interventions import actions, invariants
from interventions.content import draft_of
from interventions.lifecycle import Type
from interventions.models import Intervention
from pilots import database
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
