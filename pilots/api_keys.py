"""API keys: made, shown once, recognised again by their hash, rotated and revoked.

The only writer of keys; each change is told to the access log.
"""

import logging
import secrets
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from pilots import access_log, key_text, known_keys
from pilots.access_log import SYSTEM, Party
from pilots.database import writing
from pilots.errors import InvalidInput, NotAuthenticated, NotFound
from pilots.key_text import PREFIX as PREFIX
from pilots.limits import NO_LIMITS, Limits
from pilots.models import ApiKey, Organization

logger = logging.getLogger(__name__)

SCOPES = ("interventions:read", "interventions:write", "events:read", "metrics:read")
OVERLAP = timedelta(hours=24)
# An agent's people need some days to put a new key in place.
EXPIRES_SOON = timedelta(days=7)


class State(StrEnum):
    """`REPLACED` still opens, until its `expires_at`."""

    ACTIVE = "active"
    EXPIRES_SOON = "expires soon"
    REPLACED = "replaced"
    EXPIRED = "expired"
    REVOKED = "revoked"


def make(
    organization: Organization,
    name: str,
    scopes: list[str],
    expires_at: datetime | None = None,
    *,
    limits: Limits = NO_LIMITS,
    by: Party = SYSTEM,
) -> tuple[ApiKey, str]:
    """A new key's row and its text, which exists in this return value only."""
    check(organization, name, scopes, expires_at, limits)
    row = ApiKey(
        organization=organization,
        name=name,
        scopes=scopes,
        expires_at=expires_at,
        uow_id_prefix=limits.uow_id_prefix,
        intervention_types=limits.types,
    )
    try:
        with writing():
            return row, _store(row, "key_created", by)
    except IntegrityError as error:
        # Somebody made one of this name since it was checked.
        raise _name_taken(organization, name) from error


def rotate(key: ApiKey, overlap: timedelta = OVERLAP, *, by: Party = SYSTEM) -> tuple[ApiKey, str]:
    """A second key of the same name, scopes, limits and lifetime; `key` opens for `overlap` more, or no more at all.

    Never more than two of a name are alive: one that was still living from an earlier rotation ends now. Raises
    InvalidInput where `key` was replaced or revoked already.
    """
    with writing():
        # Whoever rotates the same key at the same moment waits here, and then finds it replaced.
        key = ApiKey.objects.for_organization(key.organization_id).select_for_update().get(pk=key.pk)
        if key.superseded_at is not None:
            raise InvalidInput("This key was replaced already; rotate the newer one of its name.")
        if key.revoked_at is not None:
            raise InvalidInput("This key was revoked; make a new one under another name.")
        moment = timezone.now()
        expires_at = None if key.expires_at is None else moment + (key.expires_at - key.created_at)
        ended = [row.key_id for row in living(key.organization, key.name) if row.pk != key.pk]
        _of_name(key.organization, key.name).filter(key_id__in=ended).update(revoked_at=moment)
        _retire(key, moment, overlap)
        row = ApiKey(
            organization=key.organization,
            name=key.name,
            scopes=key.scopes,
            expires_at=expires_at,
            uow_id_prefix=key.uow_id_prefix,
            intervention_types=key.intervention_types,
        )
        replaced = {"key_id": key.key_id, "ends_at": _told(key.revoked_at or key.expires_at)}
        return row, _store(row, "key_rotated", by, replaces=replaced, ended=ended)


def revoke(key: ApiKey, *, by: Party = SYSTEM) -> None:
    """The key opens nothing from now on, open sockets included; its row stays for the record."""
    with writing():
        moment = timezone.now()
        rows = ApiKey.objects.for_organization(key.organization_id).filter(pk=key.pk, revoked_at=None)
        if rows.update(revoked_at=moment):
            _record("key_revoked", key, by)
    key.refresh_from_db(fields=["revoked_at"])


def revoke_all(organization: Organization, name: str, *, by: Party = SYSTEM) -> list[ApiKey]:
    """Revokes every living key of this name; returns them."""
    with writing():
        rows = living(organization, name)
        for row in rows:
            revoke(row, by=by)
    return rows


def match(text: str) -> ApiKey:
    """The living key behind `text`; raises NotAuthenticated, saying why as far as the holder may know."""
    key_id = key_text.id_of(text)
    if key_id is None:
        raise _refused("not complete; copy it again")
    digest = key_text.digest(text)
    row = known_keys.find(digest) or _look_up(key_id, digest)
    if not stands(row):
        raise _refused("revoked or expired", key_id)
    known_keys.keep(row)
    return row


def _look_up(key_id: str, digest: str) -> ApiKey:
    row = ApiKey.across_organizations.select_related("organization").filter(key_id=key_id).first()
    if row is None or not secrets.compare_digest(row.digest, digest):
        raise _refused("not known", key_id)
    return row


def stands(key: ApiKey) -> bool:
    return key.revoked_at is None and (key.expires_at is None or key.expires_at > timezone.now())


def state(key: ApiKey) -> State:
    """What to tell a person about the key."""
    if key.revoked_at is not None:
        return State.REVOKED
    if not stands(key):
        return State.EXPIRED
    if key.superseded_at is not None:
        return State.REPLACED
    soon = key.expires_at is not None and key.expires_at <= timezone.now() + EXPIRES_SOON
    return State.EXPIRES_SOON if soon else State.ACTIVE


def limits_of(key: ApiKey) -> Limits:
    return Limits(key.uow_id_prefix, frozenset(key.intervention_types))


def all_of(organization: Organization) -> list[ApiKey]:
    """Every key there ever was: by name, the newest of a name first."""
    return list(ApiKey.objects.for_organization(organization.pk).order_by("name", "-pk"))


def living(organization: Organization, name: str) -> list[ApiKey]:
    """The keys of this name that open something: at most two, the newest first."""
    return [row for row in _of_name(organization, name).select_related("organization").order_by("-pk") if stands(row)]


def newest(organization: Organization, name: str) -> ApiKey:
    """The key of this name that was not replaced yet; raises NotFound."""
    row = _of_name(organization, name).select_related("organization").filter(superseded_at=None).first()
    if row is None:
        raise NotFound(f"{organization.slug} has no key named {name!r}; see list_api_keys --org {organization.slug}.")
    return row


def note_use(key: ApiKey) -> None:
    """Keeps `last_used_at` to the minute, so that a busy key does not write with each request."""
    moment = timezone.now()
    stale = Q(last_used_at=None) | Q(last_used_at__lt=moment - timedelta(minutes=1))
    if key.last_used_at is None or (moment - key.last_used_at).total_seconds() > 60:
        ApiKey.across_organizations.filter(stale, pk=key.pk).update(last_used_at=moment)
        key.last_used_at = moment


def check(
    organization: Organization,
    name: str,
    scopes: list[str],
    expires_at: datetime | None = None,
    limits: Limits = NO_LIMITS,
) -> None:
    """Raises InvalidInput where no such key can be made."""
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise InvalidInput.field("scopes", f"unknown {', '.join(unknown) or '(none given)'}; use {', '.join(SCOPES)}")
    if not name.strip() or len(name) > 100 or not name.isprintable():
        raise InvalidInput.field("name", "give the key a name of 1 to 100 printable characters")
    if expires_at is not None and expires_at <= timezone.now():
        raise InvalidInput.field("expires_at", "must lie ahead")
    limits.check()
    if limits and "metrics:read" in scopes:
        raise InvalidInput.field("scopes", "metrics:read is about the whole organization: not with limits")
    if _of_name(organization, name).exists():
        raise _name_taken(organization, name)


def _store(row: ApiKey, told: str, by: Party, **data: object) -> str:
    """Stores the row with a new secret, and returns the text."""
    row.key_id, text = key_text.new()
    row.digest, row.created_by = key_text.digest(text), by.name
    with transaction.atomic():
        row.save(force_insert=True)
    _record(told, row, by, **data)
    return text


def _retire(key: ApiKey, moment: datetime, overlap: timedelta) -> None:
    key.superseded_at = moment
    if overlap > timedelta():
        key.expires_at = min(key.expires_at or moment + overlap, moment + overlap)
    else:
        key.revoked_at = moment
    key.save(update_fields=["superseded_at", "expires_at", "revoked_at"])


def _record(told: str, key: ApiKey, by: Party, **data: object) -> None:
    known = {"key_id": key.key_id, "scopes": key.scopes, "expires_at": _told(key.expires_at)}
    data = known | limits_of(key).as_data() | data
    access_log.record(told, by, Party.of(key), organization=key.organization, data=data)
    known_keys.forget_all()
    # Again, for who read the key meanwhile as it still was.
    transaction.on_commit(known_keys.forget_all)


def _told(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")


def _of_name(organization: Organization, name: str) -> QuerySet[ApiKey]:
    return ApiKey.objects.for_organization(organization.pk).filter(name=name)


def _refused(why: str, key_id: str = "") -> NotAuthenticated:
    # The id says which key it was; what else was sent is not for the log.
    logger.warning("an API key was refused: it is %s (id %s)", why.partition(";")[0], key_id or "unreadable")
    return NotAuthenticated(f"This API key is {why}.", code="invalid_key")


def _name_taken(organization: Organization, name: str) -> InvalidInput:
    return InvalidInput.field("name", f"{organization.slug} already has a key named {name!r}; choose another name")
