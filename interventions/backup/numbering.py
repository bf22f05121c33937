"""Which key was the last that a table has given?

None is ever given twice: rows that are gone are still named by theirs, and decisions are unique by it.
"""

from collections.abc import Iterator

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import AutoField, Max, Model

from interventions.backup import tables


def last_ids(using: str) -> dict[str, int]:
    """By the name of the table; those that have given none are not in it."""
    with connections[using].cursor() as cursor:
        if connections[using].vendor == "sqlite":
            cursor.execute("SELECT name, seq FROM sqlite_sequence")
            given = dict(cursor.fetchall())
        else:
            given = {}
            for _, table, column in _numbered():
                # To be asked by who may use it, as who serves may; the sequence itself could be read by its owner only.
                cursor.execute(
                    "SELECT pg_sequence_last_value(pg_get_serial_sequence(%s, %s)::regclass)", [table, column]
                )
                given[table] = cursor.fetchone()[0]
        return {table: given[table] for _, table, _ in _numbered() if given.get(table)}


def go_on_from(ids: dict[str, int]) -> None:
    """The next keys come after these, after those of all rows, and after those that were given here before."""
    here = last_ids(DEFAULT_DB_ALIAS)
    with connection.cursor() as cursor:
        for model, table, column in _numbered():
            highest = model._base_manager.aggregate(highest=Max("pk"))["highest"]
            last = max(highest or 0, ids.get(table, 0), here.get(table, 0))
            if last and connection.vendor == "sqlite":
                cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [table])
                cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table, last])
            elif last:
                cursor.execute("SELECT setval(pg_get_serial_sequence(%s, %s), %s)", [table, column, last])


def _numbered() -> Iterator[tuple[type[Model], str, str]]:
    """Each model whose keys the database gives, its table and the column."""
    for model in tables.all_models():
        # Big and small ones count as one.
        if isinstance(model._meta.pk, AutoField):
            yield model, model._meta.db_table, str(model._meta.pk.column)
