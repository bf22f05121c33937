"""The history as a file, CSV for spreadsheets or JSON for programs: step by step, however much there is of it.

No snapshot is held: it would keep a connection for as long as the reader takes. What is decided stays so, and steps go
from the latest decision back, so none is told twice and what is decided meanwhile is simply not in it.
"""

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import asdict
from itertools import batched
from typing import Any

from interventions import policy, wire
from interventions.history import all_decided, times_of
from interventions.history_filters import HistoryFilters
from interventions.lifecycle import Priority
from interventions.models import Intervention
from interventions.queries import InterventionQuerySet
from pilots import access_log, database
from pilots.access_log import Party
from pilots.caller import Caller

KINDS = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
# Rows held in memory at a time.
STEP = 200
# With it spreadsheets know that the text is UTF-8.
MARK = "\ufeff"
COLUMNS = (
    "action_timestamp",
    "request_id",
    "uow_id",
    "intervention_type",
    "priority",
    "title",
    "status",
    "decided_by",
    "action_reason",
    "response",
    "approved_by",
    "created_at",
    "claimed_at",
    "seconds_to_claim",
    "seconds_to_decide",
    "delivered_at",
    "required_role",
    "tags",
    "description",
)
# Large, and in no cell.
_IN_NO_CELL = ("context", "response_schema", "outcome")
# A spreadsheet takes a cell that begins so for a formula, in some languages also in full width.
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")

type JSON = dict[str, Any]
type Chunks = Iterator[bytes]
type Rows = InterventionQuerySet


def export(caller: Caller, filters: HistoryFilters, form: str) -> Chunks:
    """The parts of the file, each read when it is asked for; a key of KINDS is its form.

    That it was asked for is on record at once: with it a whole history leaves the house.
    """
    policy.require(caller, "read")
    access_log.record("history_exported", Party.of(caller), organization=caller.organization, data={"form": form})
    return _as_csv(caller, filters) if form == "csv" else _as_json(caller, filters)


def cell(value: object) -> object:
    """A value for a spreadsheet: a text that would be run as a formula has an apostrophe before it."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _as_csv(caller: Caller, filters: HistoryFilters) -> Chunks:
    """One line for each decision below the names of the columns."""
    yield (MARK + _csv([COLUMNS])).encode()
    for some in _in_steps(caller, filters, lambda rows: rows.defer(*_IN_NO_CELL)):
        yield _csv([[cell(line[name]) for name in COLUMNS] for line in map(_line, some)]).encode()


def _as_json(caller: Caller, filters: HistoryFilters) -> Chunks:
    """One object; each decision is as the API has it, with its times, on a line of its own; `count` comes last."""
    heading = {
        "organization": caller.organization.slug,
        "at": wire.moment(database.now()),
        "narrowed_to": {name: value for name, value in asdict(filters).items() if value},
    }
    yield wire.dumps(heading)[:-1] + b',"results":['
    count = 0
    for some in _in_steps(caller, filters):
        lines = b",\n".join(wire.dumps(_told(row)) for row in some)
        yield (b",\n" if count else b"\n") + lines if some else b""
        count += len(some)
    yield b'\n],"count":%d}\n' % count


def _in_steps(
    caller: Caller, filters: HistoryFilters, choose: Callable[[Rows], Rows] = InterventionQuerySet.all
) -> Iterator[tuple[Intervention, ...]]:
    for rows in all_decided(caller, filters):
        found = 0
        for some in batched(database.in_steps(choose(rows), "-action_timestamp", "-id", step=STEP), STEP, strict=False):
            found += len(some)
            yield some
        if not found:
            # Of a search that finds hardly anything, too, each look is a step: between two of them the reader is asked.
            yield ()


def _told(row: Intervention) -> JSON:
    return wire.intervention(row) | times_of(row)


def _line(row: Intervention) -> JSON:
    """What stands in each of COLUMNS; lists and objects as JSON, moments and texts as they are."""
    return {
        "action_timestamp": wire.moment(row.action_timestamp),
        "request_id": row.request_id,
        "uow_id": row.uow_id,
        "intervention_type": row.intervention_type,
        "priority": Priority(row.priority).word,
        "title": row.title,
        "status": row.status,
        "decided_by": row.decided_by,
        "action_reason": row.action_reason,
        "response": None if row.response is None else wire.dumps(row.response).decode(),
        "approved_by": ", ".join(approval.pilot_id for approval in row.given_approvals()),
        "created_at": wire.moment(row.created_at),
        "delivered_at": wire.moment(row.delivered_at),
        "required_role": row.required_role,
        "tags": wire.dumps(row.tags).decode(),
        "description": row.description,
    } | times_of(row)


def _csv(rows: Any) -> str:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue()
