"""How does a row become a line of JSON that either database takes back as it was, and a line a row?

Columns of JSON travel as the text that is stored: nothing is read and written anew on the way. All else is as JSON has
it; moments and days are ISO 8601.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import orjson
from django.db import connection, reset_queries
from django.db.models import DateField, Field, JSONField, Model, TextField, UUIDField
from django.db.models.functions import Cast

from interventions.backup import tables
from interventions.fields import ExactJSONField

# Rows read at a time; the largest has a context of 64 KiB.
PAGE = 500


def pages(model: type[Model], using: str) -> Iterator[list[bytes]]:
    """All rows of a table as lines, by primary key, one page in memory. Inside `snapshot()` and `across()`."""
    fields, names = tables.fields_of(model), tables.columns_of(model)
    key = names.index(str(model._meta.pk.column))
    # Past the model's own managers: they name an organization, or leave rows out.
    rows = model._base_manager.using(using).order_by("pk").values_list(*map(_as_stored, fields))
    found = list(rows[:PAGE])
    while found:
        yield [orjson.dumps(dict(zip(names, row, strict=True))) + b"\n" for row in found]
        found = list(rows.filter(pk__gt=found[-1][key])[:PAGE])


def store(model: type[Model], lines: list[bytes]) -> None:
    """Stores the rows of these lines, keys and all."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # The lines are what the database reads: they need not be read here.
            cursor.execute(_insert_from_json(model), [f"[{b','.join(lines).decode()}]"])
        else:
            cursor.executemany(_insert(model), [_values(model, orjson.loads(line)) for line in lines])
    # With DEBUG each statement would be kept.
    reset_queries()


def _as_stored(field: "Field[Any, Any]") -> Any:
    return Cast(field.attname, TextField()) if isinstance(field, JSONField | ExactJSONField) else field.attname


@cache
def _insert_from_json(model: type[Model]) -> str:
    """COPY would be quicker by a little, but is not allowed under row-level security."""
    table, columns = _quoted(model)
    fields = list(zip(columns, tables.fields_of(model), strict=True))
    types = ", ".join(f"{column} {_type_in_json(field)}" for column, field in fields)
    values = ", ".join(f"{column}::jsonb" if isinstance(field, JSONField) else column for column, field in fields)
    into = f"INSERT INTO {table} ({', '.join(columns)})"
    return f"{into} SELECT {values} FROM json_to_recordset(%s) AS row({types})"  # noqa: S608 -- names of models


def _type_in_json(field: "Field[Any, Any]") -> str:
    return "text" if isinstance(field, JSONField) else str(field.db_type(connection))


@cache
def _insert(model: type[Model]) -> str:
    table, columns = _quoted(model)
    places = ", ".join(["%s"] * len(columns))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"  # noqa: S608 -- names of models


def _quoted(model: type[Model]) -> tuple[str, list[str]]:
    quote = connection.ops.quote_name
    return quote(model._meta.db_table), [quote(name) for name in tables.columns_of(model)]


def _values(model: type[Model], row: dict[str, Any]) -> list[Any]:
    return [convert(row[name]) if convert else row[name] for name, convert in _converters(model)]


@cache
def _converters(model: type[Model]) -> list[tuple[str, Callable[[Any], Any] | None]]:
    """For SQLite, which keeps moments, days and UUIDs as texts of its own kind."""
    return [(str(field.column), _converter(field)) for field in tables.fields_of(model)]


def _converter(field: "Field[Any, Any]") -> Callable[[Any], Any] | None:
    kind: Any = field
    while kind.is_relation:
        kind = kind.target_field
    if not isinstance(kind, DateField | UUIDField):
        return None
    return lambda value: kind.get_db_prep_value(value, connection)
