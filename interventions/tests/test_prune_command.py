"""manage.py prune, as an operator meets it; and the file of what went."""

import io
import json
import resource
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from conftest import Clock, World
from interventions import actions, audits
from interventions.actions import archiving, pruning
from interventions.archive_file import ArchiveFile
from interventions.models import Event, Intervention
from pilots import chains
from pilots.errors import InvalidInput
from pilots.models import Organization

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]


@pytest.fixture
def years(world: World, ask: Any, clock: Clock) -> World:
    """Ten events of four decided requests long ago, one request of now."""
    for number in range(4):
        ask(request_id=f"old-{number}", expires_in_seconds=None, context={"number": number})
        actions.approve(world.pilot("otto"), f"old-{number}", reason="fine")
    actions.comment(world.pilot("otto"), "old-1", text="hm")
    actions.complete(world.key(), "old-2", outcome={"paid": True})
    clock.forward(days=100)
    ask(request_id="new")
    return world


def run(*words: str) -> str:
    out = io.StringIO()
    call_command("prune", *words, stdout=out)
    return out.getvalue()


def failing(*words: str) -> str:
    with pytest.raises(CommandError) as error:
        run(*words)
    assert error.value.returncode == 1
    assert "\n" not in str(error.value)
    return str(error.value)


def left() -> tuple[int, int]:
    return Intervention.across_organizations.count(), Event.across_organizations.count()


def test_without_a_setting_everything_is_kept(years: World) -> None:
    assert run() == "acme: keeps everything.\nglobex: keeps everything.\n"
    assert left() == (5, 11)


def test_it_goes_by_what_each_organization_set(years: World) -> None:
    Organization.objects.filter(slug="acme").update(settings={"retention_days": 90})
    said = "acme: 4 requests and 10 events {}, older than 90 days.\nglobex: keeps everything.\n"
    assert run("--dry-run") == said.format("would go")
    assert left() == (5, 11)
    assert run() == said.format("removed")
    assert left() == (1, 1)


def test_it_speaks_json(years: World) -> None:
    found = json.loads(run("--org", "acme", "--days", "90", "--json"))
    assert found == {"acme": {"days": 90, "interventions": 4, "events": 10, "held_by": None}}


def test_what_holds_the_log_is_named(years: World, clock: Clock) -> None:
    run("--org", "acme", "--days", "90")
    clock.forward(days=100)
    said = run("--org", "acme", "--days", "90")
    assert (
        said == "acme: 0 requests and 0 events removed, older than 90 days. The log begins with new, which is kept.\n"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--days", "90"], "add --org"),
        (["--org", "acme", "--days", "29"], "write 30 days or more"),
        (["--org", "nope"], "there are: acme, globex"),
    ],
)
def test_what_cannot_be_meant_removes_nothing(years: World, words: list[str], said: str) -> None:
    assert said in failing(*words)
    assert left() == (5, 11)


def test_a_record_that_does_not_verify_is_left(years: World) -> None:
    Event.across_organizations.filter(seq=1).update(type="claimed")
    assert "verify_audit --org acme" in failing("--org", "acme", "--days", "90")


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call_command("prune", "--help")
    assert "Example:\n  manage.py prune --dry-run" in capsys.readouterr().out


# The archive


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(archiving, "BATCH", 3)
    monkeypatch.setattr(pruning, "BATCH", 3)
    return tmp_path / "acme.jsonl"


def lines_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_what_goes_is_in_the_file_each_request_with_its_events(years: World, file: Path) -> None:
    run("--org", "acme", "--days", "90", "--archive", str(file))
    assert left() == (1, 1)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    requests = {row["request_id"]: row for row in lines_of(file) if row["kind"] == "intervention"}
    assert sorted(requests) == [f"old-{number}" for number in range(4)]
    assert requests["old-3"]["context"] == {"number": 3}
    assert [event["type"] for event in requests["old-1"]["events"]] == ["created", "approved", "commented"]
    assert requests["old-2"]["outcome"] == {"paid": True}
    assert {row["organization"] for row in lines_of(file)} == {"acme"}


def test_the_events_in_the_file_lead_by_their_hashes_to_those_that_are_kept(years: World, file: Path) -> None:
    run("--org", "acme", "--days", "90", "--archive", str(file))
    events = [row for row in lines_of(file) if row["kind"] == "event"]
    assert [event["seq"] for event in events] == list(range(1, 11))
    assert all(chains.digest_of(event["data"], event["salt"]) == event["data_digest"] for event in events)
    assert Event.across_organizations.get().seq == 11
    assert audits.of(years.acme)["record"].findings == []
    assert events[-1]["hash"] == actions.pruning.access_log.checkpoint(years.acme.pk).hash


def test_a_second_pruning_adds_to_the_file(years: World, file: Path, clock: Clock) -> None:
    for _ in range(2):
        run("--org", "acme", "--days", "90", "--archive", str(file))
        clock.forward(days=1)
        actions.expire_due()
        clock.forward(days=100)
    assert sum(row["kind"] == "intervention" for row in lines_of(file)) == 5


def test_a_trial_makes_no_file(years: World, file: Path) -> None:
    run("--org", "acme", "--days", "90", "--archive", str(file), "--dry-run")
    assert not file.exists()


def test_a_full_disk_leaves_everything(years: World) -> None:
    said = failing("--org", "acme", "--days", "90", "--archive", "/dev/full")
    assert said == "/dev/full: No space left on device. What is not in it was not removed."
    assert left() == (5, 11)


@pytest.mark.parametrize(
    ("there", "said"),
    [('{"kind": "interv', "does not end with a whole line"), (None, "cannot be written: No such file or directory")],
)
def test_a_file_that_cannot_be_added_to_is_refused(years: World, file: Path, there: str | None, said: str) -> None:
    if there is None:
        file = file.parent / "nowhere" / "acme.jsonl"
    else:
        file.write_text(there)
    assert said in failing("--org", "acme", "--days", "90", "--archive", str(file))
    assert left() == (5, 11)
    assert there is None or file.read_text() == there


@pytest.fixture
def room_for_a_little() -> Iterator[None]:
    """No file of this process grows beyond 100 bytes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_what_does_not_fit_leaves_no_half_of_itself(file: Path, room_for_a_little: None) -> None:
    with ArchiveFile(file) as archive:
        with archive.batch():
            archive.write([b"one\n"])
        with pytest.raises(OSError, match="File too large"), archive.batch():
            archive.write([b"two\n", b"x" * 200 + b"\n"])
    assert file.read_bytes() == b"one\n"


def test_what_was_not_removed_after_all_is_taken_back(file: Path) -> None:
    def fail_after_writing(archive: ArchiveFile) -> None:
        with archive.batch():
            archive.write([b"one\n"])
            raise ZeroDivisionError

    with ArchiveFile(file) as archive, pytest.raises(ZeroDivisionError):
        fail_after_writing(archive)
    assert file.read_bytes() == b""


def test_two_do_not_write_one_file_at_once(file: Path) -> None:
    with ArchiveFile(file), pytest.raises(InvalidInput, match="by another command"), ArchiveFile(file):
        pass
