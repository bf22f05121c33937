"""As in production: one role owns and migrates the tables, another serves, bound by row-level security and no owner."""

import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import psycopg
import pytest
from django.conf import settings
from django.db import connection
from psycopg import errors, sql

from pilots.models import Membership
from pilots.row_security import walled_models
from tests import servers

PATIENCE = 60
PASSWORD = "a long pass phrase"
DRAFT = {"uow_id": "uow-1", "intervention_type": "clarification", "title": "Which vendor is it?"}


@dataclass(frozen=True)
class Installation:
    """A database of its own, the two roles' ways there, and the environment of its programs."""

    owner: str
    runtime: str

    @property
    def environment(self) -> dict[str, str]:
        names = {"DATABASE_URL": self.runtime, "DATABASE_OWNER_URL": self.owner, "DATABASE_POOL": "4"}
        return os.environ | names | {"DJANGO_SETTINGS_MODULE": "tests.settings"}

    def manage(self, *words: str, code: int = 0, said: str = "", **environment: str) -> str:
        done = subprocess.run(  # noqa: S603
            [sys.executable, "manage.py", *words],
            input=said,
            cwd=settings.BASE_DIR,
            env=self.environment | environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    @contextmanager
    def running(self, *arguments: str, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
        with log.open("wb") as output:
            # As a server has it: without the owner's password.
            process = servers.start(list(arguments), output, **self.environment | {"DATABASE_OWNER_URL": ""})
        try:
            yield process
        finally:
            servers.stop(process)


@pytest.fixture(scope="module")
def installation(django_db_setup: None, django_db_blocker: Any) -> Iterator[Installation]:
    with django_db_blocker.unblock():
        with connection.cursor() as cursor:
            cursor.execute("SELECT rolcreaterole FROM pg_roles WHERE rolname = current_user")
            may = cursor.fetchone()[0]
        given = connection.settings_dict
        connection.close()
    if not may:
        pytest.skip("the role of DATABASE_URL may not create roles")
    mark, password = secrets.token_hex(4), secrets.token_urlsafe(16)
    names = {name: f"{name}_{mark}" for name in ("owner", "runtime", "database")}
    place = f"{given['HOST']}:{given['PORT']}"
    login = ":".join(quote(part, safe="") for part in (given["USER"], given["PASSWORD"]) if part)
    with psycopg.connect(f"postgresql://{login}@{place}/{given['NAME']}", autocommit=True) as maker:
        _create(maker, names, password)
        try:
            ways = [
                f"postgresql://{names[role]}:{password}@{place}/{names['database']}" for role in ("owner", "runtime")
            ]
            yield Installation(*ways)
        finally:
            _remove(maker, names)


def _create(maker: psycopg.Connection, names: dict[str, str], password: str) -> None:
    for role in ("owner", "runtime"):
        maker.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(names[role]), password))
        # Whoever makes a database for a role, or ends its connections, must be able to become it.
        maker.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(names[role])))
    owner, database = sql.Identifier(names["owner"]), sql.Identifier(names["database"])
    maker.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, owner))


def _remove(maker: psycopg.Connection, names: dict[str, str]) -> None:
    maker.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(names["database"])))
    for role in ("owner", "runtime"):
        maker.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(names[role])))


@pytest.fixture(scope="module")
def migrated(installation: Installation) -> Installation:
    said = installation.manage("migrate", "--noinput")
    assert "may read and write rows, and nothing else" in said
    return installation


@pytest.fixture(scope="module")
def token(migrated: Installation) -> dict[str, str]:
    """Two organizations at work: what opens the API for the agent of each."""
    tokens = {}
    for slug in ("acme", "globex"):
        migrated.manage("create_org", slug, "--name", slug.title())
        who = [f"local:{slug}-dana", "--org", slug, "--role", "ADMIN", "--password-stdin"]
        migrated.manage("create_pilot", *who, said=PASSWORD + "\n")
        scopes = "interventions:read,interventions:write,events:read"
        shown = migrated.manage("create_api_key", "--org", slug, "--name", "agent", "--scopes", scopes)
        tokens[slug] = re.search(r"chm_\w+", shown)[0]
    return tokens


def test_the_server_works_as_a_role_that_owns_nothing(migrated: Installation) -> None:
    with psycopg.connect(migrated.runtime, autocommit=True) as runtime:
        assert runtime.execute("SELECT count(*) FROM pg_tables WHERE tableowner = current_user").fetchone() == (0,)
        table = Membership._meta.db_table
        for forbidden in (
            f"TRUNCATE {table}",
            f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
            f"DROP POLICY organization ON {table}",
            f"CREATE INDEX ON {table} (id)",
            "CREATE TABLE mine (id int)",
            "DELETE FROM django_migrations",
        ):
            with pytest.raises(errors.InsufficientPrivilege):
                runtime.execute(forbidden)


def test_each_of_the_two_roles_is_bound(migrated: Installation, token: dict[str, str]) -> None:
    for role in (migrated.runtime, migrated.owner):
        with psycopg.connect(role, autocommit=True) as anybody:
            for model in walled_models():
                count = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(model._meta.db_table))
                assert anybody.execute(count).fetchone() == (0,)
            anybody.execute("SET chameleon.organization = '*'")
            assert anybody.execute("SELECT count(*) FROM pilots_membership").fetchone() == (2,)


def test_migrating_again_changes_nothing_and_the_doctor_is_content(migrated: Installation) -> None:
    assert "No migrations to apply" in migrated.manage("migrate", "--noinput")
    said = json.loads(migrated.manage("doctor", "--json"))
    assert [found["state"] for found in said if found["subject"] in ("walls", "migrations")] == ["ok", "ok"]


def test_the_owner_is_of_the_same_database_or_nothing_is_migrated(migrated: Installation) -> None:
    elsewhere = migrated.owner.rpartition("/")[0] + "/another"
    said = migrated.manage("migrate", "--noinput", code=1, DATABASE_OWNER_URL=elsewhere)
    assert "leads to another database" in said


def test_an_agent_is_answered_and_the_record_holds(
    migrated: Installation, token: dict[str, str], tmp_path: Path
) -> None:
    port = servers.free_port()
    base = f"http://127.0.0.1:{port}"
    server = ["-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "chameleon.asgi:application"]
    log = tmp_path / "server"
    with (
        migrated.running(*server, log=log) as process,
        migrated.running("manage.py", "run_worker", log=tmp_path / "worker"),
        httpx.Client(base_url=base, timeout=PATIENCE) as client,
    ):
        assert servers.answers(base, process), log.read_text()
        acme, globex = ({"Authorization": f"Bearer {token[slug]}"} for slug in ("acme", "globex"))
        sign_in = {"pilot_id": "local:acme-dana", "password": PASSWORD}
        dana = {"Authorization": f"Bearer {client.post('/api/token', json=sign_in).json()['access']}"}

        asked = client.post("/api/interventions", json=DRAFT | {"request_id": "r"}, headers=acme)
        assert asked.status_code == 201, asked.text
        assert client.get("/api/interventions/r", headers=globex).status_code == 404
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(client.get, "/api/interventions/r/decision", params={"wait": 50}, headers=acme)
            decided = client.post("/api/interventions/r/approve", json={}, headers=dana)
            assert decided.status_code == 200, decided.text
            assert waiting.result().json()["status"] == "APPROVED"

        # The worker of the same installation marks what is past its deadline.
        client.post("/api/interventions", json=DRAFT | {"request_id": "late", "expires_in_seconds": 1}, headers=acme)
        late = client.get("/api/interventions/late/decision", params={"wait": 50}, headers=acme)
        assert late.json()["status"] == "EXPIRED"
        told = client.get("/api/events", headers=acme).json()["results"]
        assert {"created", "approved", "expired"} <= {event["type"] for event in told}
        assert client.get("/api/events", headers=globex).json()["results"] == []

    assert "acme: no findings." in migrated.manage("check_invariants")
    assert "the chain holds" in migrated.manage("verify_audit", "--org", "acme")


def test_who_serves_backs_up_and_the_owner_restores(
    migrated: Installation, token: dict[str, str], tmp_path: Path
) -> None:
    file = str(tmp_path / "chameleon.backup")
    migrated.manage("backup", file, DATABASE_OWNER_URL="")
    said = migrated.manage("restore", file, "--force", "--yes", code=1, DATABASE_OWNER_URL="")
    assert "does not own the tables: set DATABASE_OWNER_URL" in said
    assert "all invariants hold" in migrated.manage("restore", file, "--force", "--yes", "--verify")
    listed = json.loads(migrated.manage("list_api_keys", "--org", "acme", "--json"))
    assert [key["name"] for key in listed] == ["agent"]
