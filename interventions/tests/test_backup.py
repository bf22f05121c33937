"""backup and restore, by their commands: what was is again, all of it or nothing, and what must not be is not."""

import gzip
import io
import json
import stat
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from conftest import PASSWORD, World, stored
from interventions import actions, entering, events
from interventions.actions.sweeping import expire_due, release_lapsed
from interventions.backup import archive, making, restoring, tables
from interventions.models import Event, Intervention, Notice, NoticePosition, Stream
from pilots import access_log, database, tokens
from pilots.models import ApiKey, Invitation, Organization, Pilot, RefreshFamily
from pilots.sign_in import links
from pilots.tenancy import across
from tests.whole_database import carried, everything, work

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]


def run(*words: str) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out, stderr=out)
    return out.getvalue()


def refused(*words: str) -> str:
    """The one line it ends with; and nothing has changed."""
    before = everything()
    with pytest.raises(CommandError) as error:
        run(*words)
    assert everything() == before
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.fixture
def busy(world: World) -> World:
    work(world)
    return world


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "chameleon.backup"


def lines_of(file: Path) -> list[bytes]:
    return gzip.decompress(file.read_bytes()).splitlines(keepends=True)


def write(file: Path, lines: list[bytes]) -> None:
    """With an end that fits."""
    digest = archive.hashlib.sha256(b"".join(lines[:-1])).hexdigest()
    file.write_bytes(gzip.compress(b"".join(lines[:-1]) + orjson.dumps(["end", digest]) + b"\n"))


def rewrite_header(file: Path, change: Callable[[dict[str, Any]], dict[str, Any]], format: int = 1) -> None:
    lines = lines_of(file)
    magic, _, said = orjson.loads(lines[0])
    write(file, [orjson.dumps([magic, format, change(said)]) + b"\n", *lines[1:]])


# What comes back


def test_what_was_is_again_whatever_happened_since(busy: World, ask: Any, file: Path) -> None:
    was = carried()
    told = run("backup", str(file))
    assert "rows of" in told
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]

    ask(request_id="later")
    actions.reject(busy.pilot("otto"), "waits", reason="no")
    with across():
        Intervention.across_organizations.filter(request_id="done").delete()
        ApiKey.across_organizations.all().delete()
        Group.objects.all().delete()
    Organization.objects.create(slug="initech", name="Initech")

    said = run("restore", str(file), "--force", "--yes", "--verify")
    assert "Restored" in said
    assert carried() == was
    run("check_invariants")
    run("verify_audit")


def test_an_empty_database_comes_back_empty(db: None, file: Path) -> None:
    run("backup", str(file))
    assert "Restored" in run("restore", str(file), "--verify")
    assert not Organization.objects.exists()


def test_each_log_goes_on_in_a_new_epoch_and_says_why(busy: World, ask: Any, file: Path) -> None:
    head, old = events.since(busy.acme.pk, 0, 100)[-1], epochs()
    run("backup", str(file))
    document = json.loads(run("restore", str(file), "--force", "--yes", "--json"))
    assert document["restored"]
    assert document["epochs"]["acme"] == epochs()[busy.acme.pk] not in old.values()
    assert ask(request_id="next").request_id == "next"
    assert events.since(busy.acme.pk, head.seq, 100)[0].seq == head.seq + 1
    for organization in (busy.acme, None):
        last = access_log.newest(organization, 1)[0]
        assert (last.type, last.actor, last.data) == ("restored", "system", {"backup": document["at"]})
    run("verify_audit")


def epochs() -> dict[int, str]:
    return dict(Stream.across_organizations.values_list("pk", "epoch"))


def test_nobody_is_signed_in_by_it_and_no_link_works_again(busy: World, file: Path) -> None:
    otto, organization = busy.memberships["otto"], busy.acme
    tokens.issue(otto)
    busy.session("otto")
    links.make(otto.pilot)
    invited = Invitation.across_organizations.get(revoked_at=None)
    run("backup", str(file))
    run("restore", str(file), "--force", "--yes")
    left = [name for name in tables.LEFT_OUT if everything()[name]]
    assert left == ["interventions.SearchEntry"]
    invited.refresh_from_db()
    assert invited.revoked_at is not None
    assert RefreshFamily.objects.for_organization(organization.pk).count() == Session.objects.count() == 0


def test_people_and_agents_come_in_as_before(busy: World, file: Path, api: Any) -> None:
    run("backup", str(file))
    run("restore", str(file), "--force", "--yes")
    assert api("agent").get("/api/interventions/waits").status_code == 200
    answer = api(None).post("/api/token", {"pilot_id": "local:otto", "password": PASSWORD})
    assert answer.status_code == 200
    stale = api("agent").get("/api/events", after=1, epoch="0" * 32)
    assert (stale.status_code, stale.json()["code"]) == (410, "log_truncated")


def test_time_went_on_meanwhile(busy: World, ask: Any, file: Path, clock: Any) -> None:
    ask(request_id="short", expires_in_seconds=60)
    run("backup", str(file))
    clock.forward(minutes=11)
    run("restore", str(file), "--force", "--yes", "--verify")
    expire_due()
    assert stored("short").status == "EXPIRED"
    assert stored("waits").status == "PENDING"
    release_lapsed()
    assert (stored("claimed").status, stored("claimed").assigned_to) == ("PENDING", None)
    run("check_invariants")


def test_what_was_told_is_not_told_again(busy: World, file: Path, clock: Any) -> None:
    now, pilot = database.now(), busy.memberships["otto"].pilot

    def notice(**fields: Any) -> Notice:
        given = {"channel": "mail", "kind": "arrived", "request_ids": ["waits"], "created_at": now}
        return Notice.objects.create(organization=busy.acme, pilot=pilot, **given | fields)

    due, ahead = notice(due_at=now), notice(due_at=now + timedelta(hours=1))
    NoticePosition.objects.create(organization=busy.acme, seq=1)
    run("backup", str(file))
    clock.forward(minutes=1)
    run("restore", str(file), "--force", "--yes")
    due.refresh_from_db()
    ahead.refresh_from_db()
    assert (due.outcome, ahead.outcome, ahead.ended_at) == ("void", "", None)
    position = NoticePosition.objects.for_organization(busy.acme.pk).get()
    assert position.seq == Stream.objects.for_organization(busy.acme.pk).get().last_seq


def test_no_key_of_a_row_that_has_gone_is_given_again(busy: World, ask: Any, file: Path) -> None:
    with across():
        last = Intervention.across_organizations.order_by("pk").last()
        Intervention.across_organizations.filter(pk=last.pk).delete()
    run("backup", str(file))
    forget_keys("interventions_intervention")
    run("restore", str(file), "--force", "--yes")
    row = ask(request_id="next")
    assert row.pk > last.pk
    actions.approve(busy.pilot("otto"), "next", reason="fine")


def forget_keys(table: str) -> None:
    """As in a database where nothing was ever written."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [table])
        else:
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), 1, false)", [table])


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
MOMENTS = st.datetimes(timezones=st.just(database.UTC))
ROW = st.fixed_dictionaries(
    {
        "title": TEXTS.filter(str.strip),
        "description": TEXTS,
        "context": st.dictionaries(TEXTS, JSON, max_size=3),
        "response": st.none() | JSON,
        "tags": st.lists(TEXTS, max_size=3),
        "at": MOMENTS,
        "expires_at": st.none() | MOMENTS,
        "seconds": st.floats(allow_nan=False, allow_infinity=False),
        "flag": st.booleans(),
    }
)


@effort(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROW, min_size=1, max_size=5))
def test_any_rows_come_back_as_they_were(world: World, some: list[dict[str, Any]]) -> None:
    with across():
        Intervention.across_organizations.all().delete()
        for number, values in enumerate(some):
            populate(world, number, values)
        entering.enter_all()
    was, file = carried(), io.BytesIO()
    making.make(file)
    file.seek(0)
    restoring.restore(file, archive.examine(io.BytesIO(file.getvalue())), replace=True)
    assert carried() == was


def populate(world: World, number: int, values: dict[str, Any]) -> None:
    moments = {"created_at": values["at"], "updated_at": values["at"], "expires_at": values["expires_at"]}
    texts = {name: values[name] for name in ("title", "description", "context", "response", "tags")}
    Intervention.across_organizations.create(
        organization=world.acme, request_id=f"any-{number}", uow_id="u", intervention_type="resume", priority=1,
        content_hash="0", draft_digest="0", **moments, **texts,
    )  # fmt: skip
    settings = {"given": values["context"]}
    Organization.objects.filter(pk=world.globex.pk).update(settings=settings, name=values["title"])
    Pilot.objects.filter(pilot_id="local:otto").update(on_duty=values["flag"], working_hours=settings)
    tally = {"day": values["at"].date(), "intervention_type": "resume", "priority": number, "status": "PENDING"}
    tables.apps.get_model("interventions.Tally").across_organizations.update_or_create(
        organization=world.acme, **tally, defaults={"seconds": values["seconds"]}
    )


# What is refused, and changes nothing


def test_it_does_not_go_over_somebodys_work_unasked(busy: World, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("backup", str(file))
    assert "empty one, or with --force" in refused("restore", str(file))
    assert "add --yes" in refused("restore", str(file), "--force")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _prompt: "another")
    assert refused("restore", str(file), "--force") == "Nothing was restored."
    name = Path(connection.settings_dict["NAME"]).name
    monkeypatch.setattr("builtins.input", lambda _prompt: name)
    assert "Restored" in run("restore", str(file), "--force")


def test_a_file_can_be_examined_alone(busy: World, file: Path) -> None:
    told = json.loads(run("backup", str(file), "--json"))
    assert told["tables"]["interventions_intervention"]["rows"] == 5
    assert {head["log"] for head in told["heads"]} == {"record", "access"}
    assert "seals" not in told
    before = everything()
    said = json.loads(run("restore", str(file), "--dry-run", "--verify", "--json"))
    assert said == told | {"restored": False, "epochs": {}}
    assert everything() == before


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_half_a_backup_is_no_backup(busy: World, file: Path, part: float) -> None:
    run("backup", str(file))
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * part)])
    assert "not what was written: it is cut off" in refused("restore", str(file), "--force", "--yes")


def test_a_backup_without_its_last_line_is_not_whole(busy: World, file: Path) -> None:
    run("backup", str(file))
    file.write_bytes(gzip.compress(b"".join(lines_of(file)[:-1])))
    assert "cut off" in refused("restore", str(file), "--force", "--yes")


@pytest.fixture
def backed_up(busy: World, file: Path) -> bytes:
    run("backup", str(file))
    return file.read_bytes()


@effort(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_flipped_byte_goes_unnoticed(backed_up: bytes, data: st.DataObject) -> None:
    manifest = archive.examine(io.BytesIO(backed_up))
    place = data.draw(st.integers(0, len(backed_up) - 1))
    changed = bytearray(backed_up)
    changed[place] ^= data.draw(st.integers(1, 255))
    try:
        found = archive.examine(io.BytesIO(changed))
    except archive.Unusable:
        return
    # gzip's own heading says when and on what it was packed; that is no part of the backup.
    assert place < 10
    assert found == manifest


@pytest.mark.parametrize("how", ["edit", "delete", "insert", "reorder", "table", "behind"])
def test_rows_that_were_changed_are_found_though_the_end_fits(busy: World, file: Path, how: str) -> None:
    run("backup", str(file))
    lines = lines_of(file)
    place = next(number for number, line in enumerate(lines) if b'"request_id":"waits"' in line)
    if how == "edit":
        lines[place] = lines[place].replace(b"waits", b"wants")
    elif how == "delete":
        del lines[place]
    elif how == "insert":
        lines.insert(place, lines[place])
    elif how == "reorder":
        lines[place], lines[place + 1] = lines[place + 1], lines[place]
    elif how == "table":
        start = next(number for number, line in enumerate(lines) if line.startswith(b'["table"'))
        end = next(number for number, line in enumerate(lines) if line.startswith(b'["rows"'))
        del lines[start : end + 1]
    write(file, lines)
    if how == "behind":
        file.write_bytes(file.read_bytes() + gzip.compress(b"[]\n"))
    assert "ackup" in refused("restore", str(file), "--force", "--yes")


# A compressed file says when it was made: as a name of a test each worker's would be another one.
@pytest.mark.parametrize(
    "content",
    [b"", b"PGDMP", b"\x1f\x8b", *(gzip.compress(text, mtime=0) for text in (b"", b"[]\n", b'{"a": 1}\n'))],
)
def test_what_is_no_backup_is_refused(busy: World, file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert "backup" in refused("restore", str(file), "--force", "--yes")


def test_a_file_that_is_not_there_is_named(busy: World, file: Path) -> None:
    assert str(file) in refused("restore", str(file), "--force", "--yes")
    assert "cannot be written" in refused("backup", str(file / "no" / "folder"))


def test_what_another_release_wrote_is_for_that_release(busy: World, file: Path) -> None:
    run("backup", str(file))
    written = file.read_bytes()
    rewrite_header(file, lambda said: said, format=2)
    assert "of format 2" in refused("restore", str(file), "--force", "--yes")
    file.write_bytes(written)
    rewrite_header(file, lambda said: said | {"migrations": [*said["migrations"], "pilots.9999_more"], "version": "9"})
    assert "newer release, 9 (pilots.9999_more" in refused("restore", str(file), "--force", "--yes")
    file.write_bytes(written)
    rewrite_header(file, lambda said: said | {"migrations": said["migrations"][:-1], "version": "0.9"})
    assert "older release, 0.9" in refused("restore", str(file), "--force", "--yes")


def test_a_key_that_opens_nothing_is_named(busy: World, file: Path, settings: Any) -> None:
    old = settings.SECRET_KEY
    settings.SECRET_KEY_FALLBACKS = ["older" * 10]
    run("backup", str(file))
    settings.SECRET_KEY_FALLBACKS = []
    assert "SECRET_KEY_FALLBACKS lacks" in refused("restore", str(file), "--force", "--yes")
    settings.SECRET_KEY = "new" * 17
    assert "SECRET_KEY is another" in refused("restore", str(file), "--force", "--yes")
    assert "--other-key" in refused("restore", str(file), "--dry-run")
    settings.SECRET_KEY_FALLBACKS = [old, "older" * 10]
    assert "can be restored" in run("restore", str(file), "--dry-run")
    settings.SECRET_KEY_FALLBACKS = []
    assert "Restored" in run("restore", str(file), "--force", "--yes", "--other-key")


def test_a_record_that_does_not_hold_is_restored_only_unverified(busy: World, file: Path) -> None:
    Event.across_organizations.filter(type="completed").update(request_id="forged")
    run("backup", str(file))
    before = everything()
    out = io.StringIO()
    with pytest.raises(CommandError, match="Nothing was restored: "):
        call_command("restore", str(file), "--force", "--yes", "--verify", stdout=out)
    assert "acme, record: I10 at seq" in out.getvalue()
    assert everything() == before
    assert "Restored" in run("restore", str(file), "--force", "--yes")


def test_a_count_or_a_head_that_differs_is_found(busy: World, file: Path) -> None:
    run("backup", str(file))
    rewrite_header(file, lambda said: said | {"heads": [head | {"hash": "0" * 64} for head in said["heads"]]})
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("restore", str(file), "--force", "--yes", "--verify", "--json", stdout=out)
    found = json.loads(out.getvalue())
    assert {finding["where"] for finding in found["findings"]} == {"acme, record", "acme, access", "globex, access"}


def test_a_row_that_cannot_be_stored_is_told_with_its_table(busy: World, file: Path) -> None:
    run("backup", str(file))
    lines = lines_of(file)
    place = next(number for number, line in enumerate(lines) if b'"request_id":"waits"' in line)
    # Twice the same key.
    lines[place + 1] = lines[place]
    start = max(number for number in range(place) if lines[number].startswith(b'["table"'))
    end = next(number for number in range(place, len(lines)) if lines[number].startswith(b'["rows"'))
    rows = lines[start + 1 : end]
    lines[end] = orjson.dumps(["rows", len(rows), archive.hashlib.sha256(b"".join(rows)).hexdigest()]) + b"\n"
    write(file, lines)
    assert "A row of interventions_intervention cannot be stored" in refused("restore", str(file), "--force", "--yes")


def test_an_older_backup_of_that_name_gives_way_to_the_new_one_only(busy: World, file: Path) -> None:
    file.write_bytes(b"an older one")
    part = file.with_name(f"{file.name}.part")
    part.write_bytes(b"of one that was killed, and longer than nothing")
    run("backup", str(file))
    assert not part.exists()
    assert "can be restored" in run("restore", str(file), "--dry-run")


# Nothing is forgotten


def test_each_table_is_in_it_or_left_out_for_a_reason() -> None:
    labels = {model._meta.label for model in tables.all_models()}
    assert set(tables.LEFT_OUT) <= labels
    assert {model._meta.label for model in tables.carried()} == labels - set(tables.LEFT_OUT)
    in_database = set(connection.introspection.django_table_names(only_existing=True, include_views=False))
    assert {model._meta.db_table for model in tables.all_models()} == in_database


def test_a_table_comes_after_those_it_points_to() -> None:
    seen: set[Any] = set()
    for model in tables.all_models():
        assert {field.related_model for field in model._meta.concrete_fields if field.is_relation} <= seen
        seen.add(model)


def test_each_kind_of_column_is_known_to_travel() -> None:
    known = {"AutoField", "BigAutoField", "BigIntegerField", "BooleanField", "CharField", "DateField", "DateTimeField"}
    known |= {
        "EmailField",
        "FloatField",
        "ForeignKey",
        "GenericIPAddressField",
        "JSONField",
        "OneToOneField",
        "TextField",
    }
    known |= {"PositiveIntegerField", "PositiveSmallIntegerField", "SlugField", "UUIDField", "IntegerField"}
    kinds = {field.get_internal_type() for model in tables.all_models() for field in tables.fields_of(model)}
    assert kinds <= known
