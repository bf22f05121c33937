"""verify_audit, check_invariants and doctor: silent joy where all is well, one clear line and exit 1 where not."""

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from conftest import World
from interventions import actions, events
from interventions.models import Event, Intervention, Stream, Tally
from pilots import actions as actions_of_pilots
from pilots import api_keys, chains
from pilots.models import AccessChain, AccessEvent, Membership, Organization
from pilots.roles import Role
from pilots.tenancy import across

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]


def run(*words: str) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def failing(*words: str) -> tuple[str, str]:
    """What it prints, and the one line it ends with."""
    out = io.StringIO()
    with pytest.raises(CommandError) as error:
        call_command(*words, stdout=out)
    assert error.value.returncode == 1
    assert "\n" not in str(error.value)
    return out.getvalue(), str(error.value)


@pytest.fixture
def decided(world: World, ask: Any) -> Intervention:
    row = ask()
    actions.approve(world.pilot("otto"), row.request_id, reason="fine")
    return row


def test_a_whole_chain_is_counted(world: World, decided: Intervention) -> None:
    assert run("verify_audit") == (
        "acme: 2 events verified, the chain holds.\n"
        "acme, access log: 2 events verified, the chain holds.\n"
        "globex: 0 events verified, the chain holds.\n"
        "globex, access log: 1 events verified, the chain holds.\n"
        "installation, access log: 0 events verified, the chain holds.\n"
    )


def test_a_changed_reason_is_found_and_named(decided: Intervention) -> None:
    event = Event.across_organizations.get(type="approved")
    Event.across_organizations.filter(pk=event.pk).update(data=event.data | {"action_reason": "never said"})
    said, line = failing("verify_audit")
    assert "acme: I10 at seq 2: the data was changed" in said
    assert "acme" in line
    assert "globex" not in line


def test_an_erased_reason_holds_but_another_in_its_place_is_found(decided: Intervention) -> None:
    event = Event.across_organizations.filter(type="approved")
    event.update(salt="", data={})
    assert "acme: 2 events verified, the chain holds." in run("verify_audit")
    event.update(data={"action_reason": "never said"})
    assert "data stands where it was erased" in failing("verify_audit")[0]


def test_a_removed_event_is_found(decided: Intervention) -> None:
    Event.across_organizations.filter(seq=1).delete()
    assert "I7 at seq 2" in failing("verify_audit", "--org", "acme")[0]


def test_only_the_organization_named_is_verified(decided: Intervention) -> None:
    Event.across_organizations.filter(seq=1).delete()
    assert "globex: 0 events verified, the chain holds.\n" in run("verify_audit", "--org", "globex")
    assert "there are: acme, globex" in failing("verify_audit", "--org", "nope")[1]


def test_the_audit_speaks_json(decided: Intervention) -> None:
    document = json.loads(run("verify_audit", "--json"))
    assert document["acme"]["events"] == 2
    assert document["acme"]["findings"] == []
    assert len(document["acme"]["head_hash"]) == 64
    Event.across_organizations.filter(seq=1).delete()
    assert json.loads(failing("verify_audit", "--json")[0])["acme"]["findings"]


def test_invariants_that_hold_are_said_to(decided: Intervention) -> None:
    assert run("check_invariants") == "acme: no findings.\nglobex: no findings.\n"


def test_a_row_that_its_events_do_not_tell_of_is_found(decided: Intervention) -> None:
    Intervention.across_organizations.filter(pk=decided.pk).update(decided_by="local:mallory")
    said, line = failing("check_invariants")
    assert decided.request_id in said
    assert "acme contradicts itself" in line
    assert json.loads(failing("check_invariants", "--json", "--org", "acme")[0])["acme"][0]["invariant"]


def test_a_wrong_tally_is_found(decided: Intervention) -> None:
    Tally.across_organizations.filter(status="APPROVED").update(count=7)
    assert "says 7" in failing("check_invariants")[0]


def test_the_doctor_finds_nothing_wrong_in_a_sound_installation(world: World) -> None:
    findings = {finding["subject"]: finding["state"] for finding in json.loads(run("doctor", "--json"))}
    assert findings["database"] == findings["migrations"] == findings["worker"] == findings["pilots"] == "ok"
    assert "ok       database:" in run("doctor")


def test_the_doctor_sees_that_no_worker_runs(world: World, ask: Any) -> None:
    moment = timezone.now()
    Intervention.across_organizations.filter(pk=ask().pk).update(
        created_at=moment - timedelta(minutes=2), expires_at=moment - timedelta(minutes=1)
    )
    said, line = failing("doctor")
    assert "1 requests are past their deadline" in said
    assert line == "To be mended: worker."


def test_the_doctor_says_what_is_merely_unwise(world: World, settings: Any) -> None:
    settings.DEBUG = True
    Membership.across_organizations.all().delete()
    said = run("doctor")
    assert "warning  settings: DEBUG is on" in said
    assert "warning  pilots: nobody" in said


def test_the_doctor_names_keys_that_end_within_a_week(world: World) -> None:
    assert "ok       keys: none ends" in run("doctor")
    for days in (1, 6, 8):
        api_keys.make(world.acme, f"for {days}", ["events:read"], timezone.now() + timedelta(days=days))
    replaced, _ = world.keys["agent"]
    api_keys.rotate(replaced)
    said = run("doctor")
    assert "manage.py rotate_api_key --org acme --name 'for 1'" in said
    assert "'for 6' ends on " in said
    # One that has a week left, and one that was replaced, need nobody.
    assert "for 8" not in said
    assert "'agent'" not in said


def test_the_doctor_sees_a_redis_that_does_not_answer(world: World, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    said, line = failing("doctor")
    assert "failed   redis: does not answer" in said
    assert line == "To be mended: redis."


@pytest.mark.parametrize(
    "command", ["verify_audit", "anchor_audit", "check_invariants", "doctor", "run_worker", "demo", "simulate"]
)
def test_help_has_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call_command(command, "--help")
    assert f"Example:\n  manage.py {command}" in capsys.readouterr().out


@pytest.fixture
def anchors(world: World, decided: Intervention, tmp_path: Path) -> str:
    """A file with the heads as they were after the decision."""
    file = tmp_path / "anchors.jsonl"
    file.write_text(run("anchor_audit"))
    return str(file)


def test_the_heads_are_printed_one_a_line(world: World, decided: Intervention) -> None:
    lines = [json.loads(line) for line in run("anchor_audit").splitlines()]
    assert [(line["organization"], line["log"], line["seq"]) for line in lines] == [
        ("acme", "record", 2),
        ("acme", "access", 2),
        ("globex", "record", 0),
        ("globex", "access", 1),
        ("*", "access", 0),
    ]
    assert lines[0]["hash"] == Event.across_organizations.get(seq=2).hash
    assert len(run("anchor_audit", "--org", "acme").splitlines()) == 2


def test_a_log_that_went_on_holds_against_its_anchors(world: World, anchors: str, ask: Any) -> None:
    ask()
    actions_of_pilots.set_role(world.memberships["otto"].pilot, world.acme, Role.VIEWER)
    assert "acme: 3 events verified, the chain holds." in run("verify_audit", "--anchors", anchors)


def rewrite(organization: Organization) -> None:
    """The whole record anew, as somebody would who may write everything: every digest, hash and head fits."""
    previous = ""
    for event in Event.across_organizations.filter(organization=organization).order_by("seq"):
        event.data |= {"action_reason": "never said"}
        event.data_digest = chains.digest_of(event.data, event.salt)
        event.hash = previous = events.hash_of(previous, event)
        event.save()
    Stream.across_organizations.filter(pk=organization.pk).update(head_hash=previous)


def test_a_record_written_anew_agrees_with_itself_but_not_with_its_anchor(world: World, anchors: str) -> None:
    rewrite(world.acme)
    assert "acme: 2 events verified, the chain holds." in run("verify_audit")
    assert "acme: anchor at seq 2: the event is not the one noted" in failing("verify_audit", "--anchors", anchors)[0]


def test_a_record_cut_short_with_its_head_agrees_with_itself_but_not_with_its_anchor(
    world: World, anchors: str
) -> None:
    first = Event.across_organizations.get(seq=1)
    Event.across_organizations.filter(seq=2).delete()
    Stream.across_organizations.filter(pk=world.acme.pk).update(last_seq=1, head_hash=first.hash)
    assert "acme: 1 events verified, the chain holds." in run("verify_audit")
    assert "is not there any more" in failing("verify_audit", "--anchors", anchors)[0]


def test_an_access_log_cut_short_with_its_head_is_found_by_its_anchor(world: World, anchors: str) -> None:
    first = AccessEvent.across_organizations.get(organization=world.acme, seq=1)
    AccessEvent.across_organizations.filter(organization=world.acme, seq=2).delete()
    AccessChain.across_organizations.filter(organization=world.acme).update(last_seq=1, head_hash=first.hash)
    assert "acme, access log: 1 events verified, the chain holds." in run("verify_audit")
    said, line = failing("verify_audit", "--anchors", anchors, "--json")
    assert "is not there any more" in json.loads(said)["acme"]["access"]["findings"][0]["problem"]
    assert "The log of acme " in line


def test_an_organization_that_vanished_is_missed(world: World, anchors: str) -> None:
    AccessEvent.across_organizations.filter(organization=world.globex).delete()
    AccessChain.across_organizations.filter(organization=world.globex).delete()
    with across():
        world.globex.delete()
    assert "The log of globex " in failing("verify_audit", "--anchors", anchors)[1]
    run("verify_audit", "--anchors", anchors, "--org", "acme")


@pytest.mark.parametrize(
    "line", ["no json", "[1]", '{"organization": "acme"}', '{"organization": "*", "log": "x", "seq": 1, "hash": ""}']
)
def test_anchors_that_are_none_are_refused_by_their_line(world: World, anchors: str, line: str) -> None:
    with Path(anchors).open("a") as file:
        file.write(f"\n{line}\n")
    assert "Line 7 of the anchors" in failing("verify_audit", "--anchors", anchors)[1]
    assert "cannot be read" in failing("verify_audit", "--anchors", "/nowhere/at/all")[1]
