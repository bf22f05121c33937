"""Access and refresh tokens: issued, rotated, and revoked as a whole family when an old one is used again."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from pilots.caller import Caller
from pilots.database import writing
from pilots.errors import NotAuthenticated
from pilots.models import Membership, RefreshFamily
from pilots.sign_in import sessions

REFRESH_COOKIE = "chameleon_refresh"
REFRESH_PATH = "/api/token"
# Two tabs may refresh at the same moment: for this long the immediate predecessor is answered with its successor.
REUSE_GRACE = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class TokenPair:
    access: str
    refresh: str
    expires_at: datetime
    refresh_expires_at: datetime
    membership: Membership


def issue(membership: Membership, session_key: str = "") -> TokenPair:
    """A new family's first pair of tokens."""
    moment = timezone.now()
    with writing():
        family = RefreshFamily.objects.create(
            organization=membership.organization,
            pilot=membership.pilot,
            session_key=session_key,
            current_jti=uuid.uuid4().hex,
            issued_at=moment,
            expires_at=moment + timedelta(days=settings.REFRESH_TOKEN_DAYS),
        )
    return _pair(family, membership)


def rotate(refresh: str) -> TokenPair:
    """The next pair. The immediate predecessor gets the same successor for ten seconds; any other reuse revokes."""
    claims = _refresh_claims(refresh)
    with writing():
        family = _locked_family(claims)
        membership = _membership(family)
        _require_session(family)
        if claims["jti"] == family.current_jti:
            _advance(family)
        elif not _is_fresh_predecessor(family, claims["jti"]):
            family.revoked_at = timezone.now()
            family.save(update_fields=["revoked_at"])
    if family.revoked_at:
        # Raised outside the transaction, which would otherwise undo the revocation.
        raise NotAuthenticated("This refresh token was used before; sign in again.", code="token_reused")
    return _pair(family, membership)


def revoke(refresh: str) -> str:
    """Ends the family behind a refresh token; returns the key of the session it belongs to, or ''."""
    try:
        claims = _refresh_claims(refresh)
    except NotAuthenticated:
        return ""
    families = RefreshFamily.across_organizations.filter(pk=claims["fam"])
    families.filter(revoked_at=None).update(revoked_at=timezone.now())
    return families.values_list("session_key", flat=True).first() or ""


def revoke_session(session_key: str) -> None:
    """Ends every family that was started by this session."""
    families = RefreshFamily.across_organizations.filter(session_key=session_key, revoked_at=None)
    families.update(revoked_at=timezone.now())


def end_with_session(request: HttpRequest | None = None, **_signal: Any) -> None:
    """Hears that somebody signs out on a page: their tokens end too."""
    if request is not None and request.session.session_key:
        revoke_session(request.session.session_key)


def caller_of(access: str) -> Caller:
    """Who an access token speaks for now: its role is the one held today, not the one at its issue."""
    try:
        token = AccessToken(access)  # type: ignore[arg-type]
    except TokenError as error:
        raise NotAuthenticated("The access token is not valid or has expired; get a new one.") from error
    family = RefreshFamily.across_organizations.filter(pk=_uuid(token.get("fam")), revoked_at=None).first()
    if family is None:
        raise NotAuthenticated("This sign-in has ended; sign in again.")
    return Caller.of_pilot(_membership(family), credential=f"family:{family.pk}")


def _pair(family: RefreshFamily, membership: Membership) -> TokenPair:
    refresh = RefreshToken()
    refresh.payload |= _claims(family, membership) | {
        "jti": family.current_jti,
        "iat": int(family.issued_at.timestamp()),
        "exp": int(family.expires_at.timestamp()),
    }
    access = AccessToken()
    access.payload |= _claims(family, membership)
    expires_at = datetime.fromtimestamp(access["exp"], tz=timezone.get_default_timezone())
    return TokenPair(str(access), str(refresh), expires_at, family.expires_at, membership)


def _claims(family: RefreshFamily, membership: Membership) -> dict[str, Any]:
    return {
        "sub": membership.pilot.pilot_id,
        "role": membership.role,
        "org": membership.organization.slug,
        "fam": family.pk.hex,
    }


def _refresh_claims(refresh: str) -> dict[str, Any]:
    try:
        token = RefreshToken(refresh)  # type: ignore[arg-type]
    except TokenError as error:
        raise NotAuthenticated("There is no valid refresh token; sign in again.") from error
    return {"fam": _uuid(token.get("fam")), "jti": token.get("jti")}


def _locked_family(claims: dict[str, Any]) -> RefreshFamily:
    families = RefreshFamily.across_organizations.select_for_update()
    family = families.filter(pk=claims["fam"], revoked_at=None).first()
    if family is None:
        raise NotAuthenticated("This sign-in has ended; sign in again.")
    return family


def _require_session(family: RefreshFamily) -> None:
    """A family that a session began does not outlive it, whether it was ended or ran out."""
    if family.session_key and not sessions.stands(family.session_key):
        raise NotAuthenticated("This session has ended; sign in again.")


def _membership(family: RefreshFamily) -> Membership:
    rows = Membership.objects.for_organization(family.organization_id).select_related("organization", "pilot")
    row = rows.filter(pilot_id=family.pilot_id, pilot__is_active=True).first()
    if row is None:
        raise NotAuthenticated("You are no longer in this organization; ask an admin.", code="no_membership")
    return row


def _advance(family: RefreshFamily) -> None:
    family.previous_jti, family.current_jti = family.current_jti, uuid.uuid4().hex
    family.issued_at = timezone.now()
    family.save(update_fields=["previous_jti", "current_jti", "issued_at"])


def _is_fresh_predecessor(family: RefreshFamily, jti: str) -> bool:
    return jti == family.previous_jti and timezone.now() - family.issued_at <= REUSE_GRACE


def _uuid(text: object) -> uuid.UUID:
    try:
        return uuid.UUID(str(text))
    except ValueError as error:
        raise NotAuthenticated("This token is not one of ours; sign in again.") from error
