"""What is there to tell of an event, and how is it read back from the log?"""

from collections.abc import Iterable
from dataclasses import dataclass

from interventions import events, wire
from interventions.models import Intervention, Stream
from interventions.wire import JSON


@dataclass(slots=True, eq=False)
class News:
    """One event, with the intervention as it is after it (None: it is no longer kept).

    The texts made of it are kept here, so that each is made once however many listen.
    """

    organization_id: int
    event: JSON
    intervention: JSON | None
    push: str | None = None
    console: str | None = None

    @property
    def seq(self) -> int:
        seq: int = self.event["seq"]
        return seq

    @property
    def request_id(self) -> str:
        request_id: str = self.event["request_id"]
        return request_id


@dataclass(frozen=True, slots=True)
class Head:
    """Where a log begins and ends; `epoch` is "" where nothing was ever written."""

    epoch: str
    first_seq: int
    last_seq: int


EMPTY = Head("", 1, 0)


def heads(organization_ids: Iterable[int]) -> dict[int, Head]:
    """The logs of several organizations, in one query."""
    streams = Stream.across_organizations.filter(organization_id__in=list(organization_ids))
    rows = streams.values_list("organization_id", "epoch", "first_seq", "last_seq")
    return {pk: Head(epoch, first_seq, last_seq) for pk, epoch, first_seq, last_seq in rows}


def head(organization_id: int) -> Head:
    return heads([organization_id]).get(organization_id, EMPTY)


def begun(organization_id: int) -> Head:
    """Like `head`, and gives a log that was never written its epoch."""
    stream = events.stream_of(organization_id)
    return Head(stream.epoch, stream.first_seq, stream.last_seq)


def read(organization_id: int, after: int, limit: int) -> list[News]:
    """At most `limit` events after a position, oldest first, with their interventions as they are now."""
    told = events.since(organization_id, after, limit)
    rows = Intervention.objects.for_organization(organization_id).with_approvals()
    found = rows.filter(request_id__in={event.request_id for event in told})
    as_now = {row.request_id: wire.intervention(row) for row in found}
    return [News(organization_id, wire.event(event), as_now.get(event.request_id)) for event in told]
