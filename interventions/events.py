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
from django.db import transaction
from django.dispatch import Signal

from interventions import appending, tallies, wire
from interventions.models import Event, Intervention, Stream
from pilots import access_log, chains
from pilots.caller import Caller
from pilots.chains import Audit, Finding, Head
from pilots.database import in_steps, snapshot
from pilots.tenancy import speaking_for

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
    streams = Stream.objects.for_organization(organization_id)
    stream, _ = streams.get_or_create(organization_id=organization_id, defaults={"epoch": uuid.uuid4().hex})
    return stream


def append(organization_id: int, entries: list[Entry], moves: Iterable[tallies.Move] = ()) -> None:
    """Appends the entries and adjusts the tallies. Inside a transaction, after every row it will touch is locked.

    The stream's lock is held to the commit: seq order is commit order.
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
    streams = Stream.objects.for_organization(organization_id)
    with speaking_for(organization_id):
        appending.insert([entry.event for entry in entries if entry.event])
        streams.update(last_seq=stream.last_seq, head_hash=stream.head_hash)
        tallies.apply(organization_id, moves)
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
    stream = Stream.objects.for_organization(organization_id).first() or Stream(organization_id=organization_id)
    names = access_log.names_of(organization_id)

    def misnamed(event: Event) -> str | None:
        told = names.get(event.actor_reference, event.actor)
        return "the actor's name was changed" if told != event.actor else None

    yield from chains.walk(
        in_steps(Event.objects.for_organization(organization_id), "seq"),
        Head(stream.first_seq, stream.last_seq, stream.head_hash),
        hash_of=hash_of,
        misnamed=misnamed,
        voucher=access_log.voucher(organization_id, "record"),
    )


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
    locked = Stream.objects.for_organization(organization_id).select_for_update()
    return locked.first() or locked.get(pk=stream_of(organization_id).pk)


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
