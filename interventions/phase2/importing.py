"""Takes over what a Phase 2 source holds, batch by batch. Interrupted and begun anew it leads to the same; run again it
takes what is new, and follows what has moved on."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial

from django.db import DataError, IntegrityError

from interventions import actions
from interventions.actions import Arrival, Fate, Settled
from interventions.lifecycle import Status, Type
from interventions.phase2.reading import arrival_of, outcome_of
from interventions.phase2.reporting import Report
from interventions.phase2.sources import Raw, Source
from interventions.phase2.tables import HISTORY, REQUESTS
from pilots import database
from pilots.errors import DomainError, InvalidInput
from pilots.models import Organization

type Read = tuple[Raw, Arrival]


def import_all(
    source: Source, organization: Organization, report: Report, *, history_type: Type | None, dry_run: bool
) -> None:
    """Every row is taken, or the report says why not."""
    for raw, reason in source.faults():
        report.refuse(raw, reason)
    for raws in source.batches(REQUESTS):
        read = _read(raws, report, arrival_of)
        _take(organization, _firsts(source, read, report), report, dry_run=dry_run)
        report.advance(len(raws))
    for raws in source.batches(HISTORY):
        read = _read(raws, report, partial(outcome_of, kind=history_type))
        _take(organization, _outcomes_alone(source, read, report), report, dry_run=dry_run)
        report.advance(len(raws))


def _read(raws: list[Raw], report: Report, arrive: Callable[[Raw, datetime], Arrival]) -> list[Read]:
    read, now = [], database.now()
    for raw in raws:
        try:
            read.append((raw, arrive(raw, now)))
        except InvalidInput as error:
            report.refuse(raw, error.detail)
    return read


def _firsts(source: Source, read: list[Read], report: Report) -> list[Read]:
    """Those whose row is the first of its request; the others are refused, in every run alike."""
    rows = source.find(REQUESTS, [arrival.draft.request_id for _, arrival in read])
    firsts, seen = [], set()
    for raw, arrival in read:
        request_id = arrival.draft.request_id
        first = rows[request_id][0] if request_id in rows else raw
        if raw.key == first.key and request_id not in seen:
            firsts.append((raw, arrival))
        else:
            report.refuse(raw, f"its request_id stands in row {first.key} already")
        seen.add(request_id)
    return firsts


def _outcomes_alone(source: Source, read: list[Read], report: Report) -> list[Read]:
    """Those whose request stands in the history only, one of each; the others are held against its row, and settled."""
    request_ids = [outcome.draft.request_id for _, outcome in read]
    rows, told = source.find(REQUESTS, request_ids), source.find(HISTORY, request_ids)
    alone: dict[str, Read] = {}
    now = database.now()
    for raw, outcome in read:
        request_id = outcome.draft.request_id
        has_row = request_id in rows
        problem = _against_row(outcome, rows[request_id][0], now) if has_row else _among_themselves(told[request_id])
        if problem:
            report.refuse(raw, problem)
        elif has_row or request_id in alone:
            report.settle(raw, outcome, Settled(Fate.THERE))
        else:
            alone[request_id] = raw, outcome
    return list(alone.values())


def _against_row(outcome: Arrival, raw: Raw, now: datetime) -> str:
    """What is wrong with an outcome whose request has a row of its own; nothing, where that says the same."""
    try:
        word = arrival_of(raw, now).word
    except InvalidInput as error:
        return f"row {raw.key} of {REQUESTS}, which it is about, was refused: {error.detail}"
    said = outcome.word
    # What was approved may have been completed since.
    status = Status.APPROVED if (said.status, word.status) == (Status.APPROVED, Status.COMPLETED) else word.status
    pairs = {
        "status": (said.status, status),
        "assigned_to": (said.assigned_to, word.assigned_to),
        "action_reason": (said.reason, word.reason),
    }
    return _differing(pairs, f"row {raw.key} of {REQUESTS}")


def _among_themselves(told: list[Raw]) -> str:
    """What is wrong with the rows that the history alone has of a request."""
    outcomes = {f"{raw.key}": (raw.values["status"] or "").rpartition(".")[2].upper() for raw in told}
    if len(set(outcomes.values())) > 1:
        rows = ", ".join(f"{key} {status}" for key, status in outcomes.items())
        return f"it stands in the history only, with different outcomes: {rows}"
    return ""


def _differing(pairs: dict[str, tuple[str | None, str | None]], other: str) -> str:
    """What is not said says nothing."""
    wrong = [f"{name} is {one}, in {other} {two}" for name, (one, two) in pairs.items() if one not in (None, two)]
    return "; ".join(wrong)


def _take(organization: Organization, read: list[Read], report: Report, *, dry_run: bool) -> None:
    for (raw, arrival), settled in zip(read, _settled(organization, read, dry_run=dry_run), strict=True):
        report.settle(raw, arrival, settled)


def _settled(organization: Organization, read: list[Read], *, dry_run: bool) -> Iterable[Settled]:
    """What becomes of each. Where the database refuses them together, each is tried by itself."""
    if not read:
        return []
    try:
        return actions.take_over(organization, [arrival for _, arrival in read], dry_run=dry_run)
    except (DomainError, DataError, IntegrityError) as error:
        if len(read) == 1:
            return [Settled(Fate.REFUSED, " ".join(str(error).split()))]
        return [settled for one in read for settled in _settled(organization, [one], dry_run=dry_run)]
