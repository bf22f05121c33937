"""Killed at any moment, out of room, beside others: an import begun anew leads to what one run would have led to."""

import io
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections

from conftest import World
from interventions import actions, events, invariants
from interventions.content import draft_of
from interventions.models import Intervention
from interventions.tests import phase2, processes
from interventions.tests.phase2 import APPROVED, request

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded, pytest.mark.long]

ROWS = 6000
COLUMNS = ("request_id", "status", "title", "created_at", "updated_at", "action_timestamp", "decided_by", "version")


def rows_of(count: int) -> list[dict[str, Any]]:
    """Every third is decided, every fifth is broken."""
    broken, decided = {"status": "DONE"}, APPROVED
    return [
        request(f"r-{number:05}", **(broken if number % 5 == 4 else decided if number % 3 == 0 else {}))
        for number in range(count)
    ]


def run(source: str, slug: str = "acme") -> str:
    """The one line that it ends with."""
    with pytest.raises(CommandError) as error:
        call_command("import_phase2", source, "--org", slug, stdout=io.StringIO(), stderr=io.StringIO())
    return str(error.value)


def rows(organization: Any) -> list[Any]:
    found = Intervention.objects.for_organization(organization.pk).order_by("request_id")
    return list(found.values_list(*COLUMNS))


def log(organization: Any) -> list[tuple[str, str]]:
    return [(event.request_id, event.type) for event in events.since(organization.pk, 0, 10 * ROWS)]


def require_sound(organization: Any) -> None:
    assert invariants.check(organization.pk) == []
    assert events.audit(organization.pk).findings == []


def test_killed_and_begun_anew_is_as_one_run(world: World, tmp_path: Path) -> None:
    source = phase2.in_sqlite(tmp_path / "phase2.db", rows_of(ROWS))
    words = ["manage.py", "import_phase2", source, "--org", "acme"]
    process = processes.start(words, tmp_path / "import.log", "")
    while process.poll() is None and not Intervention.objects.for_organization(world.acme.pk).exists():
        time.sleep(0.01)
    process.kill()
    process.wait()
    there = Intervention.objects.for_organization(world.acme.pk).count()
    assert 0 < there < ROWS * 4 // 5, (tmp_path / "import.log").read_text()
    require_sound(world.acme)
    for slug in ("acme", "globex"):
        assert run(source, slug).startswith(f"{ROWS // 5:,} rows were not taken")
    assert rows(world.acme) == rows(world.globex)
    assert log(world.acme) == log(world.globex)
    require_sound(world.acme)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="a server's disk is not ours to fill")
def test_a_full_disk_leaves_what_was(world: World, tmp_path: Path) -> None:
    source = phase2.in_sqlite(tmp_path / "phase2.db", rows_of(ROWS))
    with connection.cursor() as cursor:
        # What other tests have left empty is room, too.
        cursor.execute("VACUUM")
        pages = cursor.execute("PRAGMA page_count").fetchone()[0]
        cursor.execute(f"PRAGMA max_page_count = {pages + 500}")
        try:
            assert "full" in run(source)
        finally:
            cursor.execute("PRAGMA max_page_count = 1000000000")
    there = Intervention.objects.for_organization(world.acme.pk).count()
    assert 0 < there < ROWS * 4 // 5
    require_sound(world.acme)
    run(source)
    assert len(rows(world.acme)) == ROWS * 4 // 5
    require_sound(world.acme)


def test_agents_ask_and_pilots_decide_meanwhile(world: World, tmp_path: Path) -> None:
    source = phase2.in_sqlite(tmp_path / "phase2.db", rows_of(ROWS // 3))
    importing = threading.Event()
    importing.set()
    decided: list[str] = []

    def work() -> None:
        try:
            while importing.is_set():
                draft = draft_of({"uow_id": "live", "intervention_type": "resume", "title": "Go on?"})
                row = actions.create(world.key(), draft).row
                decided.append(actions.approve(world.pilot("otto"), row.request_id, reason="fine").request_id)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        run(source)
    finally:
        importing.clear()
        for thread in threads:
            thread.join(30)
    assert decided
    assert len(rows(world.acme)) == len(decided) + ROWS // 3 * 4 // 5
    require_sound(world.acme)


def test_two_imports_at_once_are_one(world: World, tmp_path: Path) -> None:
    source = phase2.in_sqlite(tmp_path / "phase2.db", rows_of(ROWS // 3))
    words = ["manage.py", "import_phase2", source, "--org", "acme"]
    both = [processes.start(words, tmp_path / f"import-{number}.log", "") for number in range(2)]
    for process in both:
        assert process.wait(120) == 1
    assert len(rows(world.acme)) == ROWS // 3 * 4 // 5
    require_sound(world.acme)
