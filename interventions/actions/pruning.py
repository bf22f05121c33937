"""What is older than an organization keeps goes: decided requests, and the beginning of the log as far as it tells of
none that is kept.

How far the log goes is said first, in the access log; then it goes in small steps. So whatever ends a pruning half-way,
the log begins where it says, and where nobody said so it may not begin.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q

from interventions import events, exporting, retention, wire
from interventions.actions.archiving import BATCH, Archive, batch_of, clear_batch, final_since, line_of
from interventions.models import Event, Intervention, Stream
from interventions.queries import EventQuerySet
from pilots import access_log, database, erasing
from pilots.access_log import SYSTEM
from pilots.chains import Walk
from pilots.database import snapshot, writing
from pilots.errors import NotAllowed
from pilots.models import Organization
from pilots.tenancy import acting_in

logger = logging.getLogger(__name__)

# Events that are said at once to go.
STRETCH = 50_000


@dataclass(frozen=True, slots=True)
class Pruned:
    """What went, or would. `held_by` is the request whose events keep the rest of the log, where one does."""

    interventions: int = 0
    events: int = 0
    held_by: str | None = None


def prune(organization: Organization, age: timedelta, archive: Archive | None = None) -> Pruned:
    """Removes what is older than this, once it is in the archive where there is one; step by step, others work on.

    Raises NotAllowed where the log does not verify, for pruning would hide that, and what the archive raises. What went
    before then is gone, and in the archive.
    """
    before = database.now() - age
    requests = told = 0
    while removed := clear_batch(organization, before, archive):
        requests += removed
    while removed := _shorten(organization, before, archive):
        told += removed
    return Pruned(requests, told, _holding(organization, _stream(organization).first_seq, before))


def would_prune(organization: Organization, age: timedelta) -> Pruned:
    """What `prune` would remove now."""
    before = database.now() - age
    due = final_since(organization, before)
    stream = _stream(organization)
    last = stream.first_seq - 1
    while (found := _last_not_needed(organization, last + 1, before, due_goes=True)) > last:
        last = found
    return Pruned(due.count(), last + 1 - stream.first_seq, _holding(organization, last + 1, before))


def prune_due() -> int:
    """One step in the first organization in which something is older than it keeps; returns how many rows went, 0 where
    there are none. The worker's: so nothing else that is due waits for it."""
    refused: list[str] = []
    for organization in Organization.objects.filter(settings__has_key=retention.SETTING):
        days = retention.days_of(organization.settings)
        if days is None:
            continue
        before = database.now() - timedelta(days=days)
        try:
            with acting_in(organization.pk):
                removed = clear_batch(organization, before) or _shorten(organization, before)
        except NotAllowed as error:
            refused.append(error.detail)
            continue
        if removed:
            return removed
    for detail in refused:
        logger.error(detail)
    return 0


def _shorten(organization: Organization, before: datetime, archive: Archive | None = None) -> int:
    """Removes one batch from the beginning of the log; returns how many events, 0 where no more may go."""
    said = access_log.checkpoint(organization.pk).seq
    is_said = said >= _stream(organization).first_seq
    return _remove_batch(organization, archive) if is_said or _say(organization, before) else 0


def _say(organization: Organization, before: datetime) -> bool:
    """Says in the access log how far the record goes next; False where nothing more may go."""
    pk = organization.pk
    first = _stream(organization).first_seq
    last = _last_not_needed(organization, first, before)
    if last < first:
        return False
    with writing():
        events.hold(pk)
        # Another process may have been quicker; it said the same, or its own.
        if access_log.checkpoint(pk).seq < first == _stream(organization).first_seq:
            _vouch_without(organization, last)
            end = Event.objects.for_organization(pk).filter(seq=last).first()
            if end is None:
                raise _refusal(organization)
            data = {"seq": last, "hash": end.hash, "before": wire.moment(before), "events": last + 1 - first}
            access_log.record("record_pruned", SYSTEM, organization=organization, data=data)
    return True


def _vouch_without(organization: Organization, last: int) -> None:
    """What vouches for the events that erasures touched covers those after `last` from now on. Inside the transaction
    that says so, which holds the log."""
    chain = events.chain_of(organization.pk)
    touched = [event for event in chain.erased() if event.data]
    if chain.voucher is None or not touched or touched[0].seq > last:
        return
    walk = Walk.from_start(chain)
    for event in touched:
        walk.redaction.add(event)
    if list(walk.vouched()):
        raise _refusal(organization)
    left = erasing.vouch(event for event in touched if event.seq > last)
    access_log.record("erasures_vouched", SYSTEM, organization=organization, data={"record": left})


def _remove_batch(organization: Organization, archive: Archive | None) -> int:
    """What is removed was verified: a log that was tampered with stays, as the proof of it."""
    pk = organization.pk
    rows = Event.objects.for_organization(pk)
    # As of one moment: another process may be at it.
    with snapshot():
        chain = events.chain_of(pk)
        going = list(rows.filter(seq__lte=chain.checkpoint.seq).order_by("seq")[:BATCH])
    if chain.checkpoint.seq < chain.head.first_seq:
        return 0  # it has just finished
    walk = Walk.from_start(chain)
    findings = [*walk.begin(), *(finding for event in going for finding in walk.step(event))]
    if findings or not going:
        raise _refusal(organization)
    with batch_of(archive):
        if archive is not None:
            archive.write(line_of(organization, "event", exporting.event(event)) for event in going)
        with writing():
            events.hold(pk)
            if _stream(organization).first_seq != chain.head.first_seq:
                return 0  # it was quicker
            rows.filter(seq__lte=walk.seq).delete()
            Stream.objects.for_organization(pk).update(first_seq=walk.seq + 1, base_hash=walk.hash)
    return len(going)


def _last_not_needed(organization: Organization, first: int, before: datetime, *, due_goes: bool = False) -> int:
    """The last event of those from `first` on that may go in one stretch; `first` - 1 where that one is needed."""
    end = min(first + STRETCH - 1, _stream(organization).last_seq)
    needed = _needed(organization, before, due_goes=due_goes).filter(seq__gte=first, seq__lte=end)
    stop = needed.order_by("seq").values_list("seq", flat=True).first()
    return end if stop is None else stop - 1


def _holding(organization: Organization, first: int, before: datetime) -> str | None:
    """The request that the log begins with, where its age would not keep it."""
    rows = Event.objects.for_organization(organization.pk).filter(seq=first, at__lte=before)
    found: str | None = rows.values_list("request_id", flat=True).first()
    return found


def _needed(organization: Organization, before: datetime, *, due_goes: bool) -> EventQuerySet:
    """Events that are young, or of a request that is kept; with `due_goes` those that are due count as gone."""
    kept = Intervention.objects.for_organization(organization.pk)
    if due_goes:
        kept = kept.exclude(pk__in=final_since(organization, before).values("pk"))
    # An id may have been another request's before that one went.
    of_kept = kept.filter(request_id=OuterRef("request_id"), created_at__lte=OuterRef("at"))
    return Event.objects.for_organization(organization.pk).filter(Q(at__gt=before) | Exists(of_kept))


def _stream(organization: Organization) -> Stream:
    return Stream.objects.for_organization(organization.pk).first() or Stream(organization=organization)


def _refusal(organization: Organization) -> NotAllowed:
    slug = organization.slug
    return NotAllowed(f"The record of {slug} does not verify, and pruning would hide that: verify_audit --org {slug}")
