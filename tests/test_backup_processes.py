"""backup and restore as they are run: as processes, beside servers at work, killed, on a full disk, between engines."""

import hashlib
import itertools
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError, connection, transaction
from websockets.sync.client import connect

from conftest import DRAFT, World
from interventions import actions
from interventions.content import draft_of
from interventions.models import Event, Intervention, Stream
from interventions.tests import processes
from interventions.tests.processes import Server
from pilots.models import Organization
from pilots.tenancy import across
from tests import servers
from tests.emptying import empty_tables
from tests.whole_database import carried, everything, work

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]

# Longer than anything here takes on a busy machine; nothing waits it out.
PATIENCE = 120.0
MANY = 3000


def environment(**more: str) -> dict[str, str]:
    given = {"DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": servers.database_url()}
    return os.environ | given | more


def manage(*words: str, code: int = 0, limit: int | None = None, **environ: str) -> str:
    """What a command says as a process of its own; `limit` is how many bytes a file of its may have."""

    def narrow() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(  # noqa: S603
        [sys.executable, "manage.py", *words],
        cwd=settings.BASE_DIR,
        env=environment(**environ),
        capture_output=True,
        text=True,
        preexec_fn=narrow,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def start(*words: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "manage.py", *words],
        cwd=settings.BASE_DIR,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.002)


def ask_many(world: World) -> None:
    for first in range(0, MANY, 500):
        drafts = [draft_of(DRAFT | {"request_id": f"r{number}"}) for number in range(first, first + 500)]
        actions.create_many(world.key(), drafts)


def history(organization: Organization) -> list[tuple[int, str]]:
    rows = Event.objects.for_organization(organization.pk).order_by("seq")
    return list(rows.values_list("seq", "hash"))


@pytest.fixture
def only_postgresql() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one server process")


# Killed, and without room


@pytest.mark.embedded
def test_a_backup_that_is_killed_leaves_the_one_before(world: World, tmp_path: Path) -> None:
    ask_many(world)
    file, part = tmp_path / "b", tmp_path / "b.part"
    file.write_bytes(b"the one before")
    process = start("backup", str(file))
    until(part.exists)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert file.read_bytes() == b"the one before"
    manage("backup", str(file))
    assert list(tmp_path.iterdir()) == [file]
    manage("restore", str(file), "--dry-run")


@pytest.mark.embedded
def test_a_restore_that_is_killed_leaves_what_was(world: World, tmp_path: Path) -> None:
    ask_many(world)
    file = tmp_path / "b"
    manage("backup", str(file))
    actions.reject(world.pilot("otto"), "r1", reason="no")
    before = everything()
    process = start("restore", str(file), "--force", "--yes")
    until(is_under_way)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    until(lambda: not is_under_way())
    assert everything() == before
    manage("restore", str(file), "--force", "--yes", "--verify")
    assert Intervention.objects.for_organization(world.acme.pk).get(request_id="r1").status == "PENDING"


def is_under_way() -> bool:
    """Whether somebody keeps writers out."""
    try:
        if connection.vendor == "sqlite":
            with closing(sqlite3.connect(connection.settings_dict["NAME"], timeout=0, autocommit=True)) as other:
                other.execute("BEGIN IMMEDIATE")
                other.execute("ROLLBACK")
        else:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("LOCK TABLE pilots_organization IN ROW EXCLUSIVE MODE NOWAIT")
    except (OperationalError, sqlite3.OperationalError):
        return True
    return False


@pytest.mark.embedded
def test_a_disk_that_is_full_leaves_the_one_before(world: World, tmp_path: Path) -> None:
    ask_many(world)
    file = tmp_path / "b"
    file.write_bytes(b"the one before")
    assert "cannot be written: [Errno 27]" in manage("backup", str(file), code=1, limit=20_000)
    assert (list(tmp_path.iterdir()), file.read_bytes()) == ([file], b"the one before")


@pytest.mark.embedded
def test_a_database_that_has_no_room_left_has_what_it_had(world: World, tmp_path: Path) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("the files are PostgreSQL's own")
    ask_many(world)
    file = tmp_path / "b"
    manage("backup", str(file))
    actions.reject(world.pilot("otto"), "r1", reason="no")
    before = everything()
    size = Path(connection.settings_dict["NAME"]).stat().st_size
    assert "CommandError" in manage("restore", str(file), "--force", "--yes", code=1, limit=size // 4)
    assert everything() == before


@pytest.mark.embedded
def test_it_goes_through_pipes(world: World) -> None:
    work(world)
    was = carried()
    read, write = [[sys.executable, "manage.py", *words] for words in (["backup", "-"], ["restore", "-", "--force"])]
    made = subprocess.run(read, cwd=settings.BASE_DIR, env=environment(), capture_output=True, check=True)  # noqa: S603
    assert b"Backed up" in made.stderr
    asked = subprocess.run(write, cwd=settings.BASE_DIR, env=environment(), input=made.stdout, capture_output=True)  # noqa: S603
    assert (asked.returncode, b"add --yes" in asked.stderr) == (1, True)
    put = subprocess.run([*write, "--yes"], cwd=settings.BASE_DIR, env=environment(), input=made.stdout)  # noqa: S603
    assert put.returncode == 0
    assert carried() == was


# Beside servers at work


@contextmanager
def at_work(world: World, server: Server) -> Iterator[None]:
    """Agents of both organizations ask, Otto decides, until the block ends; whatever a server answers meanwhile."""
    over = threading.Event()

    def agent(name: str) -> None:
        with httpx.Client(base_url=server.url, headers=bearers[name], timeout=PATIENCE) as client:
            for number in itertools.count():
                if over.is_set():
                    return
                client.post("/api/interventions", json=DRAFT | {"request_id": f"{name}-{number}"})

    def pilot() -> None:
        with httpx.Client(base_url=server.url, headers=bearers["otto"], timeout=PATIENCE) as client:
            while not over.is_set():
                for request in client.get("/api/interventions/pending").json()[:20]:
                    client.post(f"/api/interventions/{request['request_id']}/approve", json={})

    bearers = {name: world.bearer(name) for name in ("agent", "globex-agent", "otto")}
    threads = [threading.Thread(target=agent, args=[name]) for name in ("agent", "agent", "globex-agent")]
    threads.append(threading.Thread(target=pilot))
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(PATIENCE)


def events_of(organization: Organization) -> int:
    return Stream.objects.for_organization(organization.pk).values_list("last_seq", flat=True).first() or 0


def test_under_load_a_prefix_of_each_history_comes_back_and_everybody_hears_of_it(
    world: World, tmp_path: Path, only_postgresql: None
) -> None:
    file, redis, key = tmp_path / "b", settings.REDIS_URL, world.keys["agent"][1]
    stays, ends = Server("daphne", tmp_path / "one", redis), Server("daphne", tmp_path / "two", redis)
    with processes.running(["manage.py", "run_worker"], tmp_path / "worker", redis):
        try:
            stays.wait_until_ready()
            ends.wait_until_ready()
            with at_work(world, stays):
                until(lambda: events_of(world.acme) > 60 and events_of(world.globex) > 10)
                told = orjson.loads(manage("backup", str(file), "--json"))
                until(lambda: events_of(world.acme) > head_of(told, "acme") + 20)
            was = {each.slug: history(each) for each in (world.acme, world.globex)}
            with connect(stays.socket_address(key)) as socket:
                place = subscribed(socket)
                # Ended with a power cut, so to say: it is not there while the rows are put back.
                ends.end()
                said = orjson.loads(manage("restore", str(file), "--force", "--yes", "--verify", "--json"))
                assert heard(socket, "resync") == {"seq": head_of(told, "acme"), "epoch": said["epochs"]["acme"]}
            for organization in (world.acme, world.globex):
                head = head_of(told, organization.slug)
                assert 0 < head < len(was[organization.slug])
                assert history(organization) == was[organization.slug][:head]
            again = Server("daphne", tmp_path / "three", redis)
            try:
                again.wait_until_ready()
                for server in (stays, again):
                    hears_of_it(world, server, place, said["epochs"]["acme"])
            finally:
                again.end()
        finally:
            stays.end()
            ends.end()
    call_command("check_invariants")
    call_command("verify_audit")


def head_of(told: dict[str, Any], slug: str) -> int:
    heads = {(head["organization"], head["log"]): head["seq"] for head in told["heads"]}
    return heads[slug, "record"]


def subscribed(socket: Any, **fields: Any) -> dict[str, Any]:
    socket.send(orjson.dumps({"type": "subscribe", **fields}).decode())
    return heard(socket, "subscribed")


def heard(socket: Any, kind: str) -> Any:
    while (frame := orjson.loads(socket.recv(PATIENCE)))["type"] != kind:
        pass
    return frame["data"]


def hears_of_it(world: World, server: Server, place: dict[str, Any], epoch: str) -> None:
    """With a position of before everybody is told to fetch anew, and what is asked now goes on from what there is."""
    bearer, before = world.bearer("agent"), events_of(world.acme)
    with connect(server.socket_address(world.keys["agent"][1])) as socket:
        socket.send(orjson.dumps({"type": "subscribe", "since": place["seq"], "epoch": place["epoch"]}).decode())
        assert heard(socket, "resync") == {"seq": before, "epoch": epoch}
        answer = httpx.get(f"{server.url}/api/events?after=1&epoch={place['epoch']}", headers=bearer)
        assert (answer.status_code, answer.json()["epoch"]) == (410, epoch)
        name = f"after-{server.port}"
        assert server.post("/api/interventions", DRAFT | {"request_id": name}, bearer)[0] == 201
        assert heard(socket, "new_request")["request_id"] == name
    assert events_of(world.acme) == before + 1


# From one engine to the other


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "chameleon.sqlite3"
    manage("migrate", "-v0", DATABASE_URL=f"sqlite:///{path}", REDIS_URL="")
    return path


@pytest.fixture
def sqlite(tmp_path: Path, migrated: Path) -> Path:
    """An embedded installation in which nothing is."""
    return Path(shutil.copy(migrated, tmp_path / "chameleon.sqlite3"))


def test_a_backup_of_either_engine_is_restored_into_the_other(
    world: World, tmp_path: Path, sqlite: Path, only_postgresql: None
) -> None:
    work(world)
    was = carried()
    there, back = str(tmp_path / "there"), str(tmp_path / "back")
    embedded = {"DATABASE_URL": f"sqlite:///{sqlite}", "REDIS_URL": ""}
    manage("backup", there)
    assert "all invariants hold" in manage("restore", there, "--verify", **embedded)
    manage("check_invariants", **embedded)
    manage("backup", back, **embedded)
    assert "all invariants hold" in manage("restore", back, "--verify", "--force", "--yes")
    assert carried() == was


@pytest.fixture
def outgrown(world: World, tmp_path: Path, sqlite: Path, only_postgresql: None) -> Path:
    """A SQLite installation with work in it, and an empty PostgreSQL."""
    work(world)
    manage("backup", str(tmp_path / "b"))
    manage("restore", str(tmp_path / "b"), DATABASE_URL=f"sqlite:///{sqlite}", REDIS_URL="")
    empty_tables(None)
    return sqlite


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_who_outgrows_sqlite_moves_to_postgresql(world: World, tmp_path: Path, outgrown: Path) -> None:
    before = digest(outgrown)
    assert "all invariants hold" in manage("sqlite_to_postgres", str(outgrown), "--verify")
    assert digest(outgrown) == before
    moved = carried()
    # What PostgreSQL had at first: the same rows, by another way.
    manage("restore", str(tmp_path / "b"), "--force", "--yes")
    assert moved == carried()
    with across():
        assert Intervention.across_organizations.count() == 5
    assert actions.create(world.key(), draft_of(DRAFT)).row.pk > 5


def refused(path: Path, **environ: str) -> str:
    before = everything()
    said = manage("sqlite_to_postgres", str(path), code=1, **environ)
    assert everything() == before
    return said


def test_what_is_no_installation_is_not_moved(world: World, tmp_path: Path, only_postgresql: None) -> None:
    assert "There is no file" in refused(tmp_path / "nowhere")
    (tmp_path / "text").write_text("no database, but long enough to be looked at as one" * 100)
    assert "cannot be read as SQLite" in refused(tmp_path / "text")
    write(tmp_path / "empty", "CREATE TABLE t (a)")
    assert "run manage.py migrate there first" in refused(tmp_path / "empty")


def write(path: Path, sql: str, *values: Any) -> None:
    with sqlite3.connect(path) as other:
        other.execute(sql, values)
    other.close()


def test_what_postgresql_does_not_take_or_no_key_opens_is_named(outgrown: Path) -> None:
    assert "SECRET_KEY is another" in refused(outgrown, SECRET_KEY="another" * 8)
    for title in ("a\0b", "long" * 100):
        write(outgrown, "UPDATE interventions_intervention SET title = ? WHERE request_id = 'done'", title)
        assert "A row of interventions_intervention cannot be stored in this database" in refused(outgrown)
    Organization.objects.create(slug="initech", name="Initech")
    assert "somebody's work" in refused(outgrown)


# Somebody else writes between the reading of the file and its end.
MEANWHILE = """
import sqlite3, sys
import django
django.setup()
from django.core.management import call_command
from interventions.backup import moving
examine = moving.examining.examine
def meanwhile(file):
    with sqlite3.connect(sys.argv[1]) as other:
        other.execute("UPDATE pilots_organization SET name = 'Acme & Co' WHERE slug = 'acme'")
    return examine(file)
moving.examining.examine = meanwhile
call_command("sqlite_to_postgres", sys.argv[1])
"""


def test_whoever_writes_meanwhile_is_noticed(outgrown: Path) -> None:
    command = [sys.executable, "-c", MEANWHILE, str(outgrown)]
    done = subprocess.run(command, cwd=settings.BASE_DIR, env=environment(), capture_output=True, text=True)  # noqa: S603
    assert (done.returncode, "was written to meanwhile: stop every server" in done.stderr) == (1, True)
    assert not Organization.objects.exists()
