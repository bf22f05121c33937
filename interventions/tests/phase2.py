"""Installations of Phase 2 to import from: its tables, made by plain SQL in whatever database, or as a dump."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from interventions.phase2.tables import HISTORY, KNOWN, REQUESTS

# No column promises more than Phase 2 kept: broken rows must fit.
TYPES = {"id": "INTEGER PRIMARY KEY", "context": "JSON", "is_archived": "BOOLEAN"}
ASKED = "2025-03-04 10:00:00.000000"
DECIDED = "2025-03-04 10:30:00.000000"
LATER = "2025-03-04 11:00:00.000000"

REQUEST: dict[str, Any] = {
    "request_id": "r-1",
    "uow_id": "uow-1",
    "intervention_type": "clarification",
    "status": "PENDING",
    "priority": "normal",
    "title": "Which vendor is it?",
    "description": "Two have the same name.",
    "context": '{"amount": 1.5, "vendors": ["a", "b"]}',
    "created_at": ASKED,
    "expires_at": None,
    "updated_at": ASKED,
    "required_role": "OPERATOR",
    "assigned_to": None,
    "action_reason": None,
    "action_timestamp": None,
    "is_archived": 0,
}
OUTCOME: dict[str, Any] = {
    "request_id": "r-1",
    "uow_id": "uow-1",
    "status": "APPROVED",
    "priority": "normal",
    "created_at": ASKED,
    "completed_at": DECIDED,
    "resolution_time_seconds": 1800,
    "assigned_to": None,
    "action_reason": None,
    "archived_at": LATER,
}
APPROVED = {"status": "APPROVED", "assigned_to": "pilot-7", "action_reason": "the first", "action_timestamp": DECIDED}


def request(request_id: str, **fields: Any) -> dict[str, Any]:
    return REQUEST | {"request_id": request_id} | fields


def outcome(request_id: str, **fields: Any) -> dict[str, Any]:
    return OUTCOME | {"request_id": request_id} | fields


def schema(key: str = "INTEGER PRIMARY KEY") -> list[str]:
    types = TYPES | {"id": key}
    return [
        f"CREATE TABLE {table} ({', '.join(f'{name} {types.get(name, "TEXT")}' for name in columns)})"
        for table, columns in KNOWN.items()
    ]


def insert(table: str, row: dict[str, Any], place: str = "?") -> tuple[str, list[Any]]:
    return f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join([place] * len(row))})", list(row.values())  # noqa: S608


def in_sqlite(path: Path, requests: list[dict[str, Any]], outcomes: list[dict[str, Any]] = [], **how: str) -> str:  # noqa: B006
    """A new file with these rows; its name is the source."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in schema(**how):
            connection.execute(statement)
        for table, rows in ((REQUESTS, requests), (HISTORY, outcomes)):
            for row in rows:
                connection.execute(*insert(table, row))
    return str(path)


def change(source: str, statement: str, *values: Any) -> None:
    """What Phase 2 does meanwhile."""
    with closing(sqlite3.connect(source)) as connection, connection:
        connection.execute(statement, values)


def update(source: str, request_id: str, fields: dict[str, Any]) -> None:
    setting = ", ".join(f"{name} = ?" for name in fields)
    change(source, f"UPDATE interventions SET {setting} WHERE request_id = ?", *fields.values(), request_id)  # noqa: S608


def add(source: str, row: dict[str, Any]) -> None:
    statement, values = insert(REQUESTS, row)
    change(source, statement, *values)


def in_lines(path: Path, requests: list[dict[str, Any]], outcomes: list[dict[str, Any]] = []) -> str:  # noqa: B006
    lines = [*requests, *({"table": HISTORY} | row for row in outcomes)]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return str(path)
