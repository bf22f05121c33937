"""How do new events reach their table? In one statement: the ORM's way costs more than all the rest of a sweep."""

from functools import cache
from typing import Any

import orjson
from django.db import connection

from interventions.models import Event

_FIELDS = [field for field in Event._meta.concrete_fields if not field.primary_key]
_NAMES = [field.attname for field in _FIELDS]
_COLUMNS = ", ".join(str(field.column) for field in _FIELDS)
_TABLE = Event._meta.db_table
_DATA: Any = Event._meta.get_field("data")


def insert(appended: list[Event]) -> None:
    """Stores the events; they get no `pk`, which nobody asks for. Raises IntegrityError as the ORM would."""
    texts: dict[int, str | None] = {}
    rows = []
    for event in appended:
        # The events of a sweep share their data: it is written as JSON once.
        if (key := id(event.data)) not in texts:
            texts[key] = _DATA.get_prep_value(event.data)
        rows.append({name: getattr(event, name) for name in _NAMES} | {"data": texts[key]})
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_postgresql(), [orjson.dumps(rows).decode()])
        else:
            moments = {event.at: connection.ops.adapt_datetimefield_value(event.at) for event in appended}
            cursor.executemany(_sqlite(), [tuple((row | {"at": moments[row["at"]]}).values()) for row in rows])


@cache
def _postgresql() -> str:
    """One parameter for all rows: COPY would be as quick, but is not allowed under row-level security."""
    types = ", ".join(f"{field.column} {field.db_type(connection)}" for field in _FIELDS)
    # Names and types are the model's own.
    return f"INSERT INTO {_TABLE} ({_COLUMNS}) SELECT {_COLUMNS} FROM json_to_recordset(%s) AS row({types})"  # noqa: S608


@cache
def _sqlite() -> str:
    marks = ", ".join(["%s"] * len(_FIELDS))
    return f"INSERT INTO {_TABLE} ({_COLUMNS}) VALUES ({marks})"  # noqa: S608
