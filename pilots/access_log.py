"""The access log: sign-ins, members, roles and keys, chained by hashes, one log per organization.

What concerns no organization (a sign-in of somebody who is in none) stands in the installation's own log.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import rfc8785

from pilots import database
from pilots.caller import Caller
from pilots.models import AccessChain, AccessEvent, ApiKey, Membership, Organization, Pilot


@dataclass(frozen=True, slots=True)
class Party:
    """Who did something, or to whom it was done; `reference` stands for the name in hashes."""

    name: str
    reference: str

    @classmethod
    def of(cls, who: Pilot | ApiKey | Caller) -> "Party":
        if isinstance(who, Pilot):
            return cls(who.pilot_id, who.opaque_id.hex)
        if isinstance(who, ApiKey):
            return cls(f"key:{who.name}", f"key:{who.pk}")
        return cls(who.actor, who.reference)


# An operator at the command line, or the server by itself.
SYSTEM = Party("system", "system")
# Somebody whose name nobody vouches for.
UNKNOWN = Party("unknown", "unknown")
NOBODY = Party("", "")


def record(
    type: str,
    actor: Party,
    subject: Party = NOBODY,
    *,
    organization: Organization | None = None,
    data: dict[str, Any] | None = None,
) -> AccessEvent:
    """Appends one event to the organization's log, or to the installation's. Joins the caller's transaction."""
    with database.writing():
        chain = _locked_chain(organization)
        salt = secrets.token_hex(16)
        event = AccessEvent(
            organization=organization,
            seq=chain.last_seq + 1,
            type=type,
            at=database.now(),
            actor=actor.name,
            actor_reference=actor.reference,
            subject=subject.name,
            subject_reference=subject.reference,
            data=data or {},
            salt=salt,
            data_digest=digest_of(data or {}, salt),
        )
        event.hash = hash_of(chain.head_hash, event)
        event.save(force_insert=True)
        AccessChain.objects.filter(pk=chain.pk).update(last_seq=event.seq, head_hash=event.hash)
    return event


def record_of_pilot(type: str, pilot: Pilot, actor: Party | None = None, data: dict[str, Any] | None = None) -> None:
    """What concerns the pilot as a person: in the log of each of their organizations, else in the installation's."""
    rows = Membership.across_organizations.filter(pilot=pilot).select_related("organization")
    # In one order everywhere, so that two sign-ins never wait for each other's logs.
    organizations: list[Organization | None] = [row.organization for row in rows.order_by("organization_id")]
    with database.writing():
        for organization in organizations or [None]:
            record(type, actor or Party.of(pilot), Party.of(pilot), organization=organization, data=data)


def digest_of(data: dict[str, Any], salt: str) -> str:
    """Salted, so that what was erased cannot be guessed from the digest."""
    return hashlib.sha256(salt.encode() + rfc8785.dumps(data)).hexdigest()


def hash_of(previous_hash: str, event: AccessEvent) -> str:
    parts: list[str | int] = [
        previous_hash,
        event.seq,
        event.type,
        _moment(event.at),
        event.actor_reference,
        event.subject_reference,
        event.data_digest,
    ]
    return hashlib.sha256(rfc8785.dumps(parts)).hexdigest()


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _locked_chain(organization: Organization | None) -> AccessChain:
    chain, _ = AccessChain.objects.get_or_create(organization=organization)
    return AccessChain.objects.select_for_update().get(pk=chain.pk)
