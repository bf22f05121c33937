"""The agent asks: one request or many, and the same again."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from interventions import content, events, limits, policy, tallies, wire
from interventions.content import Draft
from interventions.entering import entering
from interventions.errors import Conflict
from interventions.inserting import inserting
from interventions.lifecycle import EventType, Priority, Status
from interventions.models import IdempotencyRecord, Intervention
from pilots import database
from pilots.caller import Caller
from pilots.database import writing
from pilots.tenancy import speaking_for

IDEMPOTENCY_HOURS = 24

# By request_id.
type Rows = dict[str, Intervention]

_IF_FREE = "ON CONFLICT (organization_id, request_id) DO NOTHING RETURNING request_id, id"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a create led to; `created` is False where the same request was there already."""

    row: Intervention
    created: bool


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A client's promise that two bodies are one attempt; `digest` tells bodies apart."""

    key: str
    digest: str


def create(caller: Caller, draft: Draft, once: IdempotencyKey | None = None) -> Asked:
    """Stores one request. The same request_id with the same content gives the first one, whatever its state."""
    return create_many(caller, [draft], once)[0]


def create_many(caller: Caller, drafts: list[Draft], once: IdempotencyKey | None = None) -> list[Asked]:
    """All or nothing. Raises Conflict `request_id_reused` or `idempotency_key_reused`, and NotAllowed beyond limits."""
    policy.require(caller, "create")
    limits.require_inside(caller, drafts)
    with writing():
        if once is not None:
            replayed = _replay(caller, once)
            if replayed is not None:
                return replayed
        asked = _store(caller, drafts)
        if once is not None:
            _remember(caller, once, asked)
        return asked


def new_row(caller: Caller, draft: Draft, now: datetime) -> Intervention:
    """The row a draft becomes, not yet stored."""
    lifetime = draft.expires_in_seconds
    seen = {name: getattr(draft, name) for name in ("uow_id", "intervention_type", "title", "description", "context")}
    row = Intervention(
        **seen,
        organization=caller.organization,
        request_id=draft.request_id,
        status=Status.PENDING.value,
        priority=Priority.of(draft.priority).value,
        tags=draft.tags,
        response_schema=draft.response_schema,
        required_role=draft.required_role,
        approvals_required=draft.approvals_required,
        created_at=now,
        updated_at=now,
        expires_at=None if lifetime is None else now + timedelta(seconds=lifetime),
        content_hash=content.content_hash(request_id=draft.request_id, response_schema=draft.response_schema, **seen),
        draft_digest=draft.digest,
    )
    row.keep_approvals([])
    return row


def created_entry(caller: Caller, row: Intervention) -> events.Entry:
    """The event of a new row: its small fields and the hash of the large ones, which never change."""
    data = {
        "status": row.status,
        "version": row.version,
        "uow_id": row.uow_id,
        "intervention_type": row.intervention_type,
        "priority": Priority(row.priority).word,
        "title": row.title,
        "required_role": row.required_role,
        "approvals_required": row.approvals_required,
        "expires_at": wire.moment(row.expires_at),
        "content_hash": row.content_hash,
    }
    return events.Entry(EventType.CREATED, row, caller, row.created_at, data)


def announce(caller: Caller, rows: list[Intervention]) -> None:
    """Tells the log of rows that were just stored, counts them, and has them found by their words."""
    entries = [created_entry(caller, row) for row in rows]
    moves = [tallies.move_of(row, None, row.created_at) for row in rows]
    events.append(caller.organization.pk, entries, moves, besides=[entering(rows)])


def _store(caller: Caller, drafts: list[Draft]) -> list[Asked]:
    now = database.now()
    # A microsecond apart, so that their order by age is the one they were sent in.
    rows = [new_row(caller, draft, now + timedelta(microseconds=place)) for place, draft in enumerate(drafts)]
    stored = _insert(caller, rows)
    asked = [Asked(stored[row.request_id], created=stored[row.request_id] is row) for row in rows]
    announce(caller, [item.row for item in asked if item.created])
    return asked


def _insert(caller: Caller, rows: list[Intervention]) -> Rows:
    """What stands afterwards for each request_id: the first row that was ever stored for it."""
    firsts = {row.request_id: row for row in reversed(rows)}
    new = insert_new(caller, firsts)
    taken = firsts.keys() - new.keys()
    stored = new | _those_there(caller, list(taken)) if taken else new
    for row in rows:
        first = stored[row.request_id]
        if first.draft_digest != row.draft_digest:
            # Where the batch contradicts itself, what it would have stored first does not stand.
            stands = first is not firsts[row.request_id] and limits.covers(caller, first)
            raise Conflict.reused(row.request_id, first if stands else None)
    return stored


def insert_new(caller: Caller, rows: Rows) -> Rows:
    """Inserts those whose request_id is free, and waits for whoever is just taking it."""
    # Always in the same order: two batches that name the same ids wait for each other instead of in a circle.
    in_order = [rows[request_id] for request_id in sorted(rows)]
    with speaking_for(caller.organization.pk):
        inserted = database.fetch(inserting(Intervention, in_order, _IF_FREE))
    for request_id, pk in inserted:
        rows[request_id].pk = pk
        rows[request_id]._state.adding = False
    return {request_id: rows[request_id] for request_id, _ in inserted}


def _those_there(caller: Caller, request_ids: list[str]) -> Rows:
    # Of the whole organization: an id may be taken by what lies outside the caller's limits.
    rows = Intervention.objects.for_organization(caller.organization.pk).with_approvals()
    rows = rows.filter(request_id__in=request_ids)
    return {row.request_id: row for row in rows}


def _replay(caller: Caller, once: IdempotencyKey) -> list[Asked] | None:
    """What the key led to before; None where it is new."""
    _refuse_in_flight(caller, once)
    records = IdempotencyRecord.objects.for_caller(caller).filter(credential=caller.credential, key=once.key)
    record = records.first()
    if record is None:
        return None
    if record.created_at < database.now() - timedelta(hours=IDEMPOTENCY_HOURS):
        records.delete()
        return None
    if record.digest != once.digest:
        raise Conflict("This Idempotency-Key was used with another body.", code="idempotency_key_reused")
    by_id = _those_there(caller, record.request_ids)
    if by_id.keys() != set(record.request_ids):
        records.delete()  # archived since: there is nothing left to answer with
        return None
    return [Asked(by_id[request_id], created=True) for request_id in record.request_ids]


def _refuse_in_flight(caller: Caller, once: IdempotencyKey) -> None:
    if connection.vendor != "postgresql":
        return  # one writer at a time: there is no other in flight
    with connection.cursor() as cursor:
        name = f"{caller.organization.pk}:{caller.credential}:{once.key}"
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        if not cursor.fetchone()[0]:
            raise Conflict(
                "A request with this Idempotency-Key is still in flight; repeat it in a moment.",
                code="idempotency_key_reused",
            )


def _remember(caller: Caller, once: IdempotencyKey, asked: list[Asked]) -> None:
    IdempotencyRecord.objects.create(
        organization=caller.organization,
        credential=caller.credential,
        key=once.key,
        digest=once.digest,
        request_ids=[item.row.request_id for item in asked],
        created_at=database.now(),
    )
