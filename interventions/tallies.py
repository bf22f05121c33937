"""Running counts, so that metrics cost the same over ten rows and ten million."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from django.db.models import Sum

from interventions.lifecycle import Status
from interventions.models import PilotTally, Tally
from pilots.database import Statement

# The row that counts all of time, not a day.
ALL_TIME = date(1, 1, 1)
# What a pilot has said yes or no to.
_JUDGED = frozenset({Status.APPROVED, Status.REJECTED, Status.COMPLETED})


@dataclass(frozen=True, slots=True)
class Move:
    """An intervention came into `after`, from `before` (None: it is new); `seconds` from creation to decision.

    `pilot_id` is whom it counts for from now on, `not_for` whom it counted for until now; None where that is as it was.
    """

    intervention_type: str
    priority: int
    before: str | None
    after: str
    at: datetime
    seconds: float = 0.0
    pilot_id: str | None = None
    not_for: str | None = None


@dataclass(slots=True)
class Sums:
    """What moves add up to; the keys of counts and seconds are day, type, priority and status."""

    counts: Counter[tuple[date, str, int, str]] = field(default_factory=Counter)
    seconds: defaultdict[tuple[date, str, int, str], float] = field(default_factory=lambda: defaultdict(float))
    pilots: Counter[str] = field(default_factory=Counter)

    def add(self, move: Move) -> None:
        kind = (move.intervention_type, move.priority)
        for day in (ALL_TIME, move.at.date()):
            self.counts[(day, *kind, move.after)] += 1
            self.seconds[(day, *kind, move.after)] += move.seconds
        if move.before is not None:
            self.counts[(ALL_TIME, *kind, move.before)] -= 1
        if move.before == Status.APPROVED:
            # Completion keeps the time it took to decide.
            self.seconds[(ALL_TIME, *kind, move.before)] -= move.seconds
        if move.pilot_id:
            self.pilots[move.pilot_id] += 1
        if move.not_for:
            self.pilots[move.not_for] -= 1


class Counted(Protocol):
    """What is counted: a row, or what stands for one in memory."""

    @property
    def intervention_type(self) -> str: ...
    @property
    def priority(self) -> int: ...
    @property
    def status(self) -> str: ...
    @property
    def created_at(self) -> datetime: ...
    @property
    def action_timestamp(self) -> datetime | None: ...
    @property
    def assigned_to(self) -> str | None: ...
    @property
    def decided_by(self) -> str | None: ...


def counted_for(row: Counted) -> str | None:
    """The pilot whose decisions this one is among."""
    return (row.assigned_to or row.decided_by) if row.status in _JUDGED else None


def move_of(row: Counted, before: str | None, at: datetime, counted_before: str | None = None) -> Move:
    """What the tallies learn from `row` having come into its status; before that it counted for `counted_before`."""
    timed = row.action_timestamp if row.status in _JUDGED else None
    seconds = (timed - row.created_at).total_seconds() if timed else 0.0
    pilot_id = counted_for(row)
    changed = (pilot_id, counted_before) if pilot_id != counted_before else (None, None)
    return Move(row.intervention_type, row.priority, before, row.status, at, seconds, *changed)


def count(organization_id: int, status: Status) -> int:
    """How many have this status, as it is stored."""
    rows = Tally.objects.for_organization(organization_id).filter(day=ALL_TIME, status=status)
    return int(rows.aggregate(sum=Sum("count"))["sum"] or 0)


def adding(organization_id: int, moves: Iterable[Move]) -> Iterator[Statement]:
    """The statements that add the moves up, each counter once. To be run under the organization's stream lock."""
    sums = Sums()
    for move in moves:
        sums.add(move)
    counted = [(organization_id, *key, count, sums.seconds[key]) for key, count in sorted(sums.counts.items())]
    yield from _upsert(Tally, ["day", "intervention_type", "priority", "status"], ["count", "seconds"], counted)
    named = [(organization_id, name, count) for name, count in sorted(sums.pilots.items())]
    yield from _upsert(PilotTally, ["pilot_id"], ["count"], named)


def _upsert(
    model: type[Tally] | type[PilotTally], keys: list[str], sums: list[str], rows: list[tuple[Any, ...]]
) -> Iterator[Statement]:
    """One statement for all rows; the ORM's `bulk_create` cannot add to what is there."""
    if not rows:
        return
    table = model._meta.db_table
    columns = ["organization_id", *keys, *sums]
    values = ", ".join(["(" + ", ".join(["%s"] * len(columns)) + ")"] * len(rows))
    summing = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in sums)
    conflict = ", ".join(["organization_id", *keys])
    # Table and column names are this module's own; every value is a parameter.
    insert = f"INSERT INTO {table} ({', '.join(columns)}) VALUES {values}"  # noqa: S608
    yield f"{insert} ON CONFLICT ({conflict}) DO UPDATE SET {summing}", [value for row in rows for value in row]
