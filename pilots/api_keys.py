"""API keys `chm_<id>_<secret><checksum>`: made, shown once, and recognised again by their hash."""

import hashlib
import secrets
import string
import zlib
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from pilots.errors import InvalidInput, NotAuthenticated
from pilots.models import ApiKey, Organization

SCOPES = ("interventions:read", "interventions:write", "events:read", "metrics:read")
PREFIX = "chm_"
_ALPHABET = string.digits + string.ascii_letters
_CHECKSUM_LENGTH = 6


def make(
    organization: Organization, name: str, scopes: list[str], expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """A new key's row and its text, which exists in this return value only."""
    check(organization, name, scopes)
    key_id = _random(12)
    body = f"{PREFIX}{key_id}_{_random(32)}"
    text = body + _checksum(body)
    row = ApiKey(
        organization=organization, name=name, key_id=key_id, digest=_digest(text), scopes=scopes, expires_at=expires_at
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        # Somebody made one of this name since it was checked.
        raise _name_taken(organization, name) from error
    return row, text


def match(text: str) -> ApiKey:
    """The living key behind `text`; raises NotAuthenticated, saying why as far as the holder may know."""
    body, checksum = text[:-_CHECKSUM_LENGTH], text[-_CHECKSUM_LENGTH:]
    parts = body.split("_")
    written = text.isascii() and text.startswith(PREFIX) and len(parts) == 3 and parts[1].isalnum()
    if not written or _checksum(body) != checksum:
        raise NotAuthenticated("This API key is not complete; copy it again.", code="invalid_key")
    row = ApiKey.across_organizations.select_related("organization").filter(key_id=parts[1]).first()
    if row is None or not secrets.compare_digest(row.digest, _digest(text)):
        raise NotAuthenticated("This API key is not known.", code="invalid_key")
    if not stands(row):
        raise NotAuthenticated("This API key was revoked or has expired.", code="invalid_key")
    return row


def stands(key: ApiKey) -> bool:
    return key.revoked_at is None and (key.expires_at is None or key.expires_at > timezone.now())


def note_use(key: ApiKey) -> None:
    """Keeps `last_used_at` to the minute, so that a busy key does not write with each request."""
    moment = timezone.now()
    stale = Q(last_used_at=None) | Q(last_used_at__lt=moment - timedelta(minutes=1))
    if key.last_used_at is None or (moment - key.last_used_at).total_seconds() > 60:
        ApiKey.across_organizations.filter(stale, pk=key.pk).update(last_used_at=moment)


def check(organization: Organization, name: str, scopes: list[str]) -> None:
    """Raises InvalidInput where no such key can be made."""
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise InvalidInput.field("scopes", f"unknown {', '.join(unknown) or '(none given)'}; use {', '.join(SCOPES)}")
    if not name.strip() or len(name) > 100:
        raise InvalidInput.field("name", "give the key a name of 1 to 100 characters")
    if ApiKey.objects.for_organization(organization.pk).filter(name=name).exists():
        raise _name_taken(organization, name)


def _name_taken(organization: Organization, name: str) -> InvalidInput:
    return InvalidInput.field("name", f"{organization.slug} already has a key named {name!r}; choose another name")


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _digest(text: str) -> str:
    # A plain hash is enough: the secret has 190 bits, and a server-wide pepper would tie all keys to one setting.
    return hashlib.sha256(text.encode()).hexdigest()


def _checksum(body: str) -> str:
    number, digits = zlib.crc32(body.encode()), []
    for _ in range(_CHECKSUM_LENGTH):
        number, rest = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[rest])
    return "".join(digits)
