"""Which requests hold the words that are looked for? The one place that asks the index of words.

On PostgreSQL that is a GIN index over `SearchEntry.words`, on SQLite a table of FTS5 that follows it. Neither reads in
the order of a list. So what is found seldom is found by the index, all of it, and what stands in many requests is
looked for in each row as a list comes to it: there the page is soon full.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, models

from interventions import search
from interventions.fields import Compiled
from pilots import database
from pilots.tenancy import speaking_for

# What is found oftener is no longer listed. Of ten million requests a page of fifty is then full after as many.
MOST_LISTED = 10_000
# Which words are common, so many of the latest requests tell, and some from moments spread over all the time before:
# people change their words. And of how many one may hold them for the index to be asked: reading ten million places of
# a word takes a second.
SAMPLE = 500
EARLIER, AT_EACH = 5, 100
SELDOM, UNCOMMON = 0.01, 0.05
_TABLE, _FTS, _REQUESTS = "interventions_searchentry", "interventions_searchwords", "interventions_intervention"


@dataclass(frozen=True, slots=True)
class Sought:
    """Words of one organization, or marks, that a request has to hold, each."""

    organization_id: int
    words: tuple[str, ...]

    @property
    def for_postgresql(self) -> str:
        return " & ".join(f"'{written}'{':*' if is_beginning else ''}" for written, is_beginning in self._written)

    @property
    def for_sqlite(self) -> str:
        return " AND ".join(f'"{written}"{"*" if is_beginning else ""}' for written, is_beginning in self._written)

    @property
    def in_a_text(self) -> list[str]:
        """What stands in the words of such a request, with a space before, between and after them."""
        return [f" {written}" if is_beginning else f" {written} " for written, is_beginning in self._written]

    @property
    def _written(self) -> list[tuple[str, bool]]:
        # Only letters, digits and symbols: nothing in them could end the quotes.
        written = search.of_organization(self.organization_id, self.words)
        return list(zip(written, map(search.is_beginning, self.words), strict=True))


@dataclass(frozen=True, slots=True)
class Found:
    """What came of looking: the rows of all requests that hold the words, where they could be listed; else the words,
    for each row to be looked at; neither where nothing was looked for."""

    rows: list[int] | None = None
    sought: Sought | None = None


def find(organization_id: int, text: str, marks: Sequence[str] = ()) -> Found:
    """Asks the index. A blank text looks for nothing; one without a word, as `%`, finds nothing.

    `marks` are those of columns to which the rows are narrowed anyhow: they make it quicker.
    """
    is_text, words = bool(text.strip()), search.sought(text)
    if is_text and not words:
        return Found(rows=[])
    if not is_text and not marks:
        return Found()
    sought = Sought(organization_id, (*words, *marks))
    rows = _listed_on_sqlite(sought) if connection.vendor == "sqlite" else _listed_on_postgresql(sought)
    if rows is not None and len(rows) <= MOST_LISTED:
        return Found(rows=rows)
    # Row by row the columns are asked, which are nearer than marks.
    return Found(sought=Sought(organization_id, tuple(words)) if words else None)


def _listed_on_sqlite(sought: Sought) -> list[int]:
    # Gives what it finds as it finds it, so the limit bounds its work. Names of tables are our own.
    sql = f"SELECT rowid FROM {_FTS} WHERE {_FTS} MATCH %s LIMIT %s"  # noqa: S608
    return [pk for (pk,) in database.fetch((sql, [sought.for_sqlite, MOST_LISTED + 1]))]


def _listed_on_postgresql(sought: Sought) -> list[int] | None:
    # Collects all places of each word first, so what is common is not looked up but checked in what the others gave.
    size, together, shares = _sampled(sought)
    if size >= SAMPLE and together >= SELDOM:
        return None
    uncommon = tuple(word for word, share in zip(sought.words, shares, strict=True) if share < UNCOMMON)
    looked_up = Sought(sought.organization_id, uncommon or sought.words)
    sql = "SELECT * FROM interventions_found(%s::tsquery, %s::tsquery, %s)"
    with speaking_for(sought.organization_id):
        found = database.fetch((sql, [looked_up.for_postgresql, sought.for_postgresql, MOST_LISTED + 1]))
    return [pk for (pk,) in found]


def _sampled(sought: Sought) -> tuple[int, float, list[float]]:
    """How many requests were looked at; the share of them that holds all words, and that of each."""
    each = [Sought(sought.organization_id, (word,)).for_postgresql for word in sought.words]
    counts = ", ".join("count(*) FILTER (WHERE words @@ %s::tsquery)" for _ in (sought, *each))
    # A subquery for each row, which is never made a join: a join could read the whole table.
    words = f"(SELECT words FROM {_TABLE} WHERE intervention_id = there.id)"  # noqa: S608
    latest = f"SELECT id FROM {_REQUESTS} WHERE organization_id = %s"  # noqa: S608
    in_order = "ORDER BY created_at DESC, id DESC LIMIT %s"
    sql = f"""
    WITH its AS (
        SELECT min(created_at) AS first, max(created_at) AS last FROM {_REQUESTS} WHERE organization_id = %s
    )
    SELECT count(*), {counts} FROM (
        SELECT {words} AS words FROM (
            ({latest} {in_order}) UNION ALL (
                SELECT id FROM its, generate_series(1, %s) place, LATERAL (
                    {latest} AND created_at <= last - (last - first) * place / (%s + 1) {in_order}
                ) earlier
            )
        ) there
    ) sample"""  # noqa: S608
    its = sought.organization_id
    values = [its, sought.for_postgresql, *each, its, SAMPLE, EARLIER, its, EARLIER, AT_EACH]
    with speaking_for(its):
        ((size, together, *alone),) = database.fetch((sql, values))
    return size, together / max(size, 1), [count / max(size, 1) for count in alone]


@models.BigAutoField.register_lookup
class Holds(models.Lookup):
    """`pk__holds=Sought(…)`: looked for in this row alone, however many others hold the words."""

    lookup_name = "holds"
    prepare_rhs = False
    rhs: Sought

    def as_postgresql(self, compiler: Any, connection: Any) -> Compiled:
        left, left_params = self.process_lhs(compiler, connection)
        # A value and not EXISTS, which PostgreSQL might turn round and begin with all that hold the words.
        sql = f"(SELECT words @@ %s::tsquery FROM {_TABLE} WHERE intervention_id = {left})"  # noqa: S608
        return sql, [self.rhs.for_postgresql, *left_params]

    def as_sqlite(self, compiler: Any, connection: Any) -> Compiled:
        left, left_params = self.process_lhs(compiler, connection)
        # FTS5 would collect all that hold a beginning anew for each row.
        held = " AND ".join("instr(' ' || words || ' ', %s)" for _ in self.rhs.words)
        sql = f"EXISTS (SELECT 1 FROM {_TABLE} WHERE intervention_id = {left} AND {held})"  # noqa: S608
        return sql, [*left_params, *self.rhs.in_a_text]


@models.BigAutoField.register_lookup
class OneOf(models.Lookup):
    """`pk__one_of=[…]`: as `in`, of thousands in one parameter."""

    lookup_name = "one_of"
    prepare_rhs = False
    rhs: list[int]

    def as_postgresql(self, compiler: Any, connection: Any) -> Compiled:
        left, left_params = self.process_lhs(compiler, connection)
        return f"{left} = ANY (%s::bigint[])", [*left_params, self.rhs]

    def as_sqlite(self, compiler: Any, connection: Any) -> Compiled:
        left, left_params = self.process_lhs(compiler, connection)
        return f"{left} IN (SELECT value FROM json_each(%s))", [*left_params, str(self.rhs)]  # noqa: S608
