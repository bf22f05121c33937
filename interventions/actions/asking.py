"""The agent's own verbs: create, complete, cancel."""

from dataclasses import dataclass
from datetime import timedelta
from operator import attrgetter
from typing import Any

from django.db import IntegrityError, connection, transaction

from interventions import content, events, policy, wire
from interventions.actions.change import hold, move_of, require_open, set_approvals, write
from interventions.answers import same
from interventions.content import Draft
from interventions.errors import Conflict
from interventions.lifecycle import EventType, Priority, Status
from interventions.models import IdempotencyRecord, Intervention
from pilots import database
from pilots.caller import Caller
from pilots.database import writing

IDEMPOTENCY_HOURS = 24


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
    """All or nothing. Raises Conflict `request_id_reused` or `idempotency_key_reused`."""
    policy.require(caller, "create")
    with writing():
        if once is not None:
            replayed = _replay(caller, once)
            if replayed is not None:
                return replayed
        asked = _store(caller, drafts)
        if once is not None:
            _remember(caller, once, asked)
        return asked


def complete(caller: Caller, request_id: str, *, outcome: dict[str, Any] | None) -> Intervention:
    """The agent reports that it acted on the approval; the same report again changes nothing."""
    with writing():
        held = hold(caller, request_id, "complete")
        if held.status == Status.COMPLETED and same(held.row.outcome, outcome):
            return held.row
        if held.status != Status.APPROVED:
            raise Conflict(
                f"Only an approved request can be completed; this one is {held.status}.", intervention=held.row
            )
        return write(held, EventType.COMPLETED, {"status": Status.COMPLETED, "outcome": outcome})


def cancel(caller: Caller, request_id: str, *, reason: str | None) -> Intervention:
    """The agent withdraws its open request; the same withdrawal again changes nothing."""
    reason = reason if reason and reason.strip() else None
    with writing():
        held = hold(caller, request_id, "cancel")
        if held.status == Status.CANCELLED and held.row.action_reason == reason:
            return held.row
        require_open(held)
        changes = {
            "status": Status.CANCELLED,
            "action_timestamp": held.now,
            "action_reason": reason,
            "assigned_to": held.assignee,
            "claimed_until": None,
        }
        return write(held, EventType.CANCELLED, changes)


def new_row(caller: Caller, draft: Draft) -> Intervention:
    """The row a draft becomes, not yet stored."""
    now = database.now()
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
    set_approvals(row, [])
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


def _store(caller: Caller, drafts: list[Draft]) -> list[Asked]:
    rows = [new_row(caller, draft) for draft in drafts]
    stored: dict[str, Intervention] = {}
    # Always in the same order: two batches that name the same ids wait for each other instead of in a circle.
    for row in sorted(rows, key=attrgetter("request_id")):
        first = stored.get(row.request_id)
        if first is None:
            stored[row.request_id] = _insert(caller, row)
        else:
            _require_same(first, row, stands=not any(first is mine for mine in rows))
    result = [Asked(stored[row.request_id], created=stored[row.request_id] is row) for row in rows]
    new = [asked.row for asked in result if asked.created]
    entries = [created_entry(caller, row) for row in new]
    events.append(caller.organization.pk, entries, [move_of(row, None, row.created_at) for row in new])
    return result


def _insert(caller: Caller, row: Intervention) -> Intervention:
    """Stores the row, or gives the one that stands for its request_id already."""
    try:
        # A savepoint: of two agents that send one id at once, the second must still be able to read the first's row.
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        rows = Intervention.objects.for_caller(caller).with_approvals()
        first = rows.get(request_id=row.request_id)
        _require_same(first, row)
        return first
    return row


def _require_same(first: Intervention, row: Intervention, *, stands: bool = True) -> None:
    """`stands` is False where `first` is only being stored, by the transaction that this refusal undoes."""
    if first.draft_digest != row.draft_digest:
        raise Conflict(
            f"request_id {row.request_id!r} already stands for other content; choose a new id.",
            code="request_id_reused",
            intervention=first if stands else None,
        )


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
    rows = Intervention.objects.for_caller(caller).with_approvals().filter(request_id__in=record.request_ids)
    by_id = {row.request_id: row for row in rows}
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
    IdempotencyRecord.across_organizations.create(
        organization=caller.organization,
        credential=caller.credential,
        key=once.key,
        digest=once.digest,
        request_ids=[item.row.request_id for item in asked],
        created_at=database.now(),
    )
