"""Are the logs what they were? Each of both logs by itself, and against heads that were noted elsewhere."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from interventions import events, wire
from interventions.models import Event, Stream
from pilots import access_log, database
from pilots.chains import Audit, Finding
from pilots.errors import InvalidInput
from pilots.inputs import check, object_of
from pilots.models import Organization

RECORD, ACCESS = "record", "access"
# What the installation's own access log is called where organizations have their slugs; no slug is.
INSTALLATION = "*"

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
    first, found = _hash_at(anchor, organization)
    if anchor.seq < first or found == anchor.hash:
        return None
    if found is None:
        return Finding(anchor.seq, f"the event noted {anchor.at} is not there any more", "anchor")
    return Finding(anchor.seq, f"the event is not the one noted {anchor.at}", "anchor")


def _hash_at(anchor: Anchor, organization: Organization | None) -> tuple[int, str | None]:
    """Where the log begins, and the hash that stands at the anchor's place."""
    if anchor.log == ACCESS or organization is None:
        return 1, access_log.hash_at(organization, anchor.seq)
    stream = Stream.objects.for_organization(organization.pk).first() or Stream()
    rows = Event.objects.for_organization(organization.pk).filter(seq=anchor.seq)
    return stream.first_seq, rows.values_list("hash", flat=True).first()


def _parse(number: int, line: str) -> Anchor:
    try:
        return Anchor(**check(_ANCHOR, json.loads(line)))
    except (ValueError, InvalidInput) as error:
        raise InvalidInput(f"Line {number} of the anchors is not one that anchor_audit wrote.") from error


def as_line(anchor: Anchor) -> str:
    return json.dumps(asdict(anchor))
