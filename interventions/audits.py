"""Are the logs what they were? Each of both logs by itself, and against heads that were noted elsewhere."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from interventions import events, wire
from interventions.models import Event, Stream
from pilots import access_log, database
from pilots.chains import Audit, Checkpoint, Finding, Stretch
from pilots.errors import InvalidInput
from pilots.inputs import check, object_of
from pilots.models import Organization

RECORD, ACCESS = "record", "access"
# What the installation's own access log is called where organizations have their slugs; no slug is.
INSTALLATION = "*"
# A moment is read before it is written down: what is on its way when an anchor is noted may be so much older than it.
_ON_ITS_WAY = timedelta(hours=1)

_ANCHOR = object_of(
    {
        "organization": {"type": "string", "maxLength": 63},
        "log": {"enum": [RECORD, ACCESS]},
        "seq": {"type": "integer", "minimum": 0},
        "hash": {"type": "string", "maxLength": 64},
        "at": {"type": "string", "maxLength": 64},
    },
    required=("organization", "log", "seq", "hash"),
)


@dataclass(frozen=True, slots=True)
class Anchor:
    """The head of one log at one moment: noted where nobody who can write the database can write."""

    organization: str
    log: str
    seq: int
    hash: str
    at: str = ""


def of(organization: Organization | None) -> dict[str, Audit]:
    """The audit of the organization's record and of its access log; the installation has the latter only."""
    audits = {} if organization is None else {RECORD: events.audit(organization.pk)}
    return audits | {ACCESS: access_log.audit(organization)}


def verify_after(organization: Organization | None, log: str, seq: int, limit: int) -> Stretch:
    """Verifies at most `limit` entries of one log after a position that an earlier call has come to: so a log of
    whatever length is walked by requests that each end soon. The installation has its access log only."""
    if organization is not None and log == RECORD:
        return events.verify_after(organization.pk, seq, limit)
    return access_log.verify_after(organization, seq, limit)


def heads(organizations: Iterable[Organization | None]) -> Iterator[Anchor]:
    """Where each log ends now."""
    at = wire.moment(database.now()) or ""
    for organization in organizations:
        name = organization.slug if organization else INSTALLATION
        if organization is not None:
            stream = Stream.objects.for_organization(organization.pk).first() or Stream()
            yield Anchor(name, RECORD, stream.last_seq, stream.head_hash, at)
        chain = access_log.head(organization)
        yield Anchor(name, ACCESS, chain.last_seq, chain.hash, at)


def read(lines: Iterable[str]) -> list[Anchor]:
    """The anchors of a file that `anchor_audit` wrote; raises InvalidInput, naming the line."""
    return [_parse(number, line) for number, line in enumerate(lines, 1) if line.strip()]


def held_against(anchor: Anchor, organization: Organization | None) -> Finding | None:
    """What is wrong where the log does not hold what the anchor says; None where it does.

    Together with an audit it proves the whole log up to the anchor: a chain that was written anew, or that ends
    earlier, agrees with itself but not with this.
    """
    found = _hash_at(anchor, organization)
    if found == anchor.hash:
        return None
    if anchor.log == RECORD and organization is not None and (checkpoint := _pruned_past(anchor, organization)):
        return _held_against_pruning(anchor, checkpoint)
    if found is None:
        return Finding(anchor.seq, f"the event noted {anchor.at} is not there any more", "anchor")
    return Finding(anchor.seq, f"the event is not the one noted {anchor.at}", "anchor")


def _hash_at(anchor: Anchor, organization: Organization | None) -> str | None:
    """The hash that stands at the anchor's place, or stood there when the log was pruned up to it."""
    if anchor.log == ACCESS or organization is None:
        return access_log.hash_at(organization, anchor.seq) if anchor.seq else ""
    rows = Event.objects.for_organization(organization.pk).filter(seq=anchor.seq)
    found: str | None = rows.values_list("hash", flat=True).first()
    checkpoint = access_log.checkpoint(organization.pk)
    return checkpoint.hash if found is None and checkpoint.seq == anchor.seq else found


def _pruned_past(anchor: Anchor, organization: Organization) -> Checkpoint | None:
    """The checkpoint, where the log begins after the anchor's place by right."""
    checkpoint = access_log.checkpoint(organization.pk)
    stream = Stream.objects.for_organization(organization.pk).first() or Stream()
    return checkpoint if anchor.seq < min(stream.first_seq, checkpoint.seq) else None


def _held_against_pruning(anchor: Anchor, checkpoint: Checkpoint) -> Finding | None:
    """What came after the anchor is younger than it: some of that was pruned, so it must have been for that age."""
    try:
        may_be = datetime.fromisoformat(anchor.at) - _ON_ITS_WAY <= checkpoint.before
    except (ValueError, TypeError):
        # Anchors of somebody's own making may be without a moment.
        return None
    problem = f"what came after the event noted {anchor.at} was pruned as if it were older"
    return None if may_be else Finding(anchor.seq, problem, "anchor")


def _parse(number: int, line: str) -> Anchor:
    try:
        return Anchor(**check(_ANCHOR, json.loads(line)))
    except (ValueError, InvalidInput) as error:
        raise InvalidInput(f"Line {number} of the anchors is not one that anchor_audit wrote.") from error


def as_line(anchor: Anchor) -> str:
    return json.dumps(asdict(anchor))
