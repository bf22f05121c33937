"""How does PostgreSQL go about each statement? Explained as it is asked, in the transaction that asks it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

# What grows with an installation's age.
GROWING = {f"interventions_{name}" for name in ("intervention", "event", "approval", "notice", "searchentry")}
# More rows than any page, batch, look, count or list of the index needs: most for the events of a day, which are found
# by ranges of 128 pages and so with up to 16,000 of the days beside it.
MOST_ROWS = 30_000
MOST_SORTED = 12_000
_READS, _WRITES = re.compile(r"\s*(SELECT|WITH)\b", re.I), re.compile(r"\s*(INSERT|UPDATE|DELETE)\b", re.I)


@dataclass
class Plans:
    """What is wrong with the statements that were asked, in words."""

    wrong: list[str] = field(default_factory=list)
    seen: int = 0

    def __call__(self, execute: Any, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if not many and isinstance(sql, str):
            self._explain(sql, params)
        return execute(sql, params, many, context)

    def _explain(self, sql: str, params: Any) -> None:
        for statement, values in _statements(sql, list(params or ())):
            if statement.startswith("SET LOCAL"):
                # Whose rows are meant: what comes is looked at as that organization's.
                connection.connection.execute(statement, values)
            # What is only read may be done twice, and then says how many rows it really touched.
            locks = "FOR UPDATE" in statement or "FOR NO KEY" in statement or "advisory" in statement
            if _READS.match(statement) and not locks:
                self._look("ANALYZE, TIMING OFF, ", statement, values)
            elif _READS.match(statement) or _WRITES.match(statement):
                self._look("", statement, values)

    def _look(self, how: str, statement: str, values: list[Any]) -> None:
        self.seen += 1
        with connection.connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN ({how}FORMAT JSON) {statement}", values)
            plan = cursor.fetchone()[0][0]["Plan"]
        for node in _nodes(plan):
            if found := _wrong(node):
                self.wrong.append(f"{found}: {statement[:600]}")


def _statements(sql: str, values: list[Any]) -> Iterator[tuple[str, list[Any]]]:
    """One message may hold several."""
    for part in sql.split("; "):
        count = len(re.findall(r"(?<!%)%s", part))
        mine, values = values[:count], values[count:]
        yield part, mine


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)


def _wrong(node: dict[str, Any]) -> str:
    kind, table = node["Node Type"], node.get("Relation Name")
    rows, loops = node.get("Actual Rows", node["Plan Rows"]), node.get("Actual Loops", 1)
    if "Sort" in kind and rows > MOST_SORTED:
        return f"{rows} rows are sorted"
    if table not in GROWING:
        return ""
    if kind == "Seq Scan" and "Actual Rows" not in node:
        return f"all of {table} is read"
    touched = loops * (rows + sum(node.get(f"Rows Removed by {step}", 0) for step in ("Filter", "Index Recheck")))
    return f"{touched} rows of {table} are touched by {kind}" if touched > MOST_ROWS else ""


@contextmanager
def explained() -> Iterator[Plans]:
    """What is asked inside; `wrong` is whole once it is left. What a function asks, or a foreign key, the
    transaction's own counts tell."""
    plans, before = Plans(), _read_without_index()
    with connection.execute_wrapper(plans):
        yield plans
    for table, count in _read_without_index().items():
        if count - before[table] > 2 * MOST_ROWS:
            plans.wrong.append(f"{count - before[table]} rows of {table} are read without an index")


def _read_without_index() -> dict[str, int]:
    """How many rows of each growing table this transaction has read without an index."""
    with connection.connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = ANY (%s)", [list(GROWING)]
        )
        return dict(cursor.fetchall())
