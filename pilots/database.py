"""What differs between PostgreSQL and SQLite when something is written: the lock, and the clock."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Model, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan

# Asks for no rows, so that nobody need say whose.
CLOCK = "SELECT clock_timestamp()"

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
def snapshot() -> Iterator[None]:
    """Every read inside sees the database as it was at one moment; nested use joins the outer transaction."""
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield
    else:
        with _reading_on_sqlite():
            yield


@contextmanager
def _reading_on_sqlite() -> Iterator[None]:
    # Our transactions begin as writers; a long read must not keep the only writer's place.
    sqlite: Any = connection
    mode, sqlite.transaction_mode = sqlite.transaction_mode, "DEFERRED"
    try:
        with transaction.atomic():
            yield
    finally:
        sqlite.transaction_mode = mode


def in_steps[Row: Model](rows: QuerySet[Row], *columns: str, step: int = 2000) -> Iterator[Row]:
    """Every row in the order of `columns`, which tell each from the others, holding one step of them in memory.

    Inside `snapshot()`. A cursor of the server would not do: it cannot be told whose rows to show.
    """
    ordered, beyond = rows.order_by(*columns), rows.order_by(*columns)
    while True:
        found = list(beyond[:step])
        yield from found
        if len(found) < step:
            return
        position = [getattr(found[-1], column) for column in columns]
        beyond = ordered.filter(TupleGreaterThan(Tuple(*map(F, columns)), position))


def give_back() -> None:
    """Ends this thread's connection (the pool takes it back) now, not when the request is over."""
    if not connection.in_atomic_block:
        connection.close()


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
