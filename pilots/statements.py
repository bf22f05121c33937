"""How does PostgreSQL learn, without a round trip more, whose rows each statement may touch?

A statement that reads or writes rows goes out as `SET LOCAL chameleon.organization = '5'; SELECT …`, one message and
one transaction; the setting ends with it, so a pool, PgBouncer's too, has nothing to clean up. Inside a longer
transaction it is sent only where it differs from what was told last. Row-level security reads it.
"""

import re
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import ClientCursor

from pilots import database, tenancy

SETTING = "chameleon.organization"

# What may stand in one message with another statement while no transaction is open; what else there is, as CREATE
# INDEX CONCURRENTLY, may not, and touches no rows.
_ROWS = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "MERGE", "VALUES", "TABLE", "EXPLAIN"})
# What steers transactions. SET TRANSACTION must be the first statement of one.
_STEERING = frozenset({"SAVEPOINT", "RELEASE", "ROLLBACK", "COMMIT", "END", "ABORT", "BEGIN", "START", "SET"})
_WORD = re.compile(r"[\s(]*(\w+)")

# libpq's numbers.
_IDLE, _IN_TRANSACTION = 0, 2

type Execute = Callable[[Any, Any, bool, dict[str, Any]], Any]


def listen(connection: BaseDatabaseWrapper, **_signal: Any) -> None:
    """Hears that a connection was opened; it is opened again and again, and needs this once."""
    wrappers = connection.execute_wrappers
    if connection.vendor == "postgresql" and not any(isinstance(each, Telling) for each in wrappers):
        wrappers.append(Telling())


class Telling:
    """Tells one connection. `_last`: what it was told in the transaction that is open; None: that is not known."""

    def __init__(self) -> None:
        self._last: str | None = None

    def __call__(self, execute: Execute, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        connection = context["connection"]
        state = connection.connection.pgconn.transaction_status
        if state == _IDLE:
            self._last = tenancy.NOBODY
        told = tenancy.told()
        if told == self._last or state not in (_IDLE, _IN_TRANSACTION):
            return self._plainly(execute, sql, params, many, context)
        found = _WORD.match(sql) if isinstance(sql, str) else None
        word = found[1].upper() if found else ""
        alone = state == _IDLE and connection.autocommit
        if sql == database.CLOCK or word in _STEERING or (alone and word not in _ROWS and not many):
            return self._plainly(execute, sql, params, many, context)
        cursor = context["cursor"]
        if many or not isinstance(sql, str) or not isinstance(cursor.cursor, ClientCursor):
            return self._apart(told, execute, sql, params, many, context)
        result = _together(told, execute, sql, params, context)
        # The caller's own result is the second one.
        cursor.cursor.nextset()
        self._last = told
        return result

    def _plainly(self, execute: Execute, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if isinstance(sql, str) and sql.startswith("ROLLBACK"):
            # Back to a savepoint means back to what was told before it.
            self._last = None
        return execute(sql, params, many, context)

    def _apart(self, told: str, execute: Execute, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        """For what cannot share a message with another statement: many of them, and cursors of the server."""
        connection = context["connection"]
        with transaction.atomic(connection.alias) if connection.autocommit else nullcontext():
            connection.connection.execute(f"SET LOCAL {SETTING} = '{told}'")
            self._last = told
            return execute(sql, params, many, context)


def _together(told: str, execute: Execute, sql: str, params: Any, context: dict[str, Any]) -> Any:
    if isinstance(params, tuple | list):
        # As a parameter: psycopg keeps what it made of a text, which should not differ by organization.
        return execute(f"SET LOCAL {SETTING} = %s; {sql}", [told, *params], False, context)
    return execute(f"SET LOCAL {SETTING} = '{told}'; {sql}", params, False, context)
