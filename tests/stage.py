"""The rows of the tests' world: made by the rules once in a run, and put back as they were for each further test.

Making them is a hundred statements; putting them back is one message.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model
from django.db.models.sql import InsertQuery

from pilots import database, tenancy
from pilots.database import Statement

# Made by migrations, and never emptied.
STANDING = (ContentType, Permission)


@dataclass
class Stage[World]:
    """`make` builds a world in empty tables."""

    make: Callable[[], World]
    _made: tuple[World, list[Statement]] | None = None

    def set(self) -> World:
        """The world with its rows; of the objects each test has its own."""
        if self._made is None:
            others = {model: {row.pk for row in _rows(model)} for model in _models()}
            self._made = self.make(), [each for model in _models() for each in _insert(model, others[model])]
        else:
            with tenancy.across():
                database.run(self._made[1])
        return deepcopy(self._made[0])


def _models() -> list[type[Model]]:
    return [model for model in apps.get_models() if model not in STANDING and model._meta.managed]


def _rows(model: type[Model]) -> list[Any]:
    with tenancy.across():
        return list(model._base_manager.order_by("pk"))


def _insert(model: type[Model], others: set[Any]) -> Iterator[Statement]:
    """The statements that store the rows there are now, but for the others, which a test made before."""
    rows = [row for row in _rows(model) if row.pk not in others]
    if rows:
        query = InsertQuery(model)
        query.insert_values(model._meta.concrete_fields, rows)
        for sql, parameters in query.get_compiler(DEFAULT_DB_ALIAS).as_sql():
            yield sql, list(parameters)
