"""What runs twice a second must not walk the table: SQLite takes a partial index only for words it knows again."""

from typing import Any

import pytest
from django.db import connection
from django.db.models import Model
from django.utils import timezone

from conftest import World
from interventions.lifecycle import OPEN, Status
from interventions.models import Event, Intervention, PilotTally, Tally
from interventions.queries import InterventionQuerySet

pytestmark = pytest.mark.embedded


@pytest.fixture
def rows(world: World, ask: Any) -> InterventionQuerySet:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL chooses by the size of the table; it proves the condition by itself")
    return Intervention.objects.for_organization(world.acme.pk)


def test_the_sweeps_find_what_is_due_by_its_time(rows: InterventionQuerySet) -> None:
    now = timezone.now()
    everywhere = Intervention.across_organizations
    assert "open_by_expiry" in everywhere.filter(status__among=OPEN, expires_at__lte=now).explain()
    lapsed = everywhere.filter(status=Status.IN_PROGRESS, claimed_until__lte=now)
    assert "claimed_by_lease" in lapsed.order_by("claimed_until").explain()


def test_the_queue_is_read_in_the_order_of_its_index(rows: InterventionQuerySet) -> None:
    plan = rows.pending(timezone.now()).by_urgency()[:50].explain()
    assert "open_by_urgency" in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.django_db
@pytest.mark.parametrize("model", [Intervention, Event, Tally, PilotTally])
def test_no_index_leads_through_all_rows_of_an_organization(model: type[Model]) -> None:
    """PostgreSQL takes it where its figures mislead it, and other indexes begin with that column anyway."""
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, model._meta.db_table)
    alone = [name for name, each in found.items() if each["index"] and each["columns"] == ["organization_id"]]
    assert alone == []


def test_what_is_past_its_deadline_is_found_by_it(rows: InterventionQuerySet) -> None:
    assert "open_by_deadline" in rows.overdue(timezone.now()).filter(status=Status.PENDING).explain()


def test_only_constants_may_stand_in_a_query(rows: InterventionQuerySet) -> None:
    with pytest.raises(ValueError, match="constants"):
        list(rows.filter(status__among=["x' OR 1=1 --"]))
