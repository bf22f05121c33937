"""compare_stores: silent where both hold the same, one line for each request that differs, and exit 1."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from conftest import World
from interventions import actions
from interventions.content import draft_of
from interventions.phase2 import comparing, sources
from interventions.store import DatabaseStore, InterventionStore, MemoryStore, MirroredStore
from interventions.tests import phase2
from interventions.tests.phase2 import APPROVED, outcome, request
from interventions.tests.test_import_phase2 import STATES

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]


def run(command: str, source: str, *words: str) -> list[str]:
    out = io.StringIO()
    call_command(command, source, "--org", "acme", *words, stdout=out, stderr=io.StringIO())
    return out.getvalue().splitlines()


def differing(source: str, *words: str) -> list[str]:
    out = io.StringIO()
    with pytest.raises(CommandError) as error:
        call_command("compare_stores", source, "--org", "acme", *words, stdout=out)
    assert error.value.returncode == 1
    return out.getvalue().splitlines()


def test_what_was_imported_agrees(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "BATCH", 3)
    monkeypatch.setattr(comparing, "BATCH", 3)
    late = request("late", **APPROVED | {"expires_at": "2025-03-04 10:10:00"})
    source = phase2.in_sqlite(tmp_path / "phase2.db", [*STATES, late], [outcome("approved")])
    run("import_phase2", source)
    assert run("compare_stores", source) == ["9 requests of the source and acme agree."]
    assert [json.loads(line) for line in run("compare_stores", source, "--json")] == [
        {"kind": "summary", "rows": 9, "differences": 0}
    ]


def test_each_difference_is_named(world: World, tmp_path: Path, ask: Any) -> None:
    source = phase2.in_sqlite(tmp_path / "phase2.db", [request(name) for name in "abcd"])
    run("import_phase2", source)
    actions.approve(world.pilot("otto"), "a", reason="fine")
    phase2.update(source, "b", {"title": "Another"})
    phase2.update(source, "c", {"status": "DONE"})
    for name in "ed":
        phase2.add(source, request(name))
    ask(request_id="here")
    lines = differing(source)
    assert lines[0].startswith(
        "a: status is <Status.PENDING: 'PENDING'>, in the secondary <Status.APPROVED: 'APPROVED'>"
    )
    assert lines[1:] == [
        "b: title is 'Another', in the secondary 'Which vendor is it?'",
        f"c: cannot be taken: status: 'DONE' is none of {', '.join(_statuses())}",
        "e: is not in the secondary",
        "d: row 6 repeats row 4",
        "here: is in the secondary only",
    ]
    assert [json.loads(line)["kind"] for line in differing(source, "--json")] == ["difference"] * 6 + ["summary"]


def _statuses() -> list[str]:
    return ["pending", "in_progress", "approved", "rejected", "expired", "completed", "cancelled"]


def test_what_the_history_gave_is_no_stray(world: World, tmp_path: Path) -> None:
    source = phase2.in_sqlite(tmp_path / "phase2.db", [request("a")], [outcome("b")])
    run("import_phase2", source, "--history-type", "resume")
    assert run("compare_stores", source) == ["1 requests of the source and acme agree."]


def dumped(store: InterventionStore, path: Path) -> str:
    return phase2.in_lines(path, [request.to_dict() for request in store.each_request()])


def test_the_way_of_the_runbook_ends_in_agreement(world: World, tmp_path: Path) -> None:
    """A store of Phase 2 at work: imported, mirrored from then on, imported again, compared, and the reads switched."""
    phase2_store, here = MemoryStore(), DatabaseStore(world.acme)
    asked = ("uow-1", "resume", "Go on?", "")
    for name in ("before", "between", "decided"):
        phase2_store.create_request(name, *asked)
    phase2_store.update_request("decided", "REJECTED", "no", "pilot-7")
    run("import_phase2", dumped(phase2_store, tmp_path / "first.jsonl"))

    phase2_store.update_request("between", "APPROVED", "yes", "pilot-7")
    phase2_store.create_request("new", *asked)
    both = MirroredStore(phase2_store, here)
    both.create_request("mirrored", *asked)
    both.update_request("before", "IN_PROGRESS", assigned_to="pilot-7")
    assert both.differences == 0
    assert len(differing(dumped(phase2_store, tmp_path / "second.jsonl"))) == 2

    said = run("import_phase2", dumped(phase2_store, tmp_path / "third.jsonl"))
    assert said[0] == "interventions: 1 taken, 3 already there, 1 moved on, 0 refused."
    run("compare_stores", dumped(phase2_store, tmp_path / "fourth.jsonl"))
    switched = MirroredStore(here, phase2_store)
    switched.update_request("before", "COMPLETED", "done")
    assert switched.compare() == []
    assert not actions.create(world.key(), draft_of({"request_id": "new", "uow_id": "uow-1", **_asked()})).created


def _asked() -> dict[str, str]:
    return {"intervention_type": "resume", "title": "Go on?"}
