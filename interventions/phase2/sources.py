"""Where do the rows of Phase 2 come from? Its database, whichever it is, or a dump; read only, and a batch at a time.

Every value arrives as its text, so that what one database takes for a date and another for a word is judged in one
place, and one bad value never keeps the others from being read.
"""

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import dj_database_url
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, Error
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler

from interventions.phase2 import dumps
from interventions.phase2.tables import KNOWN, NEEDED, REQUESTS, TABLES
from pilots.errors import InvalidInput

# Rows read, and taken over in one transaction: short enough to let decisions through between.
BATCH = 500
_SQLITE = b"SQLite format 3\x00"
_READ_ONLY = {
    "postgresql": "SET default_transaction_read_only = on",
    "mysql": "SET SESSION TRANSACTION READ ONLY",
}
_LOCK_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Raw:
    """One row as it stands there: `key` tells it from the others of its table."""

    table: str
    key: Any
    values: dict[str, str | None]

    @property
    def request_id(self) -> str | None:
        return self.values.get("request_id")


@contextmanager
def opened(name: str) -> Iterator["Source"]:
    """The source of this name: a file of SQLite, a `.jsonl` file or a DATABASE_URL. Raises InvalidInput for others."""
    if "://" in name:
        with _connected(_settings_of(name)) as source:
            yield source
    elif _is_sqlite(Path(name)):
        with _connected({"ENGINE": "django.db.backends.sqlite3", "NAME": name}) as source:
            yield source
    elif name.endswith(".jsonl"):
        with tempfile.TemporaryDirectory(prefix="chameleon-import-") as folder:
            database = Path(folder) / "dump.sqlite3"
            remarks = dumps.load(Path(name), database)
            with _connected({"ENGINE": "django.db.backends.sqlite3", "NAME": str(database)}) as source:
                source.remarks += remarks
                yield source
    else:
        raise InvalidInput(f"{name} is neither a database of SQLite nor a .jsonl file; a database server is a URL.")


class Source:
    """The tables of Phase 2. Whatever fails raises InvalidInput; `remarks` tell what of it is not read."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = connection
        self.remarks: list[str] = []
        self._columns = {table: self._known(table) for table in self._tables()}

    def has(self, table: str) -> bool:
        return table in self._columns

    def count(self, table: str) -> int:
        return int(self._fetch(f"SELECT COUNT(*) FROM {self._name(table)}")[0][0]) if self.has(table) else 0  # noqa: S608

    def faults(self) -> Iterator[tuple[Raw, str]]:
        """What is no row at all, with the reason."""
        if self.has(dumps.FAULTS):
            for raw in self._all(dumps.FAULTS):
                yield Raw(str(raw.values["place"]), raw.key, raw.values), str(raw.values["reason"])
        for table in TABLES:
            if self.has(table):
                key = self._name(self._key(table))
                rows = self._fetch(f"SELECT COUNT(*) FROM {self._name(table)} WHERE {key} IS NULL")  # noqa: S608
                if rows[0][0]:
                    yield Raw(table, None, {}), f"{rows[0][0]} rows have no {self._key(table)}: give them one"

    def batches(self, table: str) -> Iterator[list[Raw]]:
        """All rows in the order of their keys."""
        if not self.has(table):
            return
        beyond = "IS NOT NULL"
        values: list[Any] = []
        while rows := self._select(table, f"{self._name(self._key(table))} {beyond}", values, BATCH):
            last = rows[-1].key
            if len(rows) == BATCH:
                # A key that stands twice must not fall in two batches.
                rows = [raw for raw in rows if raw.key != last] + self._of(table, self._key(table), [last])
            yield rows
            beyond, values = "> %s", [last]

    def find(self, table: str, request_ids: list[str]) -> dict[str, list[Raw]]:
        """The rows of these requests, each request's in the order of their keys."""
        found: dict[str, list[Raw]] = {}
        for raw in self._of(table, "request_id", request_ids) if self.has(table) and request_ids else []:
            found.setdefault(str(raw.request_id), []).append(raw)
        return found

    def _all(self, table: str) -> Iterator[Raw]:
        for rows in self.batches(table):
            yield from rows

    def _of(self, table: str, column: str, values: list[Any]) -> list[Raw]:
        return self._select(table, f"{self._name(column)} IN ({', '.join(['%s'] * len(values))})", values)

    def _select(self, table: str, condition: str, values: list[Any], limit: int | None = None) -> list[Raw]:
        key, columns = self._name(self._key(table)), self._columns[table]
        text = "CHAR" if self._connection.vendor == "mysql" else "TEXT"
        wanted = ", ".join([key, *(f"CAST({self._name(column)} AS {text})" for column in columns)])
        # The names are those that the database gave for its own; every value is a parameter.
        # PostgreSQL calls a cast by its column, so the key has to say that it is the table's.
        sql = f"SELECT {wanted} FROM {self._name(table)} WHERE {condition} ORDER BY {self._name(table)}.{key}"  # noqa: S608
        rows = self._fetch(sql if limit is None else f"{sql} LIMIT {limit}", values)
        return [Raw(table, row[0], dict(zip(columns, row[1:], strict=True))) for row in rows]

    def _key(self, table: str) -> str:
        return "id" if "id" in self._columns[table] else "request_id"

    def _name(self, name: str) -> str:
        return self._connection.ops.quote_name(name)

    def _tables(self) -> list[str]:
        with _refusing():
            there = self._connection.introspection.table_names(include_views=True)
        if REQUESTS not in there:
            raise InvalidInput(
                f"The source has no table {REQUESTS}: is it Phase 2's? It has: {', '.join(there[:20]) or 'none'}."
            )
        self.remarks += [f"there is no table {table}" for table in TABLES if table not in there]
        return [table for table in (*TABLES, dumps.FAULTS) if table in there]

    def _known(self, table: str) -> list[str]:
        """The columns that are read; what else there is, or is not, is remarked on."""
        with _refusing(), self._connection.cursor() as cursor:
            there = [column.name for column in self._connection.introspection.get_table_description(cursor, table)]
        if table not in TABLES:
            return there
        if lacking := [column for column in NEEDED[table] if column not in there]:
            raise InvalidInput(f"The source's table {table} lacks {', '.join(lacking)}: is it Phase 2's?")
        for words, names in (
            ("has no", [column for column in KNOWN[table] if column not in there]),
            ("has, and it is not taken:", [column for column in there if column not in KNOWN[table]]),
        ):
            if names:
                self.remarks.append(f"{table} {words} {', '.join(names)}")
        return [column for column in KNOWN[table] if column in there]

    def _fetch(self, sql: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
        with _refusing(), self._connection.cursor() as cursor:
            cursor.execute(sql, values or [])
            return list(cursor.fetchall())


@contextmanager
def _connected(settings: dict[str, Any]) -> Iterator[Source]:
    """A connection of its own, to which the rest of the product knows no way."""
    if settings["ENGINE"].endswith("sqlite3"):
        path = Path(settings["NAME"]).absolute()
        settings["NAME"] = f"file:{quote(str(path))}?mode=ro"
        # What a column says it is decides nothing: it may hold anything.
        settings["OPTIONS"] = {"detect_types": 0, "timeout": _LOCK_SECONDS}
    with _refusing():
        connection = ConnectionHandler({DEFAULT_DB_ALIAS: settings})[DEFAULT_DB_ALIAS]
    with closing(connection):
        _read_only(connection)
        yield Source(connection)


def _read_only(connection: BaseDatabaseWrapper) -> None:
    with _refusing():
        connection.ensure_connection()
        if connection.vendor == "sqlite":
            connection.connection.text_factory = _decoded
        elif statement := _READ_ONLY.get(connection.vendor):
            with connection.cursor() as cursor:
                cursor.execute(statement)


def _decoded(raw: bytes) -> str:
    """What is no UTF-8 stays visible as such; it is refused where the value is read."""
    return raw.decode("utf-8", "surrogateescape")


def _settings_of(url: str) -> dict[str, Any]:
    try:
        return dict(dj_database_url.parse(url))
    except ValueError as error:
        raise InvalidInput(f"The URL of the source cannot be taken: {error}") from error


def _is_sqlite(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except OSError as error:
        raise InvalidInput(f"The source cannot be read: {error}") from error


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except (Error, ImproperlyConfigured, UnicodeError) as error:
        raise InvalidInput(f"The source cannot be read: {' '.join(str(error).split())}") from error
