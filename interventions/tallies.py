"""Running counts, so that metrics cost the same over ten rows and ten million."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from interventions.lifecycle import Status
from interventions.models import PilotTally, Tally

# The row that counts all of time, not a day.
ALL_TIME = date(1, 1, 1)


@dataclass(frozen=True, slots=True)
class Move:
    """An intervention came into `after`, from `before` (None: it is new); `seconds` from creation to decision."""

    intervention_type: str
    priority: int
    before: str | None
    after: str
    at: datetime
    seconds: float = 0.0
    pilot_id: str | None = None


def apply(organization_id: int, moves: Iterable[Move]) -> None:
    """Adds the moves up and writes each counter once. The caller holds the organization's stream lock."""
    counts: Counter[tuple[date, str, int, str]] = Counter()
    seconds: defaultdict[tuple[date, str, int, str], float] = defaultdict(float)
    pilots: Counter[str] = Counter()
    for move in moves:
        kind = (move.intervention_type, move.priority)
        for day in (ALL_TIME, move.at.date()):
            counts[(day, *kind, move.after)] += 1
            seconds[(day, *kind, move.after)] += move.seconds
        if move.before is not None:
            counts[(ALL_TIME, *kind, move.before)] -= 1
        if move.before == Status.APPROVED:
            # Completion keeps the time it took to decide.
            seconds[(ALL_TIME, *kind, move.before)] -= move.seconds
        if move.pilot_id:
            pilots[move.pilot_id] += 1
    _add(
        Tally,
        ["day", "intervention_type", "priority", "status"],
        ["count", "seconds"],
        [(organization_id, *key, count, seconds[key]) for key, count in sorted(counts.items())],
    )
    _add(
        PilotTally, ["pilot_id"], ["count"], [(organization_id, name, count) for name, count in sorted(pilots.items())]
    )


def _add(model: type[Tally] | type[PilotTally], keys: list[str], sums: list[str], rows: list[tuple[Any, ...]]) -> None:
    """One upsert for all rows; the ORM's `bulk_create` cannot add to what is there."""
    if not rows:
        return
    table = model._meta.db_table
    columns = ["organization_id", *keys, *sums]
    values = ", ".join(["(" + ", ".join(["%s"] * len(columns)) + ")"] * len(rows))
    adding = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in sums)
    conflict = ", ".join(["organization_id", *keys])
    # Table and column names are this module's own; every value is a parameter.
    insert = f"INSERT INTO {table} ({', '.join(columns)}) VALUES {values}"  # noqa: S608
    sql = f"{insert} ON CONFLICT ({conflict}) DO UPDATE SET {adding}"
    with connection.cursor() as cursor:
        cursor.execute(sql, [value for row in rows for value in row])
