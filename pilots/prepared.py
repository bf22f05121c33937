"""Queries whose SQL the ORM writes once.

It takes ten times as long to write a small query as the database does to answer it: what is asked with every request,
and gives plain values, is worth keeping.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from pilots.database import Statement, fetch_each
from pilots.tenancy import speaking_for

# They stand for an organization and a moment while the SQL is written, and occur nowhere else.
_ORGANIZATION = 4_611_686_018_427_387_847
_MOMENT = datetime(1, 2, 3, 4, 5, 6, 7, UTC)


class Prepared:
    """`Prepared(lambda organization_id, now: …)` of a query that gives values; its Python is run once."""

    def __init__(self, make: Callable[[int, datetime], QuerySet[Any, Any]]) -> None:
        self._make = make

    def statement(self, organization_id: int, now: datetime) -> Statement:
        sql, parameters = self._written
        given = {_ORGANIZATION: organization_id, _adapted(_MOMENT): _adapted(now)}
        return sql, [given.get(value, value) for value in parameters]

    @cached_property
    def _written(self) -> tuple[str, tuple[Any, ...]]:
        sql, parameters = self._make(_ORGANIZATION, _MOMENT).query.sql_with_params()
        return sql, tuple(parameters)


def rows_of(queries: Sequence[Prepared], organization_id: int, now: datetime) -> list[list[tuple[Any, ...]]]:
    """What each gives, asked in this order; a moment from SQLite lacks its zone (see `moment_of`)."""
    with speaking_for(organization_id):
        return fetch_each([query.statement(organization_id, now) for query in queries])


def moment_of(value: datetime) -> datetime:
    """A moment that a raw query gave."""
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _adapted(moment: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(moment)
