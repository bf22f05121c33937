"""How does PostgreSQL learn, without a round trip more, whose rows each statement may touch?

A statement that reads or writes rows goes out as `SET LOCAL chameleon.organization = '5'; SELECT …`, one message and
one transaction; the setting ends with it, so a pool, PgBouncer's too, has nothing to clean up. Inside a longer
transaction it is sent only where it differs from what was told last. Row-level security reads it.

How long a statement of a server may take travels the same way, for the same reason.
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

# What this process tells each transaction of how long it may take.
_limits: tuple[str, ...] = ()

type Execute = Callable[[Any, Any, bool, dict[str, Any]], Any]


def listen(connection: BaseDatabaseWrapper, **_signal: Any) -> None:
    """Hears that a connection was opened; it is opened again and again, and needs this once."""
    wrappers = connection.execute_wrappers
    if connection.vendor == "postgresql" and not any(isinstance(each, Telling) for each in wrappers):
        wrappers.append(Telling())


def limit(seconds: int) -> None:
    """From now on no statement of this process takes longer, or waits for a lock for more than a third of that, and no
    transaction stands open unused for as long: it fails, and the connection is good for the next one. 0: no limits.

    For servers. Commands do what takes its time.
    """
    global _limits
    names = {"statement_timeout": 1000, "lock_timeout": 333, "idle_in_transaction_session_timeout": 1000}
    _limits = tuple(f"SET LOCAL {name} = {seconds * unit}" for name, unit in names.items()) if seconds else ()


class Telling:
    """Tells one connection. `_last`: what it was told in the transaction that is open; None: that is not known.
    `_is_limited`: whether it was told there how long statements may take."""

    def __init__(self) -> None:
        self._last: str | None = None
        self._is_limited = False

    def __call__(self, execute: Execute, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        connection = context["connection"]
        state = connection.connection.pgconn.transaction_status
        if state == _IDLE:
            self._last, self._is_limited = tenancy.NOBODY, False
        told = tenancy.told()
        limits = () if self._is_limited else _limits
        if (told == self._last and not limits) or state not in (_IDLE, _IN_TRANSACTION):
            return self._plainly(execute, sql, params, many, context)
        found = _WORD.match(sql) if isinstance(sql, str) else None
        word = found[1].upper() if found else ""
        alone = state == _IDLE and connection.autocommit
        if sql == database.CLOCK or word in _STEERING or (alone and word not in _ROWS and not many):
            return self._plainly(execute, sql, params, many, context)
        cursor = context["cursor"]
        if many or not isinstance(sql, str) or not isinstance(cursor.cursor, ClientCursor):
            return self._apart(told, limits, execute, sql, params, many, context)
        result = _together(None if told == self._last else told, limits, execute, sql, params, context)
        self._last, self._is_limited = told, True
        return result

    def _plainly(self, execute: Execute, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if isinstance(sql, str) and sql.startswith("ROLLBACK"):
            # Back to a savepoint means back to what was told before it.
            self._last, self._is_limited = None, False
        return execute(sql, params, many, context)

    def _apart(
        self,
        told: str,
        limits: tuple[str, ...],
        execute: Execute,
        sql: Any,
        params: Any,
        many: bool,
        context: dict[str, Any],
    ) -> Any:
        """For what cannot share a message with another statement: many of them, and cursors of the server."""
        connection = context["connection"]
        with transaction.atomic(connection.alias) if connection.autocommit else nullcontext():
            connection.connection.execute("; ".join([f"SET LOCAL {SETTING} = '{told}'", *limits]))
            self._last, self._is_limited = told, True
            return execute(sql, params, many, context)


def _together(
    told: str | None, limits: tuple[str, ...], execute: Execute, sql: str, params: Any, context: dict[str, Any]
) -> Any:
    """In one message; `told` None: that was told before."""
    before = [*limits] if told is None else [f"SET LOCAL {SETTING} = '{told}'", *limits]
    if told is not None and isinstance(params, tuple | list):
        # As a parameter: psycopg keeps what it made of a text, which should not differ by organization.
        before[0], params = f"SET LOCAL {SETTING} = %s", [told, *params]
    result = execute("; ".join([*before, sql]), params, False, context)
    # The caller's own result is the last one.
    for _ in before:
        context["cursor"].cursor.nextset()
    return result
