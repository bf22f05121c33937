"""Where are the rows, and how is the way there held? SQLite is the embedded default, PostgreSQL is production."""

from collections.abc import Mapping
from typing import Any

type Given = Mapping[str, Any]


def is_sqlite(given: Given) -> bool:
    return str(given["ENGINE"]).endswith("sqlite3")


def databases(given: Given, *, pool: int, replica: Given | None = None) -> dict[str, dict[str, Any]]:
    """DATABASES: what DATABASE_URL leads to and, where there is one to read from, what REPLICA_URL does.

    `pool` is how many connections each process holds to either at most.
    """
    made = {"default": _sqlite(given) if is_sqlite(given) else _postgresql(given, pool, patience=5)}
    if replica:
        # Whoever waits for it could have had the answer from the other one.
        made["replica"] = _sqlite(replica) if is_sqlite(replica) else _postgresql(replica, pool, patience=1)
    return made


def _sqlite(given: Given) -> dict[str, Any]:
    # IMMEDIATE takes the write lock at once: a lock that is upgraded half-way fails without waiting.
    options = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 5,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
    return {**given, "OPTIONS": given.get("OPTIONS", {}) | options}


def _postgresql(given: Given, pool: int, patience: int) -> dict[str, Any]:
    """Nothing here outlives a transaction, or is kept by the server: a pooler by transaction may stand in between."""
    # Each request has a connection of its own: the pool is the only brake. A database once away is asked again soon.
    held = {"min_size": 1, "max_size": pool, "timeout": patience, "reconnect_timeout": 2}
    # A cursor kept by the server cannot be told with each statement whose rows to show, and no pooler keeps it either.
    return {**given, "OPTIONS": {"pool": held} | given.get("OPTIONS", {}), "DISABLE_SERVER_SIDE_CURSORS": True}
