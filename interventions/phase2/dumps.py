"""A dump of Phase 2, one JSON object a line, becomes tables: then it is read like any other source, however large."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO

from interventions.phase2.tables import KNOWN, REQUESTS, TABLES
from pilots import strict_json
from pilots.errors import InvalidInput

# Lines that are no rows: of which table, where that is known, and why.
FAULTS = "faults"
_FAULT_COLUMNS = ("place", "request_id", "reason")
# Longer than any row that could be taken.
_MAX_LINE = 2**20
# Names of unknown keys that are told.
_MAX_NAMED = 20

type Insert = tuple[str, tuple[Any, ...]]


def load(path: Path, database: Path) -> list[str]:
    """Writes the lines of the dump into a new SQLite database, `id` being a line's number. Returns what to remark on.

    Raises InvalidInput where the file cannot be read, or there is no room for the copy.
    """
    unknown: dict[str, None] = {}
    try:
        # Closed by hand: the connection's own block is a transaction.
        with path.open("rb") as file, closing(sqlite3.connect(database)) as connection, connection:
            connection.execute("PRAGMA synchronous = OFF")
            for name, columns in {**KNOWN, FAULTS: _FAULT_COLUMNS}.items():
                others = ", ".join(f"{column} TEXT" for column in columns if column != "id")
                connection.execute(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, {others})")
            for statement, values in _inserts(file, unknown):
                connection.execute(statement, values)
            for name in TABLES:
                connection.execute(f"CREATE INDEX by_request_{name} ON {name} (request_id)")
    except OSError as error:
        raise InvalidInput(f"The source cannot be read: {error}") from error
    except sqlite3.Error as error:
        raise InvalidInput(f"The dump needs room in {database.parent} (TMPDIR), and found none: {error}") from error
    names = list(unknown)[:_MAX_NAMED]
    return [f"the lines have, and it is not taken: {', '.join(names)}"] if names else []


def _inserts(file: BinaryIO, unknown: dict[str, None]) -> Iterator[Insert]:
    for number, line in enumerate(_lines(file), 1):
        if line.strip():
            try:
                yield _row(number, line, unknown)
            except InvalidInput as error:
                yield _insert(FAULTS, {"id": number, "place": REQUESTS, "reason": error.detail} | _named(line))


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Each line; of one that is too long only its beginning."""
    while line := file.readline(_MAX_LINE + 1):
        rest = line
        while rest and not rest.endswith(b"\n") and len(rest) > _MAX_LINE:
            rest = file.readline(_MAX_LINE + 1)
        yield line.removeprefix(b"\xef\xbb\xbf")


def _row(number: int, line: bytes, unknown: dict[str, None]) -> Insert:
    if len(line) > _MAX_LINE:
        raise InvalidInput("the line is longer than 1 MiB")
    value = strict_json.loads(line)
    if not isinstance(value, dict):
        raise InvalidInput("the line is no JSON object")
    table = value.pop("table", REQUESTS)
    if table not in TABLES:
        raise InvalidInput(f"its table is none of {', '.join(TABLES)}")
    unknown |= dict.fromkeys(name[:50] for name in value if name not in KNOWN[table])
    return _insert(table, {name: _text(value[name]) for name in KNOWN[table] if name in value} | {"id": number})


def _insert(table: str, values: dict[str, Any]) -> Insert:
    places = ", ".join(["?"] * len(values))
    # Table and columns are this module's own; every value is a parameter.
    return f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places})", tuple(values.values())  # noqa: S608


def _text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _named(line: bytes) -> dict[str, str]:
    """Whose line it was, where that much of it can be read."""
    try:
        request_id = json.loads(line)["request_id"]
        return {"request_id": request_id.encode("ascii").decode()}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return {}
