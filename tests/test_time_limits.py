"""A statement of a server that takes too long fails in time: 503, nothing half-done, and the connection is good for the
next one."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from django.db import OperationalError, connection, transaction

from conftest import World
from interventions.models import Intervention
from interventions.tests.processes import Server
from pilots import statements
from pilots.tenancy import speaking_for
from tests import servers

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 60
DRAFT = {"uow_id": "uow-1", "intervention_type": "clarification", "title": "Which vendor is it?"}
TABLE = Intervention._meta.db_table


@pytest.fixture(autouse=True)
def _postgresql() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has a time-out of its own for its one lock")


@pytest.fixture
def _one_second() -> Iterator[None]:
    before = statements._limits
    statements.limit(1)
    yield
    statements._limits = before


def shown(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s)", [name])
        return cursor.fetchone()[0]


@pytest.mark.usefixtures("_one_second")
def test_every_transaction_is_told_its_limits_and_none_outlives_it() -> None:
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    wanted = ["1s", "333ms", "1s"]
    assert [shown(name) for name in names] == wanted
    with transaction.atomic():
        assert [shown(name) for name in names] == wanted
        with transaction.atomic():
            transaction.set_rollback(True)
        assert [shown(name) for name in names] == wanted
        with speaking_for(5):
            assert shown(statements.SETTING) == "5"
            assert [shown(name) for name in names] == wanted
    statements.limit(0)
    assert [shown(name) for name in names] == ["0"] * 3


@pytest.mark.usefixtures("_one_second")
@pytest.mark.parametrize("around", [nullcontext, transaction.atomic])
def test_a_slow_statement_fails_and_leaves_a_good_connection(around: Any) -> None:
    with pytest.raises(OperationalError, match="statement timeout"), around(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(30)")
    assert shown("statement_timeout") == "1s"


@pytest.mark.usefixtures("_one_second")
def test_many_at_once_are_limited_too() -> None:
    with pytest.raises(OperationalError, match="statement timeout"), connection.cursor() as cursor:
        cursor.executemany("SELECT pg_sleep(%s)", [[30], [30]])


@pytest.mark.usefixtures("_one_second")
def test_a_command_takes_the_time_it_needs() -> None:
    statements.limit(0)
    assert shown("statement_timeout") == "0"


@pytest.fixture
def server(db: None, transactional_db: None, tmp_path: Path) -> Iterator[Server]:
    """With one connection: what one request leaves of it is what the next one has."""
    server = Server("daphne", tmp_path / "server", "", STATEMENT_TIMEOUT="1", DATABASE_POOL="1")
    try:
        server.wait_until_ready()
        yield server
    finally:
        server.end()


@contextmanager
def hands() -> Iterator[psycopg.Connection]:
    """Of somebody else at the database."""
    with psycopg.connect(servers.database_url(), autocommit=True) as other:
        yield other


@pytest.mark.long
def test_what_waits_for_a_lock_for_too_long_is_answered_503(server: Server, world: World) -> None:
    agent = httpx.Client(base_url=server.url, timeout=PATIENCE, headers=world.bearer("agent"))
    cookies = {"sessionid": world.session("otto").cookies["sessionid"].value}
    with agent, hands() as other:
        with other.transaction():
            other.execute(f"LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE")
            for answer in (agent.get("/api/interventions"), agent.post("/api/interventions", json=DRAFT)):
                assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
                assert answer.headers["Content-Type"] == "application/problem+json"
                assert answer.headers["Retry-After"] == "1"
            page = httpx.get(f"{server.url}/o/acme/", cookies=cookies, timeout=PATIENCE)
            assert (page.status_code, page.headers["Retry-After"]) == (503, "1")
            assert "Try again in a moment" in page.text
        assert agent.get("/api/interventions").json()["results"] == []
        assert agent.post("/api/interventions", json=DRAFT).status_code == 201


@pytest.mark.long
def test_what_computes_for_too_long_is_answered_503(server: Server, world: World, ask: Any) -> None:
    ask()
    agent = httpx.Client(base_url=server.url, timeout=PATIENCE, headers=world.bearer("agent"))
    with agent, hands() as other:
        # Each row takes thirty seconds to be looked at.
        slow = f"CREATE POLICY slow ON {TABLE} AS RESTRICTIVE USING (pg_sleep(30) IS NOT NULL)"
        other.execute(slow)
        try:
            answer = agent.get("/api/interventions")
            assert (answer.status_code, answer.headers.get("Retry-After")) == (503, "1")
        finally:
            other.execute(f"DROP POLICY slow ON {TABLE}")
        assert len(agent.get("/api/interventions").json()["results"]) == 1
