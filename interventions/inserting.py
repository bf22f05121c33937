"""How do new rows reach their table? In one statement with one parameter: the ORM's way costs more than all the rest of
a create, or of a sweep."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import orjson
from django.db import connection
from django.db.models import DateTimeField, Field, Model

from interventions.fields import ExactJSONField
from pilots.database import Statement


def inserting(model: type[Model], rows: Sequence[Model], then: str = "") -> Statement:
    """The statement that stores `rows`, which get no new `pk` by it; `then` stands at its end."""
    fields = _fields(model)
    names = [field.attname for field in fields]
    texts: dict[int, str | None] = {}
    values = [{name: getattr(row, name) for name in names} for row in rows]
    for field in fields:
        if isinstance(field, ExactJSONField):
            for row in values:
                # The events of a sweep share their data: it is written as JSON once.
                if (key := id(row[field.attname])) not in texts:
                    texts[key] = field.get_prep_value(row[field.attname])
                row[field.attname] = texts[key]
        elif isinstance(field, DateTimeField):
            for row in values:
                row[field.attname] = connection.ops.adapt_datetimefield_value(row[field.attname])
    return f"{_sql(model, connection.vendor)} {then}", [orjson.dumps(values).decode()]


@cache
def _fields(model: type[Model]) -> list["Field[Any, Any]"]:
    return [field for field in model._meta.concrete_fields if not field.auto_created]


@cache
def _sql(model: type[Model], vendor: str) -> str:
    """COPY would be as quick, but is not allowed under row-level security. Names and types are the model's own."""
    fields = _fields(model)
    columns = ", ".join(str(field.column) for field in fields)
    insert = f"INSERT INTO {model._meta.db_table} ({columns})"
    if vendor == "postgresql":
        types = ", ".join(f"{field.column} {field.db_type(connection)}" for field in fields)
        return f"{insert} SELECT {columns} FROM json_to_recordset(%s) AS row({types}) WHERE true"  # noqa: S608
    values = ", ".join(f"value ->> '{field.attname}'" for field in fields)
    return f"{insert} SELECT {values} FROM json_each(%s) WHERE true"  # noqa: S608
