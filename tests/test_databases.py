"""What the settings make of DATABASE_URL and REPLICA_URL."""

from typing import Any

import pytest
from environs import Env

from chameleon.databases import databases, is_sqlite

pytestmark = pytest.mark.embedded


def read(url: str) -> dict[str, Any]:
    return Env().dj_db_url("NO_SUCH_VARIABLE", url)


def test_sqlite_writes_at_once_and_waits_its_turn() -> None:
    given = read("sqlite:////tmp/x.sqlite3")
    made = databases(given, pool=16)["default"]
    assert is_sqlite(given)
    assert made["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert "pool" not in made["OPTIONS"]


def test_postgresql_has_a_pool_and_nothing_that_a_pooler_cannot_keep() -> None:
    made = databases(read("postgresql://u:p@db:5432/chameleon"), pool=7)["default"]
    assert (made["HOST"], made["OPTIONS"]["pool"]["max_size"]) == ("db", 7)
    assert made["DISABLE_SERVER_SIDE_CURSORS"] is True
    # Startup parameters that a pooler does not know end the connection.
    assert "options" not in made["OPTIONS"]


def test_what_libpq_understands_is_passed_on() -> None:
    url = "postgresql://u:p@db.example.com/chameleon?sslmode=verify-full&sslrootcert=/etc/ssl/ca.pem&target_session_attrs=read-write"
    options = databases(read(url), pool=4)["default"]["OPTIONS"]
    assert (options["sslmode"], options["sslrootcert"]) == ("verify-full", "/etc/ssl/ca.pem")
    assert options["target_session_attrs"] == "read-write"
    assert options["pool"]["max_size"] == 4


def test_a_replica_is_waited_for_less_long() -> None:
    given = read("postgresql://u:p@db/chameleon")
    made = databases(given, pool=4, replica=read("postgresql://u:p@copy/chameleon"))
    assert made["replica"]["HOST"] == "copy"
    assert made["replica"]["OPTIONS"]["pool"]["timeout"] < made["default"]["OPTIONS"]["pool"]["timeout"]
    assert set(databases(given, pool=4)) == {"default"}


def test_what_was_given_is_left_as_it_is() -> None:
    given = read("postgresql://u:p@db/chameleon?sslmode=require")
    before = repr(given)
    databases(given, pool=4)
    assert repr(given) == before
