"""What is stored, as one number for each table: a refused request leaves all of them as they were."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import connection

# Sessions note the organization that was last used and when they were seen, whatever was asked.
ASIDE = {"django_session", "usersessions_usersession"}
_WRITES = ("INSERT", "UPDATE", "DELETE")


def fingerprint(but: frozenset[str] = frozenset()) -> dict[str, str]:
    """Table by table its number of rows and a hash over all of them."""
    tables = {model._meta.db_table for model in apps.get_models(include_auto_created=True)} - ASIDE - but
    with connection.cursor() as cursor:
        return {table: _fingerprint(cursor, table) for table in sorted(tables)}


def _fingerprint(cursor: Any, table: str) -> str:
    cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
    rows = sorted(repr(row) for row in cursor.fetchall())
    return f"{len(rows)} rows, {hashlib.sha256('\n'.join(rows).encode()).hexdigest()[:12]}"


@dataclass
class Writes:
    """Whether anything was written at all: what was not need not be looked at table by table."""

    seen: bool = False

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.seen = self.seen or sql.lstrip().upper().startswith(_WRITES)
        return execute(sql, params, many, context)


@contextmanager
def watched() -> Iterator[Writes]:
    writes = Writes()
    with connection.execute_wrapper(writes):
        yield writes
