"""How do requests come into the index of words, so that a search finds them?"""

from collections.abc import Sequence
from itertools import batched

from interventions import search
from interventions.inserting import inserting
from interventions.models import Intervention, SearchEntry
from pilots import database
from pilots.database import Statement

BATCH = 1000
_COLUMNS = ("organization_id", "request_id", "uow_id", "intervention_type", "title", "description", "tags")


def entering(rows: Sequence[Intervention]) -> Statement:
    """The statement that enters rows which have just been stored."""
    entries = [
        SearchEntry(intervention_id=row.pk, organization_id=row.organization_id, words=search.entry(row))
        for row in rows
    ]
    return inserting(SearchEntry, entries)


def enter_all() -> None:
    """Enters every request of every organization into an empty index. Inside `across()`."""
    rows = Intervention._base_manager.only(*_COLUMNS)
    for batch in batched(database.in_steps(rows, "id"), BATCH, strict=False):
        database.run([entering(batch)])
