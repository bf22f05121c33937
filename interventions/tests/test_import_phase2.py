"""import_phase2: what there was in Phase 2 is here afterwards, at its own time, on a record that holds; once."""

import io
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from conftest import Clock, World, stored, told
from interventions import actions, events, invariants
from interventions.content import draft_of
from interventions.delivery import outbox
from interventions.insight import metrics
from interventions.live import console, news
from interventions.models import Event, Intervention, Notice, Tally
from interventions.phase2 import sources
from interventions.store import DatabaseStore, InterventionRequest, MemoryStore
from interventions.tests import phase2
from interventions.tests.phase2 import APPROVED, DECIDED, LATER, outcome, request
from pilots.models import Organization, Pilot
from tests import servers

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]


def run(source: str, *words: str) -> str:
    out = io.StringIO()
    call_command("import_phase2", source, "--org", "acme", *words, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def refused(source: str, *words: str) -> list[str]:
    """The lines on what was not taken."""
    out = io.StringIO()
    with pytest.raises(CommandError) as error:
        call_command("import_phase2", source, "--org", "acme", *words, stdout=out, stderr=io.StringIO())
    assert error.value.returncode == 1
    return [line for line in out.getvalue().splitlines() if not line.endswith("refused.")]


def counted(said: str, table: str = "interventions") -> dict[str, int]:
    """The summary's counts that are not zero."""
    line = next(line for line in said.splitlines() if line.startswith(f"{table}: "))
    pairs = [part.strip(" .").split(" ", 1) for part in line.partition(": ")[2].split(",")]
    return {fate: int(count) for count, fate in pairs if count != "0"}


def require_sound(organization: Organization) -> None:
    assert invariants.check(organization.pk) == []
    assert events.audit(organization.pk).findings == []


@pytest.fixture(autouse=True)
def _sound(world: World) -> Iterator[None]:
    """Whatever was imported: the record holds afterwards."""
    yield
    require_sound(world.acme)


@pytest.fixture
def phase2_at(tmp_path: Path) -> Callable[..., str]:
    return lambda *rows, outcomes=[], **how: phase2.in_sqlite(tmp_path / "phase2.db", list(rows), outcomes, **how)


@pytest.fixture(params=["sqlite", "lines", "postgresql"])
def source_of(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Makes a source of rows, of each kind there is."""
    if request.param == "sqlite":
        yield lambda rows, outcomes: phase2.in_sqlite(tmp_path / "phase2.db", rows, outcomes)
    elif request.param == "lines":
        yield lambda rows, outcomes: phase2.in_lines(tmp_path / "phase2.jsonl", rows, outcomes)
    elif connection.vendor != "postgresql":
        pytest.skip("there is no server")
    else:
        yield from _in_postgresql()


def _in_postgresql() -> Iterator[Callable[..., str]]:
    name = f"phase2_{uuid4().hex[:8]}"
    with psycopg.connect(servers.database_url(), autocommit=True) as there:

        def make(rows: list[dict[str, Any]], outcomes: list[dict[str, Any]]) -> str:
            there.execute(f"CREATE SCHEMA {name}")
            there.execute(f"SET search_path = {name}")
            for statement in phase2.schema("SERIAL PRIMARY KEY"):
                typed = statement.replace("created_at TEXT", "created_at TIMESTAMP")
                there.execute(typed.replace("action_timestamp TEXT", "action_timestamp TIMESTAMPTZ"))
            for table, lines in (("interventions", rows), ("intervention_history", outcomes)):
                for line in lines:
                    typed = line | ({"is_archived": bool(line["is_archived"])} if "is_archived" in line else {})
                    there.execute(*phase2.insert(table, typed, "%s"))
            return f"{servers.database_url()}?currentSchema={name}"

        yield make
        there.execute(f"DROP SCHEMA {name} CASCADE")


STATES = [
    request("waiting"),
    request("assigned", assigned_to="pilot-7", updated_at=DECIDED),
    request("claimed", status="IN_PROGRESS", assigned_to="pilot-7", updated_at=DECIDED),
    request("approved", **APPROVED),
    request("rejected", **APPROVED | {"status": "REJECTED"}),
    request("completed", **APPROVED | {"status": "COMPLETED"}, updated_at=LATER),
    request("cancelled", status="CANCELLED", action_timestamp=DECIDED),
    request("expired", status="EXPIRED", expires_at=DECIDED, updated_at=LATER),
]


def test_each_status_of_each_kind_of_source_is_here_with_its_story(world: World, source_of: Callable[..., str]) -> None:
    source = source_of(STATES, [outcome("approved"), outcome("completed", status="COMPLETED")])
    said = run(source)
    assert counted(said) == {"taken": 8}
    assert counted(said, "intervention_history") == {"already there": 2}
    assert {row["request_id"]: told(row["request_id"]) for row in STATES} == {
        "waiting": ["created"],
        "assigned": ["created", "assigned"],
        "claimed": ["created", "claimed"],
        "approved": ["created", "approved"],
        "rejected": ["created", "rejected"],
        "completed": ["created", "approved", "completed"],
        "cancelled": ["created", "cancelled"],
        "expired": ["created", "expired"],
    }
    row = stored("approved")
    assert (row.status, row.decided_by, row.assigned_to, row.action_reason) == (
        "APPROVED",
        "pilot-7",
        "pilot-7",
        "the first",
    )
    assert row.context == {"amount": 1.5, "vendors": ["a", "b"]}
    assert stored("claimed").claimed_until is None


def test_moments_are_those_of_phase_2_and_the_log_says_when_it_was_told(world: World, phase2_at: Any) -> None:
    run(phase2_at(*STATES))
    row = stored("approved")
    moments = (row.created_at, row.action_timestamp, row.updated_at)
    asked, decided = (datetime.fromisoformat(f"{text}+00:00") for text in (phase2.ASKED, DECIDED))
    assert moments == (asked, decided, decided)
    assert stored("expired").action_timestamp.isoformat() == f"{LATER.replace(' ', 'T')[:19]}+00:00"
    log = Event.across_organizations.filter(request_id="approved").order_by("seq")
    assert [event.at for event in log] == [asked, decided]
    assert all(datetime.fromisoformat(event.data["imported_at"]) > decided for event in log)
    figures = metrics.snapshot(world.acme.pk)
    assert (figures["approved_interventions"], figures["avg_resolution_time_seconds"]) == (2, 1800)
    assert Tally.across_organizations.filter(day="2025-03-04", status="APPROVED").get().count == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "pending", "intervention_type": "CLARIFICATION", "priority": "NORMAL", "required_role": "operator"},
        {"status": "InterventionStatus.PENDING", "intervention_type": "InterventionType.CLARIFICATION"},
        {"created_at": "2025-03-04T10:00:00", "updated_at": "2025-03-04T11:00:00+01:00"},
        {"created_at": "2025-03-04T10:00:00Z", "context": json.dumps(phase2.REQUEST["context"])},
        {"assigned_to": "", "action_reason": "", "priority": None, "required_role": None, "updated_at": None},
    ],
    ids=str,
)
def test_what_is_meant_counts_not_how_it_is_spelled(world: World, phase2_at: Any, fields: dict[str, Any]) -> None:
    run(phase2_at(request("plain"), request("spelled", **fields)))
    shown = {name: DatabaseStore(world.acme).get_request(name).to_dict() for name in ("plain", "spelled")}
    assert shown["spelled"] | {"request_id": "plain"} == shown["plain"]


def test_who_has_an_account_here_is_known_by_it(world: World, phase2_at: Any) -> None:
    run(phase2_at(request("r-1", **APPROVED | {"assigned_to": "local:otto"})))
    event = Event.across_organizations.get(type="approved")
    assert event.actor_reference == Pilot.objects.get(pilot_id="local:otto").opaque_id.hex
    assert stored("r-1").given_approvals()[0].pilot_id == "local:otto"


def test_an_agent_that_asks_again_gets_the_one_that_was_imported(world: World, phase2_at: Any) -> None:
    run(phase2_at(request("r-1", expires_at="2025-03-04 11:00:00.000123")))
    words = ("uow_id", "intervention_type", "title", "description")
    draft = draft_of(
        {name: phase2.REQUEST[name] for name in words}
        | {"request_id": "r-1", "context": {"amount": 1.5, "vendors": ["a", "b"]}}
    )
    assert not actions.create(world.key(), draft).created


# Again


def test_again_takes_nothing(world: World, source_of: Callable[..., str]) -> None:
    source = source_of(STATES, [outcome("approved")])
    run(source)
    before = list(Event.across_organizations.values_list("hash", flat=True))
    assert counted(run(source)) == {"already there": 8}
    assert list(Event.across_organizations.values_list("hash", flat=True)) == before


def test_what_is_new_and_what_moved_on_is_taken_by_the_next_run(world: World, phase2_at: Any) -> None:
    source = phase2_at(request("a"), request("b"), request("c", expires_at=DECIDED), request("d", **APPROVED))
    run(source)
    rejected = {"status": "REJECTED", "assigned_to": "pilot-7", "action_reason": "no", "action_timestamp": DECIDED}
    phase2.update(source, "a", rejected)
    phase2.update(source, "b", {"status": "IN_PROGRESS", "assigned_to": "pilot-7", "updated_at": DECIDED})
    phase2.update(source, "c", rejected)
    phase2.update(source, "d", {"status": "COMPLETED", "updated_at": LATER})
    phase2.add(source, request("e"))
    said = run(source)
    assert "interventions 3 (c): it was REJECTED after its deadline 2025-03-04 10:30:00+00:00" in said
    assert counted(said) == {"taken": 1, "moved on": 4}
    assert {name: told(name)[1:] for name in "abcde"} == {
        "a": ["rejected"],
        "b": ["claimed"],
        "c": ["extended", "rejected"],
        "d": ["approved", "completed"],
        "e": [],
    }
    assert stored("a").action_timestamp.minute == 30
    assert counted(run(source)) == {"already there": 5}
    verdict = Event.across_organizations.get(request_id="a", type="rejected")
    assert (verdict.actor, "imported_at" in verdict.data) == ("pilot-7", True)


def test_what_was_decided_here_is_reported_and_stays(world: World, phase2_at: Any) -> None:
    source = phase2_at(request("a"), request("b"), request("c"))
    run(source)
    actions.reject(world.pilot("otto"), "a", reason="no")
    actions.approve(world.pilot("otto"), "b", reason="yes")
    actions.claim(world.pilot("otto"), "c")
    phase2.update(source, "a", APPROVED)
    lines = refused(source)
    assert [line.partition(": ")[2].split(";")[0].split(",")[0] for line in lines] == [
        "it was decided here already",
        "it was decided here already",
        "it has moved on here since: here it is IN_PROGRESS",
    ]
    assert "interventions 1 (a): it was decided here already, REJECTED; there it is APPROVED" in lines[0]
    assert [stored(name).status for name in "abc"] == ["REJECTED", "APPROVED", "IN_PROGRESS"]


def test_other_content_of_the_same_id_is_reported(world: World, phase2_at: Any, ask: Any) -> None:
    ask(request_id="r-1", title="Mine", expires_in_seconds=None)
    assert "context, description, title is not what stands here" in refused(phase2_at(request("r-1")))[0]
    assert stored("r-1").title == "Mine"


def test_a_live_system_goes_on_meanwhile(world: World, phase2_at: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two batches an agent asks with an id that is still to come, once the same and once another thing."""
    monkeypatch.setattr(sources, "BATCH", 2)
    source = phase2_at(*(request(f"r-{number}") for number in range(6)))
    made: list[str] = []

    def live(_self: object, _rows: int) -> None:
        if not made:
            made.append("now")
            asked = {name: phase2.REQUEST[name] for name in ("uow_id", "intervention_type", "title", "description")}
            asked |= {"context": {"amount": 1.5, "vendors": ["a", "b"]}, "expires_in_seconds": None}
            actions.create(world.key(), draft_of(asked | {"request_id": "r-4"}))
            actions.create(world.key(), draft_of(asked | {"request_id": "r-5", "title": "Another"}))

    monkeypatch.setattr("interventions.phase2.reporting.Progress.advance", live)
    assert [line.split(":")[0] for line in refused(source)] == ["interventions 6 (r-5)"]
    assert Intervention.across_organizations.count() == 6
    assert stored("r-5").title == "Another"


# What is wrong with rows


BROKEN = {
    "intervention_type: 'teleport' is none of": {"intervention_type": "teleport"},
    "intervention_type: is missing": {"intervention_type": None},
    "status: 'DONE' is none of": {"status": "DONE"},
    "priority: 'urgent' is none of": {"priority": "urgent"},
    "required_role: 'KING' is none of": {"required_role": "KING"},
    "created_at: 'yesterday' is no date and time": {"created_at": "yesterday"},
    "created_at: '2025-02-30 10:00:00' is no date": {"created_at": "2025-02-30 10:00:00"},
    "created_at: is missing": {"created_at": None},
    "created_at: '0001-01-01 00:00:00' is no year of ours": {"created_at": "0001-01-01 00:00:00"},
    "created_at: 2999-01-01 00:00:00 is still to come": {"created_at": "2999-01-01 00:00:00"},
    "expires_at: 'never' is no date": {"expires_at": "never"},
    "action_timestamp: is missing": APPROVED | {"action_timestamp": None, "updated_at": None},
    "action_timestamp: it was APPROVED before": APPROVED | {"action_timestamp": "2025-03-04 09:00:00"},
    "title: must have at most 255 characters, not 256": {"title": "x" * 256},
    "title: must hold more than white space": {"title": "  "},
    "title: holds the NUL character": {"title": "a\0b"},
    "title: is required": {"title": None},
    "uow_id: must hold no /": {"uow_id": "a/b"},
    "description: must have at most 10,000": {"description": "x" * 10_001},
    "action_reason: must have at most 2,000": APPROVED | {"action_reason": "x" * 2001},
    "assigned_to: must hold no control": {"assigned_to": "a\nb"},
    "context: The JSON cannot be taken: the key 'a' stands twice": {"context": '{"a": 1, "a": 2}'},
    "context: The JSON cannot be taken: NaN": {"context": '{"a": NaN}'},
    "context: The JSON cannot be taken: a text contains the NUL": {"context": '{"a": "\\u0000"}'},
    "context: must be a JSON object": {"context": "[1]"},
    "context: must be at most 64 KiB": {"context": json.dumps({"a": "x" * 70_000})},
    "request_id: is missing": {"request_id": None},
    "request_id: may hold letters": {"request_id": "what is this"},
    "request_id: 'metrics' is reserved": {"request_id": "metrics"},
    "expires_at: its time was over before": {"expires_at": "2025-03-04 09:00:00", "status": "IN_PROGRESS"},
}


@pytest.mark.parametrize("kind", ["sqlite", "lines"])
def test_each_broken_row_is_named_with_its_reason_and_the_rest_is_taken(
    world: World, tmp_path: Path, kind: str
) -> None:
    rows = [request(f"b-{number}") | fields for number, fields in enumerate(BROKEN.values())]
    rows = [request("first"), *rows, request("last")]
    make = phase2.in_sqlite if kind == "sqlite" else phase2.in_lines
    source = make(tmp_path / f"phase2.{'db' if kind == 'sqlite' else 'jsonl'}", rows)
    lines = refused(source, "--report", str(tmp_path / "report.jsonl"))
    expected = list(BROKEN)
    if kind == "lines":
        # There it is no row at all, and told first.
        nul = expected.index("title: holds the NUL character")
        expected.insert(0, "The JSON cannot be taken: a text contains the NUL")
        del expected[nul + 1]
    for line, reason in zip(lines, expected, strict=True):
        assert reason in line
    assert sorted(Intervention.across_organizations.values_list("request_id", flat=True)) == ["first", "last"]
    report = [json.loads(line) for line in (tmp_path / "report.jsonl").read_text().splitlines()]
    assert report[-1]["interventions"] == {"taken": 2, "already there": 0, "moved on": 0, "refused": len(BROKEN)}
    assert {"kind": "refused", "table": "interventions", "id": 2, "request_id": "b-0"}.items() <= report[
        0 if kind == "sqlite" else 1
    ].items()
    assert refused(source) == lines


def test_an_id_that_stands_twice_is_its_first_row(
    world: World, phase2_at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "BATCH", 2)
    rows = [request("a"), request("b"), request("a", status="APPROVED", action_timestamp=DECIDED), request("b")]
    source = phase2_at(*rows)
    for _ in range(2):
        assert refused(source) == [
            "interventions 3 (a): its request_id stands in row 1 already",
            "interventions 4 (b): its request_id stands in row 2 already",
        ]
    assert stored("a").status == "PENDING"


def test_rows_whose_keys_repeat_or_lack_are_not_lost(
    world: World, phase2_at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "BATCH", 2)
    rows = [request(f"r-{number}") | {"id": place} for number, place in enumerate([1, 2, 2, 2, 3, None])]
    assert refused(phase2_at(*rows, key="INTEGER")) == ["interventions  (-): 1 rows have no id: give them one"]
    assert Intervention.across_organizations.count() == 5


def test_bytes_that_are_no_text_are_refused(world: World, phase2_at: Any) -> None:
    source = phase2_at(request("a"), request("b"))
    phase2.change(source, "UPDATE interventions SET title = CAST(x'ff41' AS TEXT) WHERE id = 1")
    assert refused(source) == ["interventions 1 (a): title: is not UTF-8"]


@pytest.mark.parametrize(
    ("fields", "note", "events_of"),
    [
        (APPROVED | {"expires_at": "2025-03-04 10:10:00"}, "APPROVED after its deadline", ["created", "approved"]),
        (
            {"status": "EXPIRED", "expires_at": LATER, "action_timestamp": DECIDED},
            "expired before its deadline",
            ["created", "expired"],
        ),
        ({"status": "EXPIRED", "action_timestamp": DECIDED}, "deadline (none)", ["created", "expired"]),
        ({"is_archived": 1}, "archived while it was PENDING", ["created"]),
    ],
)
def test_what_could_not_stand_as_it_was_is_noted_on_its_record(
    world: World, phase2_at: Any, fields: dict[str, Any], note: str, events_of: list[str]
) -> None:
    said = run(phase2_at(request("r-1", **fields)))
    assert note in said
    assert counted(said) == {"taken": 1}
    assert told("r-1") == events_of
    assert note in Event.across_organizations.get(type="created").data["import_notes"][0]
    page = world.session("otto").get("/o/acme/interventions/r-1").content.decode()
    assert "taken over" in page
    assert note in page


# The history


def test_the_history_is_held_against_the_requests(world: World, phase2_at: Any) -> None:
    rows = [request("a", **APPROVED), request("b", **APPROVED), request("c", title="")]
    outcomes = [outcome("a"), outcome("a", status="REJECTED"), outcome("b", assigned_to="pilot-8"), outcome("c")]
    lines = refused(phase2_at(*rows, outcomes=outcomes))
    assert lines[1:] == [
        "intervention_history 2 (a): status is REJECTED, in row 1 of interventions APPROVED",
        "intervention_history 3 (b): assigned_to is pilot-8, in row 2 of interventions pilot-7",
        "intervention_history 4 (c): row 3 of interventions, which it is about, was refused: title: must not be empty",
    ]


def test_what_the_history_alone_has_is_left_out_unless_a_type_is_named(world: World, phase2_at: Any) -> None:
    outcomes = [
        outcome("a", assigned_to="pilot-7", action_reason="fine"),
        outcome("a", assigned_to="pilot-7", action_reason="fine"),
        outcome("b", status="EXPIRED"),
        outcome("c"),
        outcome("c", status="REJECTED"),
        outcome("d", status="PENDING"),
        outcome("e", completed_at=None, archived_at=None),
    ]
    source = phase2_at(outcomes=outcomes)
    lines = refused(source)
    assert sum("name a type by --history-type" in line for line in lines) == 2
    assert not Intervention.across_organizations.exists()
    lines = refused(source, "--history-type", "resume")
    twice = "it stands in the history only, with different outcomes: 4 APPROVED, 5 REJECTED"
    assert sorted(lines) == sorted(
        [
            f"intervention_history 1 (a): {reading_note()} (taken)",
            "intervention_history 3 (b): it expired before its deadline (none), which stands as that moment (taken)",
            f"intervention_history 3 (b): {reading_note()} (taken)",
            f"intervention_history 4 (c): {twice}",
            f"intervention_history 5 (c): {twice}",
            "intervention_history 6 (d): status: PENDING is no outcome",
            "intervention_history 7 (e): completed_at: is missing: nothing says when it ended",
        ]
    )
    row = stored("a")
    assert (row.status, row.intervention_type, row.decided_by, row.action_reason) == (
        "APPROVED",
        "resume",
        "pilot-7",
        "fine",
    )


def reading_note() -> str:
    return "Kept in the history of Phase 2 only, without title and content"


def test_a_request_that_phase_2_has_archived_meanwhile_gets_its_outcome(world: World, phase2_at: Any) -> None:
    run(phase2_at(request("a"), request("b", **APPROVED)))
    said = run(phase2_at(outcomes=[outcome("a", assigned_to="pilot-7"), outcome("b")]))
    assert counted(said, "intervention_history") == {"moved on": 1, "already there": 1}
    assert (stored("a").status, stored("a").title) == ("APPROVED", phase2.REQUEST["title"])


# Nobody is told


def test_nobody_is_told_of_what_is_imported(world: World, phase2_at: Any, settings: Any, ask: Any) -> None:
    settings.EMAIL_URL = "smtp://localhost"
    Pilot.objects.filter(pilot_id="local:otto").update(email="otto@acme.test")
    critical = {"priority": "critical"}
    run(phase2_at(request("a", **critical), request("b", assigned_to="local:otto", **critical)))
    outbox.read_on()
    assert not Notice.across_organizations.exists()
    ask(priority="critical", expires_in_seconds=None)
    outbox.read_on()
    assert Notice.across_organizations.get().request_ids != ["a"]


def test_an_open_page_is_told_what_it_need_not_ring_for(world: World, phase2_at: Any, ask: Any) -> None:
    run(phase2_at(request("a")))
    ask(request_id="b")
    frames = [json.loads(console.event_text(item)) for item in news.read(world.acme.pk, 0, 10)]
    assert [(frame["request_id"], frame["imported"]) for frame in frames] == [("a", True), ("b", False)]


# The command


def test_a_trial_says_the_same_and_changes_nothing(world: World, phase2_at: Any) -> None:
    source = phase2_at(*STATES, outcomes=[outcome("approved")])
    said = run(source, "--dry-run")
    assert not Intervention.across_organizations.exists()
    assert not Event.across_organizations.exists()
    assert said.replace("Would be: ", "") == run(source)


def test_it_speaks_json(world: World, phase2_at: Any) -> None:
    lines = [json.loads(line) for line in run(phase2_at(*STATES), "--json").splitlines()]
    assert lines == [
        {
            "kind": "summary",
            "interventions": {"taken": 8, "already there": 0, "moved on": 0, "refused": 0},
            "intervention_history": {"taken": 0, "already there": 0, "moved on": 0, "refused": 0},
        }
    ]


def test_a_store_in_memory_is_moved_by_what_its_requests_say_of_themselves(world: World, tmp_path: Path) -> None:
    memory = MemoryStore()
    memory.create_request("r-1", "uow-1", "resume", "Go on?", "", context={"a": [1]})
    memory.update_request("r-1", "APPROVED", "yes", "pilot-7")
    memory.create_request("r-2", "uow-1", "kill_switch", "Stop?", "", priority="critical")
    rows = [request.to_dict() for request in memory.each_request()]
    run(phase2.in_lines(tmp_path / "dump.jsonl", rows))

    def shown(request: InterventionRequest | None) -> dict[str, Any]:
        return {} if request is None else request.to_dict() | {"updated_at": None}

    store = DatabaseStore(world.acme)
    for name in ("r-1", "r-2"):
        assert shown(store.get_request(name)) == shown(memory.get_request(name))


def test_lines_that_are_no_rows_are_named(world: World, tmp_path: Path) -> None:
    file = tmp_path / "dump.jsonl"
    good = json.dumps(request("a"))
    file.write_text("\n".join(["\ufeff" + good, "", "{", "[1]", '{"table": "users"}', '{"a": 1, "a": 2}', "9" * 2**21]))
    assert refused(str(file)) == [
        "interventions 3 (-): The JSON cannot be taken: Expecting property name enclosed in double quotes at line 2, "
        "column 1.",
        "interventions 4 (-): the line is no JSON object",
        "interventions 5 (-): its table is none of interventions, intervention_history",
        "interventions 6 (-): The JSON cannot be taken: the key 'a' stands twice in one object.",
        "interventions 7 (-): the line is longer than 1 MiB",
    ]
    assert stored("a").title == phase2.REQUEST["title"]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("no/such/file", None, "The source cannot be read"),
        ("phase2.db", b"", "neither a database of SQLite nor a .jsonl file"),
        ("phase2.txt", b"words", "neither a database of SQLite nor a .jsonl file"),
        ("phase2.db", b"SQLite format 3\x00 and then nothing", "The source cannot be read"),
    ],
)
def test_what_is_no_source_is_refused(world: World, tmp_path: Path, name: str, content: bytes | None, why: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(CommandError, match=why) as error:
        run(str(tmp_path / name))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("gopher://host/name", "cannot be taken"),
        ("postgresql://nobody@127.0.0.1:1/none", "The source cannot be read"),
        ("mysql://host/name", "The source cannot be read"),
        ("sqlite:////no/such/file", "The source cannot be read"),
    ],
)
def test_a_url_that_leads_nowhere_is_refused(world: World, url: str, why: str) -> None:
    with pytest.raises(CommandError, match=why) as error:
        run(url)
    assert "\n" not in str(error.value)


def test_tables_and_columns_that_lack_are_named(world: World, tmp_path: Path) -> None:
    path = tmp_path / "phase2.db"
    with closing(sqlite3.connect(path)) as there, there:
        there.execute("CREATE TABLE users (id INTEGER)")
    with pytest.raises(CommandError, match=r"no table interventions: is it Phase 2's\? It has: users"):
        run(str(path))
    with closing(sqlite3.connect(path)) as there, there:
        there.execute("CREATE TABLE interventions (id INTEGER, request_id TEXT, status TEXT, colour TEXT)")
    with pytest.raises(CommandError, match="lacks uow_id, intervention_type, title, created_at"):
        run(str(path))


def test_the_store_of_the_first_plan_has_a_key_of_its_own_and_fewer_columns(world: World, tmp_path: Path) -> None:
    """Phase 2 as it was drafted: `request_id` is the key, and there is no history."""
    path, errors = tmp_path / "phase2.db", io.StringIO()
    names = [name for name in phase2.REQUEST if name not in ("required_role", "action_timestamp", "is_archived")]
    with closing(sqlite3.connect(path)) as there, there:
        there.execute(f"CREATE TABLE interventions ({', '.join(f'{name} TEXT' for name in names)})")
        for row in (request("a"), request("b", **APPROVED, updated_at=DECIDED)):
            there.execute(*phase2.insert("interventions", {name: row[name] for name in names}))
    call_command("import_phase2", str(path), "--org", "acme", stdout=io.StringIO(), stderr=errors)
    assert "there is no table intervention_history" in errors.getvalue()
    assert "interventions has no id, required_role, action_timestamp, is_archived" in errors.getvalue()
    assert [stored(name).status for name in "ab"] == ["PENDING", "APPROVED"]


def test_the_source_is_only_read(world: World, phase2_at: Any) -> None:
    source = phase2_at(*STATES)
    Path(source).chmod(0o400)
    before = Path(source).read_bytes()
    run(source)
    assert Path(source).read_bytes() == before
    assert [path.name for path in Path(source).parent.iterdir()] == ["phase2.db"]


def test_an_organization_and_a_report_that_cannot_be_are_refused(world: World, phase2_at: Any, tmp_path: Path) -> None:
    source = phase2_at(request("a"))
    with pytest.raises(CommandError, match="there are: acme, globex"):
        call_command("import_phase2", source, "--org", "initech")
    (tmp_path / "there").write_text("mine")
    with pytest.raises(CommandError, match="is there already"):
        run(source, "--report", str(tmp_path / "there"))
    assert (tmp_path / "there").read_text() == "mine"
    assert not Intervention.across_organizations.exists()


def test_it_says_how_far_it_is(world: World, phase2_at: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(sources, "BATCH", 3)
    call_command("import_phase2", phase2_at(*STATES), "--org", "acme")
    assert capsys.readouterr().err == "8 of 8 rows\n"


def test_what_time_makes_of_it_goes_on_here(world: World, phase2_at: Any, clock: Clock) -> None:
    run(phase2_at(request("a", expires_at=DECIDED), request("b")))
    assert actions.expire_due() == 1
    actions.approve(world.pilot("otto"), "b", reason="fine")
    assert [stored(name).status for name in "ab"] == ["EXPIRED", "APPROVED"]
