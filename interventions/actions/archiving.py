"""What was decided long ago goes; the log and the figures go on telling of it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from typing import Protocol

from django.db.models import Exists, OuterRef, Q

from interventions import exporting, wire
from interventions.lifecycle import EventType, Status
from interventions.models import Event, Intervention
from interventions.queries import InterventionQuerySet
from pilots import database
from pilots.database import writing
from pilots.models import Organization

# Rows per transaction: short enough to let decisions through between.
BATCH = 500


class Archive(Protocol):
    """Where lines of JSON are kept of what goes."""

    def write(self, lines: Iterable[bytes]) -> None:
        """Once it returns they outlive whatever may happen to this machine; raises OSError where they would not."""

    def batch(self) -> AbstractContextManager[None]:
        """What is written inside stays only where the block ends well."""


def batch_of(archive: Archive | None) -> AbstractContextManager[None]:
    return nullcontext() if archive is None else archive.batch()


def clear_archived(organization: Organization, age: timedelta) -> int:
    """Removes the requests that have had their final status for so long; returns how many."""
    before = database.now() - age
    done = 0
    while removed := clear_batch(organization, before):
        done += removed
    return done


def clear_batch(organization: Organization, before: datetime, archive: Archive | None = None) -> int:
    """At most BATCH of the requests final before a moment, the oldest first: removed once they are in the archive."""
    rows = Intervention.objects.for_organization(organization.pk)
    with batch_of(archive), writing():
        # Somebody is just completing what is locked: that has its final status since now.
        due = final_since(organization, before).select_for_update(of=("self",), skip_locked=True)
        due = due.order_by("action_timestamp", "id")
        if archive is None:
            ids = list(due.values_list("pk", flat=True)[:BATCH])
        else:
            found = list(due.with_approvals()[:BATCH])
            archive.write(_lines(organization, found))
            ids = [row.pk for row in found]
        if ids:
            # What they hang together with is read before they go; their texts need not be.
            rows.filter(pk__in=ids).only("pk", "organization_id").delete()
        return len(ids)


def final_since(organization: Organization, before: datetime) -> InterventionQuerySet:
    """The requests that have had their final status since before this moment."""
    # The row keeps the moment of its decision; when what was approved was completed, its event knows.
    completions = Event.objects.for_organization(organization.pk).filter(
        type=EventType.COMPLETED, request_id=OuterRef("request_id"), at__gt=before
    )
    recent = Q(status=Status.COMPLETED) & Q(updated_at__gt=before) & Exists(completions)
    rows = Intervention.objects.for_organization(organization.pk)
    return rows.decided().filter(action_timestamp__lte=before).exclude(recent)


def _lines(organization: Organization, rows: list[Intervention]) -> Iterator[bytes]:
    """One for each request, with its events as an export has them: whoever keeps them all can verify the chain."""
    told: defaultdict[str, list[wire.JSON]] = defaultdict(list)
    events = Event.objects.for_organization(organization.pk)
    begun = {row.request_id: row.created_at for row in rows}
    for event in events.filter(request_id__in=begun).order_by("seq"):
        # An id may have been another request's before that one went.
        if event.at >= begun[event.request_id]:
            told[event.request_id].append(exporting.event(event))
    for row in rows:
        yield line_of(organization, "intervention", wire.intervention(row) | {"events": told[row.request_id]})


def line_of(organization: Organization, kind: str, value: wire.JSON) -> bytes:
    return wire.dumps({"kind": kind, "organization": organization.slug} | value) + b"\n"
