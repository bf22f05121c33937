"""The access log: sign-ins, members, roles and keys, chained by hashes, one log per organization.

What concerns no organization (a sign-in of somebody who is in none) stands in the installation's own log.
"""

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import rfc8785
from django.db.models import QuerySet

from pilots import chains, database
from pilots.access_filters import AccessFilters
from pilots.caller import Caller
from pilots.chains import Audit, Chain, Checkpoint, Finding, Head, Stretch, digest_of
from pilots.models import AccessChain, AccessEvent, ApiKey, Membership, Organization, Pilot
from pilots.tenancy import acting_in


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

# Entries that vouch for what erasures left, and the one that says how far an organization's record is pruned.
VOUCHING = ("pilot_erased", "erasures_vouched")
PRUNED = "record_pruned"


def record(
    type: str,
    actor: Party,
    subject: Party = NOBODY,
    *,
    organization: Organization | None = None,
    data: dict[str, Any] | None = None,
) -> AccessEvent:
    """Appends one event to the organization's log, or to the installation's. Joins the caller's transaction."""
    with acting_in(_id(organization)), database.writing():
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
        _chains(organization).update(last_seq=event.seq, head_hash=event.hash)
    return event


def record_of_pilot(type: str, pilot: Pilot, actor: Party | None = None, data: dict[str, Any] | None = None) -> None:
    """What concerns the pilot as a person: in the log of each of their organizations, else in the installation's."""
    rows = Membership.across_organizations.filter(pilot=pilot).select_related("organization")
    # In one order everywhere, so that two sign-ins never wait for each other's logs.
    organizations: list[Organization | None] = [row.organization for row in rows.order_by("organization_id")]
    with database.writing():
        for organization in organizations or [None]:
            record(type, actor or Party.of(pilot), Party.of(pilot), organization=organization, data=data)


def newest(
    organization: Organization | None, limit: int, before: int | None = None, filters: AccessFilters | None = None
) -> list[AccessEvent]:
    """At most `limit` entries that fit, newest first; `before` is the seq of the last one seen, to go on from."""
    rows = log_of(organization)
    if filters is not None:
        rows = filters.narrow(rows)
    if before is not None:
        rows = rows.filter(seq__lt=before)
    return list(rows.order_by("-seq")[:limit])


def entries(organization: Organization | None) -> Iterator[AccessEvent]:
    """All of the log, oldest first, few in memory at a time."""
    return database.in_steps(log_of(organization), "seq")


def hold(organization: Organization | None) -> None:
    """Locks the log until the transaction ends: nothing is appended meanwhile."""
    _locked_chain(organization)


def audit(organization: Organization | None) -> Audit:
    """Verifies the log as it is at one moment, while others go on writing."""
    with database.snapshot():
        last = log_of(organization).order_by("-seq").values_list("hash", flat=True).first()
        return Audit(log_of(organization).count(), last or "", list(verify(organization)))


def verify(organization: Organization | None) -> Iterator[Finding]:
    """Walks the whole chain and yields what is wrong with it: nothing, where all is well. Inside `snapshot()`."""
    yield from chains.walk(_chain_of(organization))


def verify_after(organization: Organization | None, seq: int, limit: int) -> Stretch:
    """Verifies at most `limit` entries after a position that an earlier call has come to; from 0 on, the first."""
    with database.snapshot():
        return chains.stretch(_chain_of(organization), seq, hash_at(organization, seq) or "", limit)


def _chain_of(organization: Organization | None) -> Chain[AccessEvent]:
    rows, organization_id = log_of(organization), _id(organization)
    names = names_of(organization_id)

    def misnamed(event: AccessEvent) -> str | None:
        if names.get(event.actor_reference, event.actor) != event.actor:
            return "the actor's name was changed"
        return (
            "the subject's name was changed"
            if names.get(event.subject_reference, event.subject) != event.subject
            else None
        )

    return Chain(
        rows=lambda after: database.in_steps(rows.filter(seq__gt=after), "seq"),
        erased=lambda: database.in_steps(rows.filter(salt=""), "seq"),
        head=head(organization),
        hash_of=hash_of,
        misnamed=misnamed,
        voucher=voucher(organization_id, "access"),
    )


def head(organization: Organization | None) -> Head:
    """Where the log ends."""
    chain = _chains(organization).first() or AccessChain()
    return Head(last_seq=chain.last_seq, hash=chain.head_hash)


def hash_at(organization: Organization | None, seq: int) -> str | None:
    """The hash of the entry at this position; None where there is none."""
    return log_of(organization).filter(seq=seq).values_list("hash", flat=True).first()


def voucher(organization_id: int | None, log: str) -> dict[str, Any] | None:
    """What the newest erasure says it left of the organization's `record` (its interventions) or `access` log."""
    rows = AccessEvent.objects.for_organization(organization_id)
    vouching = rows.filter(type__in=VOUCHING, data__has_key=log).exclude(salt="")
    event = vouching.order_by("-seq").first()
    found: dict[str, Any] | None = event.data[log] if event else None
    return found


def checkpoint(organization_id: int) -> Checkpoint:
    """How far the organization's record may have been pruned, by the newest entry that says so."""
    rows = AccessEvent.objects.for_organization(organization_id).filter(type=PRUNED)
    event = rows.order_by("-seq").first()
    if event is None:
        return Checkpoint()
    told = event.data
    try:
        return Checkpoint(int(told["seq"]), told["hash"], datetime.fromisoformat(told["before"]), event.at)
    except (KeyError, TypeError, ValueError):
        # Somebody changed it, which its own chain tells; it says nothing of the record any more.
        return Checkpoint()


def names_of(organization_id: int | None) -> dict[str, str]:
    """What the opaque parties of a log are called: its hashes cover the reference, this is the name shown for it."""
    pilots = Pilot.objects.values_list("opaque_id", "pilot_id")
    keys = ApiKey.objects.for_organization(organization_id).values_list("pk", "name") if organization_id else []
    return (
        {party.reference: party.name for party in (SYSTEM, UNKNOWN, NOBODY)}
        | {opaque_id.hex: pilot_id for opaque_id, pilot_id in pilots}
        | {f"key:{pk}": f"key:{name}" for pk, name in keys}
    )


def hash_of(previous_hash: str, event: AccessEvent) -> str:
    parts: list[str | int] = [
        previous_hash,
        event.seq,
        event.type,
        written(event.at),
        event.actor_reference,
        event.subject_reference,
        event.data_digest,
    ]
    return hashlib.sha256(rfc8785.dumps(parts)).hexdigest()


def log_of(organization: Organization | None) -> QuerySet[AccessEvent]:
    """The entries of one log, to be asked further."""
    return AccessEvent.objects.for_organization(_id(organization))


def _id(organization: Organization | None) -> int | None:
    return organization.pk if organization else None


def _chains(organization: Organization | None) -> QuerySet[AccessChain]:
    return AccessChain.objects.for_organization(_id(organization))


def written(at: datetime) -> str:
    """A moment as the hash covers it."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _locked_chain(organization: Organization | None) -> AccessChain:
    chain, _ = _chains(organization).get_or_create(organization=organization)
    return _chains(organization).select_for_update().get(pk=chain.pk)
