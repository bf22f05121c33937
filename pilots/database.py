"""What differs between PostgreSQL and SQLite when something is written: the lock, and the clock."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from django.db import connection, connections, transaction
from django.db.models import F, Model, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan

from pilots import replica

# Asks for no rows, so that nobody need say whose.
CLOCK = "SELECT clock_timestamp()"

# SQL and its parameters.
type Statement = tuple[str, list[Any]]

# SQLite has one writer. Its own busy handler lets late comers overtake for seconds; a lock in the process is fair.
_sqlite_writer = threading.RLock()


@contextmanager
def writing() -> Iterator[None]:
    """One write transaction; nested use joins the outer one."""
    if connection.vendor == "sqlite":
        with _sqlite_writer, transaction.atomic():
            yield
    else:
        with transaction.atomic():
            yield


@contextmanager
def snapshot(using: str | None = None) -> Iterator[None]:
    """Every read inside sees the database as it was at one moment; nested use joins the outer transaction. `using` is a
    connection other than the one that is read from anyway."""
    alias = using or replica.alias()
    read_from: Any = connections[alias]
    if read_from.in_atomic_block:
        yield
    elif read_from.vendor == "postgresql":
        with transaction.atomic(alias), read_from.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield
    else:
        with _reading_on_sqlite(read_from):
            yield


@contextmanager
def _reading_on_sqlite(sqlite: Any) -> Iterator[None]:
    # Our transactions begin as writers; a long read must not keep the only writer's place.
    # It has no mode before.
    sqlite.ensure_connection()
    mode, sqlite.transaction_mode = sqlite.transaction_mode, "DEFERRED"
    try:
        with transaction.atomic(sqlite.alias):
            yield
    finally:
        sqlite.transaction_mode = mode


def in_steps[Row: Model](rows: QuerySet[Row], *columns: str, step: int = 2000) -> Iterator[Row]:
    """Every row in the order of `columns`, which tell each from the others, holding one step of them in memory.

    All of them run the same way: up, or down where each has a `-` before it. Inside `snapshot()`, unless what is read
    does not change any more. A cursor of the server would not do: it cannot be told whose rows to show.
    """
    names = [column.removeprefix("-") for column in columns]
    further = TupleLessThan if columns[0].startswith("-") else TupleGreaterThan
    ordered = beyond = rows.order_by(*columns)
    while True:
        found = list(beyond[:step])
        yield from found
        if len(found) < step:
            return
        position = [getattr(found[-1], name) for name in names]
        beyond = ordered.filter(further(Tuple(*map(F, names)), position))


def run(statements: Iterable[Statement]) -> None:
    """Runs them one after the other."""
    with connection.cursor() as cursor:
        for sql, values in _messages(statements):
            cursor.execute(sql, values)


def fetch(statement: Statement) -> list[tuple[Any, ...]]:
    """The rows it gives."""
    (rows,) = fetch_each([statement])
    return rows


def fetch_each(statements: Sequence[Statement]) -> list[list[tuple[Any, ...]]]:
    """The rows that each of them gives, asked one after the other."""
    found: list[list[tuple[Any, ...]]] = []
    with connections[replica.alias()].cursor() as cursor:
        for sql, values in _messages(statements):
            cursor.execute(sql, values)
            found.append(cursor.fetchall())
        while len(found) < len(statements):
            cursor.nextset()
            found.append(cursor.fetchall())
    return found


def _messages(statements: Iterable[Statement]) -> list[Statement]:
    """PostgreSQL gets them in one message, for each is a round trip otherwise."""
    statements = list(statements)
    if connection.vendor != "postgresql" or not statements:
        return statements
    return [("; ".join(sql for sql, _ in statements), [value for _, values in statements for value in values])]


def give_back() -> None:
    """Ends this thread's connections (the pool takes them back) now, not when the request is over."""
    for each in connections.all(initialized_only=True):
        if not each.in_atomic_block:
            each.close()


_told: ContextVar[datetime | None] = ContextVar("told_moment", default=None)


@contextmanager
def telling_of(moment: datetime) -> Iterator[None]:
    """Inside, the clock stands at `moment`: so the demonstration's history of the last days is written by the rules,
    with events, hashes and tallies that agree. Nothing else uses it."""
    token = _told.set(moment)
    try:
        yield
    finally:
        _told.reset(token)


def now() -> datetime:
    """The database's clock at this moment, in UTC.

    Not `now()` of SQL, which is the start of the transaction: a lock may have been waited for since then. SQLite runs
    in this process and has no clock of its own.
    """
    if (told := _told.get()) is not None:
        return told
    if connection.vendor != "postgresql":
        return datetime.now(UTC)
    with connection.cursor() as cursor:
        cursor.execute(CLOCK)
        moment: datetime = cursor.fetchone()[0]
        return moment.astimezone(UTC)
