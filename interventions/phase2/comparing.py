"""Is a Phase 2 source what the organization holds, request by request? By the rule of mirrored stores."""

from collections.abc import Iterator
from datetime import datetime
from itertools import batched

from interventions import actions
from interventions.phase2.reading import arrival_of
from interventions.phase2.sources import BATCH, Raw, Source
from interventions.phase2.tables import HISTORY, REQUESTS
from interventions.store import Difference, InterventionRequest
from interventions.store.database import DatabaseStore
from interventions.store.mirrored import problem_of
from interventions.store.requests import request_of
from pilots import database
from pilots.errors import DomainError
from pilots.models import Organization


def compare(source: Source, organization: Organization) -> Iterator[Difference]:
    """What is not the same in both, the source being the primary; nothing, where all is well. Reads each once, a batch
    at a time: while others write, what they are just writing can show as a difference.
    """
    store = DatabaseStore(organization)
    for raw, reason in source.faults():
        yield Difference(raw.request_id or f"{raw.table} {raw.key}", f"cannot be read in the source: {reason}")
    for raws in source.batches(REQUESTS):
        yield from _compare_batch(source, store, raws)
    for batch in batched((request.request_id for request in store.each_request()), BATCH, strict=False):
        names = list(batch)
        known = source.find(REQUESTS, names).keys() | source.find(HISTORY, names).keys()
        yield from (Difference(name, "is in the secondary only") for name in names if name not in known)


def _compare_batch(source: Source, store: DatabaseStore, raws: list[Raw]) -> Iterator[Difference]:
    now = database.now()
    read = [(raw, _request(store.organization, raw, now)) for raw in raws]
    requests = {request.request_id for _, request in read if not isinstance(request, str)}
    others, rows = store.find_requests(list(requests)), source.find(REQUESTS, list(requests))
    for raw, request in read:
        if isinstance(request, str):
            yield Difference(raw.request_id or f"{raw.table} {raw.key}", f"cannot be taken: {request}")
        elif (first := rows.get(request.request_id, [raw])[0]).key != raw.key:
            yield Difference(request.request_id, f"row {raw.key} repeats row {first.key}")
        elif problem := problem_of(request, others.get(request.request_id)):
            yield Difference(request.request_id, problem)


def _request(organization: Organization, raw: Raw, now: datetime) -> InterventionRequest | str:
    """The request as it would be given out here, or why there can be none."""
    try:
        return request_of(actions.row_of(organization, arrival_of(raw, now)))
    except DomainError as error:
        return error.detail
