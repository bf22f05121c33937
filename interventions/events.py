"""The event log: appended in the transaction of the change it tells of, gap-free, and chained by hashes."""

import hashlib
import secrets
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import orjson
import rfc8785
from django.db import connection, transaction
from django.dispatch import Signal

from interventions import retention, tallies, wire
from interventions.inserting import inserting
from interventions.models import Event, Intervention, Stream
from pilots import access_log, chains, database
from pilots.caller import Caller
from pilots.chains import Audit, Chain, Finding, Head, Stretch
from pilots.database import Statement, in_steps, snapshot
from pilots.tenancy import speaking_for

# Stands in the data of an event that tells of what happened elsewhere, before it was taken over: when that was. Who
# makes somebody act on events, or tells others of them, leaves these alone.
IMPORTED = "imported_at"

# Sent after the commit with `organization_id`, `epoch` and `entries`: what one `append` appended, in order.
committed = Signal()


@dataclass(slots=True)
class Entry:
    """One change to be told: the event to append and the row it changed, as the change left it."""

    type: str
    row: Intervention
    actor: Caller
    at: datetime
    data: dict[str, Any] = field(default_factory=dict)
    decides: bool = False
    event: Event | None = None


def stream_of(organization_id: int) -> Stream:
    """The head of the log, made when first asked for."""
    found = _head_of(organization_id)
    if found is None:
        streams = Stream.objects.for_organization(organization_id)
        found, _ = streams.get_or_create(organization_id=organization_id, defaults={"epoch": uuid.uuid4().hex})
    return found


def append(
    organization_id: int,
    entries: list[Entry],
    moves: Iterable[tallies.Move] = (),
    besides: Iterable[Statement] = (),
) -> None:
    """Appends the entries and adjusts the tallies. Inside a transaction, after every row it will touch is locked.

    The stream's lock is held to the commit: seq order is commit order. `besides` travels in the same message.
    """
    if not entries:
        return
    stream = _locked_stream(organization_id)
    # The entries of a sweep share their data: it is written as JSON once.
    texts: dict[int, bytes] = {}
    for entry in entries:
        if (key := id(entry.data)) not in texts:
            texts[key] = rfc8785.dumps(entry.data)
        entry.event = _next_event(stream, entry, texts[key])
    appended = inserting(Event, [entry.event for entry in entries if entry.event])
    with speaking_for(organization_id):
        database.run([appended, _moving(stream), *tallies.adding(organization_id, moves), *besides])
    transaction.on_commit(partial(_tell, organization_id, stream.epoch, entries))


def _tell(organization_id: int, epoch: str, entries: list[Entry]) -> None:
    committed.send_robust(sender=Event, organization_id=organization_id, epoch=epoch, entries=entries)


def since(organization_id: int, seq: int, limit: int) -> list[Event]:
    """At most `limit` events after position `seq`, oldest first."""
    return list(Event.objects.for_organization(organization_id).filter(seq__gt=seq).order_by("seq")[:limit])


def audit(organization_id: int) -> Audit:
    """Verifies the log as it is at one moment, while others go on writing."""
    with snapshot():
        rows = Event.objects.for_organization(organization_id)
        head = rows.order_by("-seq").values_list("hash", flat=True).first()
        return Audit(rows.count(), head or "", list(verify(organization_id)))


def verify(organization_id: int) -> Iterator[Finding]:
    """Walks the whole chain and yields what is wrong with it: nothing, where all is well.

    Inside `snapshot()`: what is written meanwhile would look like a head that lies.
    """
    yield from chains.walk(chain_of(organization_id))


def verify_after(organization_id: int, seq: int, limit: int) -> Stretch:
    """Verifies at most `limit` events after a position that an earlier call has come to; from 0 on, the first."""
    with snapshot():
        chain = chain_of(organization_id)
        before = Event.objects.for_organization(organization_id).filter(seq=seq).values_list("hash", flat=True)
        return chains.stretch(chain, seq, before.first() or "", limit)


def chain_of(organization_id: int) -> Chain[Event]:
    """The log as a walk needs it: from its first event, or from where it was pruned to."""
    rows = Event.objects.for_organization(organization_id)
    stream = Stream.objects.for_organization(organization_id).first() or Stream(organization_id=organization_id)
    names = access_log.names_of(organization_id)

    def misnamed(event: Event) -> str | None:
        told = names.get(event.actor_reference, event.actor)
        return "the actor's name was changed" if told != event.actor else None

    return Chain(
        rows=lambda after: in_steps(rows.filter(seq__gt=after), "seq"),
        erased=lambda: touched_by_erasures(organization_id),
        head=Head(stream.first_seq, stream.last_seq, stream.head_hash, stream.base_hash),
        hash_of=hash_of,
        misnamed=misnamed,
        voucher=access_log.voucher(organization_id, "record"),
        checkpoint=access_log.checkpoint(organization_id),
        kept=retention.KEPT,
    )


def touched_by_erasures(organization_id: int) -> Iterator[Event]:
    """The events that lost their salt, but for those on their way out: these are vouched for no more."""
    pruned = access_log.checkpoint(organization_id).seq
    return in_steps(Event.objects.for_organization(organization_id).filter(salt="", seq__gt=pruned), "seq")


def hash_of(previous_hash: str, event: Event) -> str:
    parts = [
        previous_hash,
        event.seq,
        event.type,
        event.request_id,
        wire.moment(event.at),
        event.actor_reference,
        event.data_digest,
    ]
    # Of texts and whole numbers alone orjson writes the canonical JSON too, and much quicker.
    return hashlib.sha256(orjson.dumps(parts)).hexdigest()


def hold(organization_id: int) -> None:
    """Locks the log until the transaction ends: nothing is appended meanwhile."""
    _locked_stream(organization_id)


def _locked_stream(organization_id: int) -> Stream:
    lock = "FOR UPDATE" if connection.features.has_select_for_update else ""
    return _head_of(organization_id, lock) or _locked_stream(stream_of(organization_id).pk)


def _head_of(organization_id: int, lock: str = "") -> Stream | None:
    # Each request asks for one; the ORM takes three times as long.
    names = ("epoch", "first_seq", "last_seq", "head_hash")
    head = f"SELECT {', '.join(names)} FROM {Stream._meta.db_table} WHERE organization_id = %s {lock}"  # noqa: S608
    with speaking_for(organization_id):
        rows = database.fetch((head, [organization_id]))
    return Stream(organization_id=organization_id, **dict(zip(names, rows[0], strict=True))) if rows else None


def _moving(stream: Stream) -> Statement:
    head = f"UPDATE {Stream._meta.db_table} SET last_seq = %s, head_hash = %s WHERE organization_id = %s"  # noqa: S608
    return head, [stream.last_seq, stream.head_hash, stream.pk]


def _digest_of(text: bytes, salt: str) -> str:
    return hashlib.sha256(salt.encode() + text).hexdigest()


def _next_event(stream: Stream, entry: Entry, text: bytes) -> Event:
    salt = secrets.token_hex(16)
    event = Event(
        organization_id=stream.pk,
        seq=stream.last_seq + 1,
        type=entry.type,
        request_id=entry.row.request_id,
        at=entry.at,
        actor=entry.actor.actor,
        actor_reference=entry.actor.reference,
        data=entry.data,
        salt=salt,
        data_digest=_digest_of(text, salt),
        decides=entry.row.pk if entry.decides else None,
    )
    event.hash = hash_of(stream.head_hash, event)
    stream.last_seq, stream.head_hash = event.seq, event.hash
    return event
