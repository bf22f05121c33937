"""What is everything that one organization owns, as lines of JSON? docs/export.md describes them."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from django.db.models import Model, QuerySet

from interventions import wire
from interventions.lifecycle import Priority
from interventions.models import Event, Intervention, PilotTally, Stream, Tally
from interventions.tallies import ALL_TIME
from pilots import access_log, database
from pilots.access_log import SYSTEM, Party
from pilots.models import AccessEvent, ApiKey, Invitation, Membership, Organization
from pilots.wire import moment

FORMAT = 1
# Rows held in memory at a time.
PAGE = 100

type JSON = dict[str, Any]


def export(organization: Organization, *, by: Party = SYSTEM) -> Iterator[bytes]:
    """The lines of an export, as of one moment, few rows in memory at a time. That it was made is on record.

    The last line counts the others and holds their SHA-256: an export without it is not whole.
    """
    access_log.record("organization_exported", by, organization=organization)
    counts: Counter[str] = Counter()
    digest = hashlib.sha256()
    with database.snapshot():
        for kind, value in _everything(organization):
            line = wire.dumps({"kind": kind} | value) + b"\n"
            counts[kind] += 1
            digest.update(line)
            yield line
    yield wire.dumps({"kind": "end", "counts": dict(counts), "sha256": digest.hexdigest()}) + b"\n"


def _everything(organization: Organization) -> Iterator[tuple[str, JSON]]:
    pk = organization.pk
    yield "export", _heading(organization)
    yield "organization", _organization(organization)
    members = Membership.objects.and_deactivated().for_organization(pk).select_related("pilot")
    yield from _each("member", members, _member)
    yield from _each("key", ApiKey.objects.for_organization(pk), _key)
    invitations = Invitation.objects.for_organization(pk).select_related("invited_by", "accepted_by")
    yield from _each("invitation", invitations, _invitation)
    yield from _each("intervention", Intervention.objects.for_organization(pk).with_approvals(), wire.intervention)
    yield from _each("event", Event.objects.for_organization(pk), event, by="seq")
    yield from _each("access_event", access_log.log_of(organization), _access_event, by="seq")
    yield from _each("tally", Tally.objects.for_organization(pk), _tally)
    yield from _each("pilot_tally", PilotTally.objects.for_organization(pk), _pilot_tally)


def _each[Row: Model](
    kind: str, rows: QuerySet[Row], as_json: Callable[[Row], JSON], by: str = "pk"
) -> Iterator[tuple[str, JSON]]:
    for row in database.in_steps(rows, by, step=PAGE):
        yield kind, as_json(row)


def _heading(organization: Organization) -> JSON:
    stream = Stream.objects.for_organization(organization.pk).first() or Stream(epoch="")
    access = access_log.head(organization)
    return {
        "format": FORMAT,
        "organization": organization.slug,
        "at": moment(database.now()),
        "record": {
            "epoch": stream.epoch,
            "first_seq": stream.first_seq,
            "last_seq": stream.last_seq,
            "hash": stream.head_hash,
            "base": stream.base_hash,
        },
        "access": {
            "first_seq": access.first_seq,
            "last_seq": access.last_seq,
            "hash": access.hash,
            "base": access.base,
        },
    }


def _organization(row: Organization) -> JSON:
    return {"slug": row.slug, "name": row.name, "settings": row.settings, "created_at": moment(row.created_at)}


def _member(row: Membership) -> JSON:
    pilot = row.pilot
    return {
        "pilot_id": pilot.pilot_id,
        "reference": pilot.opaque_id.hex,
        "name": pilot.name,
        "email": pilot.email,
        "role": row.role,
        "joined_at": moment(row.created_at),
        "deactivated_at": moment(row.deactivated_at),
    }


def _key(row: ApiKey) -> JSON:
    """Without its digest: not even a hash of a secret leaves the house."""
    return {
        "name": row.name,
        "reference": Party.of(row).reference,
        "key_id": row.key_id,
        "scopes": row.scopes,
        "uow_id_prefix": row.uow_id_prefix,
        "intervention_types": row.intervention_types,
        "created_by": row.created_by,
        "created_at": moment(row.created_at),
        "expires_at": moment(row.expires_at),
        "superseded_at": moment(row.superseded_at),
        "revoked_at": moment(row.revoked_at),
        "last_used_at": moment(row.last_used_at),
    }


def _invitation(row: Invitation) -> JSON:
    return {
        "email": row.email,
        "role": row.role,
        "invited_by": row.invited_by.pilot_id if row.invited_by else None,
        "created_at": moment(row.created_at),
        "expires_at": moment(row.expires_at),
        "accepted_by": row.accepted_by.pilot_id if row.accepted_by else None,
        "accepted_at": moment(row.accepted_at),
        "revoked_at": moment(row.revoked_at),
    }


def event(row: Event) -> JSON:
    """An event with what its hash is computed from."""
    return wire.event(row) | {"actor_reference": row.actor_reference} | _link(row)


def _access_event(row: AccessEvent) -> JSON:
    return {
        "seq": row.seq,
        "type": row.type,
        "at": access_log.written(row.at),
        "actor": row.actor,
        "actor_reference": row.actor_reference,
        "subject": row.subject,
        "subject_reference": row.subject_reference,
        "data": row.data,
    } | _link(row)


def _link(row: Event | AccessEvent) -> JSON:
    """What the chain is computed from, besides what is shown."""
    return {"salt": row.salt, "data_digest": row.data_digest, "hash": row.hash}


def _tally(row: Tally) -> JSON:
    return {
        "day": None if row.day == ALL_TIME else row.day.isoformat(),
        "intervention_type": row.intervention_type,
        "priority": Priority(row.priority).word,
        "status": row.status,
        "count": row.count,
        "seconds": row.seconds,
    }


def _pilot_tally(row: PilotTally) -> JSON:
    return {"pilot_id": row.pilot_id, "count": row.count}
