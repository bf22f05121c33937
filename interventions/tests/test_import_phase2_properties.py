"""Any rows of Phase 2, in any order, broken ones among them: imported twice is imported once, and the record holds."""

import io
from collections import Counter
from contextlib import redirect_stderr, suppress
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import World
from interventions import events, invariants
from interventions.models import Event, Intervention, PilotTally, Tally
from interventions.phase2.comparing import compare
from interventions.phase2.sources import opened
from interventions.tests import phase2

pytestmark = [pytest.mark.embedded, pytest.mark.long]

MOMENTS = st.sampled_from(
    [
        None,
        "2025-03-04 10:00:00",
        "2025-03-04T10:30:00.5",
        "2025-03-04 11:00:00",
        "2025-02-30",
        "2025-03-05 00:00:00+02:00",
    ]
)
WORDS = st.sampled_from([None, "", "pilot-7", "local:otto", "a\0b", "x" * 2001])
STATUSES = st.sampled_from(
    ["PENDING", "pending", "IN_PROGRESS", "APPROVED", "Status.REJECTED", "EXPIRED", "completed", "CANCELLED", "DONE"]
)
NAMES = st.sampled_from(["a", "b", "c", "d", "e", "f", "g g", None])
REQUESTS = st.fixed_dictionaries(
    {
        "request_id": NAMES,
        "uow_id": st.sampled_from(["u", "u", "u/v"]),
        "intervention_type": st.sampled_from(["resume", "KILL_SWITCH", "clarification", "teleport"]),
        "status": STATUSES,
        "priority": st.sampled_from(["normal", "CRITICAL", None]),
        "title": st.sampled_from(["One", "One", "Two", "", "x" * 300]),
        "context": st.sampled_from([None, "{}", '{"a": 1}', "[]", '{"a": 1e400}']),
        "created_at": st.one_of(st.just("2025-03-04 10:00:00"), MOMENTS),
        "expires_at": MOMENTS,
        "updated_at": MOMENTS,
        "required_role": st.sampled_from(["OPERATOR", "viewer", None, "KING"]),
        "assigned_to": WORDS,
        "action_reason": WORDS,
        "action_timestamp": MOMENTS,
        "is_archived": st.booleans(),
    }
)
OUTCOMES = st.fixed_dictionaries(
    {
        "request_id": NAMES,
        "uow_id": st.just("u"),
        "status": STATUSES,
        "created_at": MOMENTS,
        "completed_at": MOMENTS,
        "assigned_to": WORDS,
    }
)
EVERY_TIME = settings(
    max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


@pytest.mark.django_db
def test_imported_twice_is_imported_once(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interventions.phase2.sources.BATCH", 3)

    @EVERY_TIME
    @given(st.lists(REQUESTS, max_size=12), st.lists(OUTCOMES, max_size=5), st.sampled_from([None, "resume"]))
    def imported(rows: list[dict[str, Any]], outcomes: list[dict[str, Any]], kind: str | None) -> None:
        source = phase2.in_sqlite(tmp_path / "phase2.db", rows, outcomes)
        with transaction.atomic():
            try:
                require_once(world, source, ["--history-type", kind] if kind else [])
            finally:
                transaction.set_rollback(True)

    imported()


def require_once(world: World, source: str, words: list[str]) -> None:
    trial = run(source, *words, "--dry-run")
    first = run(source, *words)
    state = everything()
    second = run(source, *words)
    assert everything() == state
    assert refusals(second) == refusals(first)
    assert all(": 0 taken, " in line and ", 0 moved on, " in line for line in second.splitlines()[-2:])
    assert refusals(trial) == refusals(first)
    assert invariants.check(world.acme.pk) == []
    assert events.audit(world.acme.pk).findings == []
    with opened(source) as there:
        problems = [difference.problem for difference in compare(there, world.acme)]
    assert [problem for problem in problems if not problem.startswith(("cannot be taken", "row "))] == []


def run(source: str, *words: str) -> str:
    out = io.StringIO()
    with suppress(CommandError), redirect_stderr(io.StringIO()):
        call_command("import_phase2", source, "--org", "acme", *words, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def refusals(said: str) -> Counter[str]:
    """Notes are told of what is taken only, and counts differ."""
    lines = said.splitlines()
    return Counter(line for line in lines if "(" in line and not line.endswith("(taken)"))


def everything() -> list[Any]:
    tables = (Intervention, Event, Tally, PilotTally)
    return [list(model.across_organizations.order_by("pk").values()) for model in tables]
