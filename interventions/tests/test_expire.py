"""Expiry: by the database's clock, whether or not a sweep has passed, and once."""

from typing import Any

import pytest
from django.db import connection, transaction

from conftest import Clock, World, stored, told
from interventions import actions
from interventions.actions import sweeping
from interventions.errors import Conflict
from interventions.lifecycle import Status
from interventions.models import Event, Intervention
from pilots import database

pytestmark = pytest.mark.embedded


def test_what_is_past_its_deadline_is_marked_once(world: World, ask: Any, clock: Clock) -> None:
    ask(request_id="r", expires_in_seconds=60)
    ask(request_id="later", expires_in_seconds=61)
    clock.forward(seconds=60)
    assert actions.expire_due() == 1
    row = stored("r")
    assert (row.status, row.decided_by, row.version) == ("EXPIRED", None, 2)
    assert row.action_timestamp >= row.expires_at
    assert told("r") == ["created", "expired"]
    assert actions.expire_due() == 0
    assert stored("later").status == "PENDING"


def test_a_claim_does_not_save_it(world: World, ask: Any, clock: Clock) -> None:
    actions.claim(world.pilot("otto"), ask(request_id="r", expires_in_seconds=60).request_id)
    clock.forward(seconds=60)
    actions.expire_due()
    assert (stored("r").status, stored("r").claimed_until, stored("r").assigned_to) == ("EXPIRED", None, "local:otto")


def test_with_a_lapsed_claim_it_ends_as_nobodys(world: World, ask: Any, clock: Clock) -> None:
    actions.claim(world.pilot("otto"), ask(request_id="r").request_id)
    clock.forward(hours=1)
    actions.expire_due()
    assert (stored("r").status, stored("r").assigned_to) == ("EXPIRED", None)


@pytest.mark.parametrize("swept", [False, True])
@pytest.mark.parametrize("verdict", ["approve", "reject"])
def test_nobody_decides_after_the_deadline(world: World, ask: Any, clock: Clock, verdict: str, swept: bool) -> None:
    ask(request_id="r", expires_in_seconds=60)
    clock.forward(seconds=60)
    if swept:
        actions.expire_due()
    with pytest.raises(Conflict) as refusal:
        actions.decide(world.pilot("otto"), "r", verdict, reason="late")
    assert refusal.value.code == "expired"
    assert refusal.value.intervention.status == ("EXPIRED" if swept else "PENDING")


def test_just_before_the_deadline_is_in_time(world: World, ask: Any, clock: Clock) -> None:
    ask(request_id="r", expires_in_seconds=60)
    clock.forward(seconds=50)
    assert actions.approve(world.pilot("otto"), "r").status == "APPROVED"


def test_more_than_one_batch_is_swept(world: World, ask: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "BATCH", 2)
    for _ in range(5):
        ask(expires_in_seconds=1)
    ask(key="globex-agent", expires_in_seconds=1)
    clock.forward(seconds=1)
    assert actions.expire_due() == 6
    assert set(Intervention.across_organizations.values_list("status", flat=True)) == {"EXPIRED"}
    assert Event.across_organizations.filter(type="expired").count() == 6


def test_the_next_deadline_is_the_earliest_of_the_open(world: World, ask: Any) -> None:
    assert actions.next_deadline() is None
    ask(expires_in_seconds=None)
    later = ask(expires_in_seconds=100)
    sooner = ask(expires_in_seconds=50)
    assert actions.next_deadline() == sooner.expires_at
    actions.approve(world.pilot("otto"), sooner.request_id)
    assert actions.next_deadline() == later.expires_at


def test_pending_means_not_past_the_deadline_in_every_count(world: World, ask: Any, clock: Clock) -> None:
    ask(expires_in_seconds=60)
    clock.forward(seconds=60)
    rows = Intervention.objects.for_organization(world.acme.pk)
    assert not rows.pending(database.now()).exists()
    assert not rows.open(database.now()).exists()
    assert rows.overdue(database.now()).count() == 1
    assert rows.filter(status=Status.PENDING).count() == 1


def test_the_clock_is_the_databases_and_not_the_start_of_the_transaction(world: World) -> None:
    with transaction.atomic():
        first = database.now()
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pilots_organization")
        assert database.now() > first
