"""The export of an organization: all of its own, nothing of another's, no secret, and verifiable by anyone."""

import fcntl
import json
import runpy
import stat
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from conftest import World
from interventions import actions, exporting, wire
from interventions.actions import erase
from interventions.models import Intervention
from pilots import access_log, tokens
from pilots.models import AccessEvent, ApiKey, Invitation, Organization, Pilot, RefreshFamily

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]

VERIFIER = Path(__file__).resolve().parents[2] / "examples" / "verify_export.py"
THEIRS = "canary-of-globex"


@pytest.fixture
def busy(world: World, ask: Any) -> None:
    for number in range(5):
        ask(request_id=f"r-{number}", context={"amount": 1e300, "text": "ä\u202e"}, approvals_required=2)
    for name in ("otto", "olga"):
        actions.approve(world.pilot(name), "r-1", reason="fine")
    actions.comment(world.pilot("otto"), "r-2", text="hm")
    ask(key="globex-agent", request_id=THEIRS, title=THEIRS, uow_id=THEIRS, context={THEIRS: THEIRS})
    actions.comment(world.pilot("gina"), THEIRS, text=THEIRS)
    access_log.record("tried", access_log.SYSTEM, organization=world.globex, data={"name": THEIRS})
    Pilot.objects.filter(pilot_id="local:gina").update(name=THEIRS, email=f"{THEIRS}@example.com")
    tokens.issue(world.memberships["otto"])
    otto = world.memberships["otto"].pilot
    Invitation.objects.create(
        organization=world.acme, email="new@example.com", digest="d" * 64, invited_by=otto, expires_at=otto.created_at
    )


def exported(organization: Organization) -> list[dict[str, Any]]:
    return [json.loads(line) for line in exporting.export(organization)]


def test_everything_of_the_organization_is_in_it(world: World, busy: None) -> None:
    rows = exported(world.acme)
    kinds = Counter(row["kind"] for row in rows)
    assert kinds | {"member": 4, "key": 2, "invitation": 1, "intervention": 5, "event": 8} == kinds
    assert kinds["access_event"] == AccessEvent.across_organizations.filter(organization=world.acme).count()
    assert rows[-1]["counts"] == {kind: count for kind, count in kinds.items() if kind != "end"}
    assert [row["kind"] for row in rows[:2]] == ["export", "organization"]
    by_id = {row["request_id"]: row for row in rows if row["kind"] == "intervention"}
    stored = Intervention.across_organizations.prefetch_related("approvals").get(request_id="r-1")
    assert by_id["r-1"] == {"kind": "intervention"} | json.loads(wire.dumps(wire.intervention(stored)))


def test_nothing_of_another_organization_is_in_it(world: World, busy: None) -> None:
    text = json.dumps(exported(world.acme))
    assert THEIRS not in text
    assert "gina" not in text
    assert "globex" not in text
    assert THEIRS in json.dumps(exported(world.globex))


def test_no_secret_is_in_it(world: World, busy: None) -> None:
    text = json.dumps(exported(world.acme))
    secrets = [*Pilot.objects.values_list("password", flat=True), "d" * 64]
    secrets += list(ApiKey.across_organizations.values_list("digest", flat=True))
    secrets += [plain for _, plain in world.keys.values()]
    secrets += list(RefreshFamily.across_organizations.values_list("current_jti", flat=True))
    assert [secret for secret in secrets if secret in text] == []


def test_its_making_is_on_record_and_in_it(world: World, busy: None) -> None:
    rows = [row for row in exported(world.acme) if row["kind"] == "access_event"]
    assert (rows[-1]["type"], rows[-1]["actor"]) == ("organization_exported", "system")
    assert access_log.newest(world.acme, 1)[0].type == "organization_exported"


@pytest.mark.parametrize("page", [1, 2, 100])
def test_pages_of_any_size_give_the_same(world: World, busy: None, page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "PAGE", page)
    seqs = [row["seq"] for row in exported(world.acme) if row["kind"] == "event"]
    assert seqs == list(range(1, 9))


def test_rows_are_read_a_page_at_a_time(
    world: World, busy: None, django_assert_max_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the first lines nothing of the rest has been read yet."""
    lines = exporting.export(world.acme)
    with django_assert_max_num_queries(20):
        assert json.loads(next(lines))["kind"] == "export"
    Intervention.across_organizations.filter(request_id="r-4").update(title="read late")
    assert any(b"read late" in line for line in lines)


# By the command


def run(tmp_path: Path, *words: str) -> Path:
    file = tmp_path / "acme.jsonl"
    call_command("export_org", "acme", "--output", str(file), *words)
    return file


def verified(file: Path) -> tuple[int, str]:
    done = subprocess.run([sys.executable, str(VERIFIER), str(file)], capture_output=True, text=True, check=False)  # noqa: S603
    return done.returncode, done.stdout + done.stderr


def test_a_stranger_can_verify_it(world: World, busy: None, tmp_path: Path) -> None:
    file = run(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert verified(file) == (0, f"{len(file.read_bytes().splitlines())} lines: whole, and both logs hold.\n")
    assert list(tmp_path.iterdir()) == [file]


def test_a_stranger_can_verify_it_after_an_erasure(world: World, busy: None, tmp_path: Path) -> None:
    erase(world.memberships["otto"].pilot, texts=True)
    erase(world.memberships["olga"].pilot)
    file = run(tmp_path)
    assert verified(file)[0] == 0
    rows = [json.loads(line) for line in file.read_bytes().splitlines()]
    changed = next(row for row in rows if row["kind"] == "event" and row["data"] and not row["salt"])
    changed["data"]["action_reason"] = "never said"
    write(file, rows)
    assert verified(file)[0] == 1


def write(file: Path, rows: list[dict[str, Any]]) -> None:
    """With an end that fits."""
    lines = [wire.dumps(row) + b"\n" for row in rows[:-1]]
    digest = exporting.hashlib.sha256(b"".join(lines)).hexdigest()
    file.write_bytes(b"".join(lines) + wire.dumps(rows[-1] | {"sha256": digest}) + b"\n")


@pytest.mark.parametrize("kind", ["event", "access_event"])
@pytest.mark.parametrize("how", ["edit", "delete", "reorder", "truncate"])
def test_a_changed_log_is_found_by_the_reader(world: World, busy: None, tmp_path: Path, kind: str, how: str) -> None:
    file = run(tmp_path)
    rows = [json.loads(line) for line in file.read_bytes().splitlines()]
    places = [place for place, row in enumerate(rows) if row["kind"] == kind]
    if how == "edit":
        rows[places[1]]["data"] = {"role": "ADMIN", "title": "never asked"}
    elif how == "delete":
        del rows[places[1]]
    elif how == "reorder":
        rows[places[1]], rows[places[2]] = rows[places[2]], rows[places[1]]
    else:
        del rows[places[-1]]
    write(file, rows)
    assert verified(file)[0] == 1


def test_half_an_export_is_no_export(world: World, busy: None, tmp_path: Path) -> None:
    file = run(tmp_path)
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-3]))
    assert verified(file) == (1, "the export is not whole, or was changed\n")


def test_it_can_go_into_a_pipe(world: World, busy: None, capfdbinary: Any) -> None:
    call_command("export_org", "acme")
    lines = capfdbinary.readouterr().out.splitlines(keepends=True)
    assert runpy.run_path(str(VERIFIER))["verify"](lines) == []


def test_it_refuses_what_cannot_be(world: World, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="there are: acme, globex"):
        call_command("export_org", "initech")
    file = tmp_path / "there"
    file.write_text("mine")
    with pytest.raises(CommandError, match="is there already"):
        call_command("export_org", "acme", "--output", str(file))
    assert file.read_text() == "mine"
    with (tmp_path / "other.part").open("w+") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        other.write("under way")
        other.flush()
        with pytest.raises(CommandError, match="being written by another command"):
            call_command("export_org", "acme", "--output", str(tmp_path / "other"))
    assert (tmp_path / "other.part").read_text() == "under way"
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("export_org", "acme", "--output", str(tmp_path / "no" / "folder"))
    assert not access_log.log_of(world.acme).filter(type="organization_exported").exists()
