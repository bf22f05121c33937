"""The figures: right over every change, and empty where there is nothing."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conftest import World
from interventions import actions
from interventions.insight.metrics import snapshot
from interventions.models import Intervention

pytestmark = pytest.mark.embedded


def test_an_empty_organization_has_zeros_and_no_nulls_but_the_oldest(world: World) -> None:
    figures = snapshot(world.acme.pk)
    assert (figures["total_interventions"], figures["pending_interventions"]) == (0, 0)
    assert (figures["avg_resolution_time_seconds"], figures["approval_rate"]) == (0, 0)
    assert (figures["by_type"], figures["by_priority"], figures["top_pilots"]) == ({}, {}, [])
    assert (figures["oldest_pending_seconds"], figures["seq"]) == (None, 0)


def test_approved_includes_the_completed(world: World, ask) -> None:
    for name in ("a", "b", "c"):
        ask(request_id=name)
    actions.approve(world.pilot("otto"), "a")
    actions.approve(world.pilot("otto"), "b")
    actions.complete(world.key(), "b", outcome={})
    actions.reject(world.pilot("olga"), "c", reason="no")
    figures = snapshot(world.acme.pk)
    assert (figures["approved_interventions"], figures["completed_interventions"]) == (2, 1)
    assert figures["rejected_interventions"] == 1
    assert figures["approval_rate"] == pytest.approx(0.6667)
    assert [row["interventions"] for row in figures["top_pilots"]] == [2, 1]


def test_the_average_is_from_creation_to_the_decision_of_approved_and_rejected(world: World, ask) -> None:
    for name, seconds in (("a", 10), ("b", 30), ("withdrawn", 1000)):
        row = ask(request_id=name)
        Intervention.objects.for_organization(world.acme.pk).filter(pk=row.pk).update(
            created_at=row.created_at - timedelta(seconds=seconds)
        )
    actions.approve(world.pilot("otto"), "a")
    actions.reject(world.pilot("otto"), "b", reason="no")
    actions.cancel(world.key(), "withdrawn", reason=None)
    assert snapshot(world.acme.pk)["avg_resolution_time_seconds"] == pytest.approx(20, abs=1)


def test_past_their_deadline_they_are_pending_no_more_marked_or_not(world: World, ask) -> None:
    ask(request_id="past")
    ask(request_id="waiting")
    Intervention.objects.for_organization(world.acme.pk).filter(request_id="past").update(
        expires_at=timezone.now() - timedelta(seconds=1)
    )
    assert snapshot(world.acme.pk)["pending_interventions"] == 1
    actions.expire_due()
    figures = snapshot(world.acme.pk)
    assert (figures["pending_interventions"], figures["expired_interventions"]) == (1, 1)


def test_the_oldest_pending_is_the_one_that_waits_longest(world: World, ask) -> None:
    row = ask(request_id="old", expires_in_seconds=None)
    ask(request_id="new")
    Intervention.objects.for_organization(world.acme.pk).filter(pk=row.pk).update(
        created_at=row.created_at - timedelta(hours=2)
    )
    assert snapshot(world.acme.pk)["oldest_pending_seconds"] >= 7200
    actions.claim(world.pilot("otto"), "old")
    assert snapshot(world.acme.pk)["oldest_pending_seconds"] < 7200


def test_top_pilots_are_the_assigned_else_the_deciding_ten_at_most(world: World, ask) -> None:
    ask(request_id="assigned")
    actions.assign(world.pilot("ada"), "assigned", pilot_id="local:olga")
    actions.approve(world.pilot("otto"), "assigned")
    ask(request_id="claimed")
    actions.claim(world.pilot("otto"), "claimed")
    actions.approve(world.pilot("otto"), "claimed")
    ask(request_id="free")
    actions.reject(world.pilot("otto"), "free", reason="no")
    assert snapshot(world.acme.pk)["top_pilots"] == [
        {"pilot_id": "local:otto", "interventions": 2},
        {"pilot_id": "local:olga", "interventions": 1},
    ]


def test_one_organization_does_not_count_in_anothers_figures(world: World, ask) -> None:
    ask()
    assert snapshot(world.globex.pk)["total_interventions"] == 0


def test_the_figures_cost_as_many_queries_over_many_as_over_one(world: World, ask) -> None:
    ask()
    with CaptureQueriesContext(connection) as over_one:
        snapshot(world.acme.pk)
    for number in range(20):
        ask(priority=["low", "high"][number % 2], expires_in_seconds=None)
    with CaptureQueriesContext(connection) as over_many:
        snapshot(world.acme.pk)
    assert len(over_many) == len(over_one)
