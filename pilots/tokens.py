"""Access and refresh tokens: issued, rotated, and revoked as a whole family when an old one is used again."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from pilots import access_log, database
from pilots.caller import Caller
from pilots.database import now, writing
from pilots.errors import NotAuthenticated
from pilots.models import Membership, RefreshFamily
from pilots.sign_in import second_factor, sessions

REFRESH_COOKIE = "chameleon_refresh"
REFRESH_PATH = "/api/token"
# The clock that access tokens go by, the one all servers share. By a name of its own: where a test puts the database's
# clock hours ahead for requests to run out, people stay signed in.
shared_now = now
# Two tabs may refresh at the same moment: for this long the immediate predecessor is answered with its successor.
REUSE_GRACE = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class TokenPair:
    access: str
    refresh: str
    expires_at: datetime
    refresh_expires_at: datetime
    membership: Membership


@dataclass(frozen=True, slots=True)
class Page:
    """What a page of ours says of itself: its organization's slug, and the session it is open in."""

    organization: str
    session_key: str | None


def issue(membership: Membership, session_key: str = "") -> TokenPair:
    """A new family's first pair of tokens. It replaces the one this session had in this organization."""
    second_factor.require(membership)
    moment = database.now()
    with writing():
        if session_key:
            # One after the other: two tabs that ask at once would each miss the other's family.
            Membership.across_organizations.select_for_update(no_key=True).filter(pk=membership.pk).first()
            families = RefreshFamily.objects.for_organization(membership.organization_id)
            families.filter(session_key=session_key, revoked_at=None).update(revoked_at=moment)
        family = RefreshFamily.objects.create(
            organization=membership.organization,
            pilot=membership.pilot,
            session_key=session_key,
            current_jti=uuid.uuid4().hex,
            issued_at=moment,
            expires_at=_end(session_key, moment),
        )
    return _pair(family, membership)


def rotate(refresh: str, page: Page | None = None, address: str = "") -> TokenPair:
    """The next pair. The immediate predecessor gets the same successor for ten seconds; any other reuse ends all.

    With `page` only a family of its very session and organization is rotated: a browser has one refresh cookie, which
    may be another tab's. `address` is noted where a token was used again.
    """
    claims = _refresh_claims(refresh)
    with writing():
        family = _locked_family(claims)
        if page is not None:
            _require_its_own(family, page)
        is_reused = claims["jti"] != family.current_jti and not _is_fresh_predecessor(family, claims["jti"])
        if is_reused:
            _end_reused(family, address)
        else:
            membership = _membership(family)
            _require_session(family)
            if claims["jti"] == family.current_jti:
                _advance(family)
    if is_reused:
        # Raised outside the transaction, which would otherwise undo the revocation.
        raise NotAuthenticated("This refresh token was used before; sign in again.", code="token_reused")
    if family.session_key:
        sessions.prolong(family.session_key)
    return _pair(family, membership)


def revoke(refresh: str, address: str = "") -> str:
    """Ends the family behind a refresh token and its session; returns the session's key, or '' where there is none."""
    try:
        claims = _refresh_claims(refresh)
    except NotAuthenticated:
        return ""
    family = RefreshFamily.across_organizations.filter(pk=claims["fam"]).first()
    if family is None:
        return ""
    with writing():
        rows = RefreshFamily.across_organizations.filter(pk=family.pk, revoked_at=None)
        if rows.update(revoked_at=database.now()):
            access_log.record_of_pilot("signed_out", family.pilot, data={"through": "token", "address": address})
        if family.session_key:
            sessions.end(family.session_key)
    return family.session_key


def caller_of(access: str) -> Caller:
    """Who an access token speaks for now: its role is the one held today, not the one at its issue."""
    try:
        token = AccessToken(access)  # type: ignore[arg-type]
    except TokenError as error:
        raise NotAuthenticated("The access token is not valid or has expired; get a new one.") from error
    # The library went by this server's own clock, with patience (SIMPLE_JWT).
    if token["exp"] <= shared_now().timestamp():
        raise NotAuthenticated("The access token has expired; get a new one.")
    families = RefreshFamily.across_organizations.filter(revoked_at=None, expires_at__gt=database.now())
    family = families.filter(pk=_uuid(token.get("fam"))).first()
    if family is None:
        raise NotAuthenticated("This sign-in has ended; sign in again.")
    _require_session(family)
    return Caller.of_pilot(_membership(family), credential=f"family:{family.pk}")


def _pair(family: RefreshFamily, membership: Membership) -> TokenPair:
    moment = shared_now()
    refresh = RefreshToken()
    refresh.payload |= _claims(family, membership) | {
        "jti": family.current_jti,
        # The row's own beginning is by this server's clock, as the library checks it.
        "iat": int(family.created_at.timestamp()),
        "exp": int(family.expires_at.timestamp()),
    }
    access = AccessToken()
    access.payload |= _claims(family, membership)
    access.set_iat(at_time=moment)
    access.set_exp(from_time=moment)
    expires_at = datetime.fromtimestamp(access["exp"], tz=UTC)
    return TokenPair(str(access), str(refresh), expires_at, family.expires_at, membership)


def _end(session_key: str, moment: datetime) -> datetime:
    """Days after the sign-in, whether that was a session's, which has an end of its own, or is this one."""
    end = moment + timedelta(days=settings.REFRESH_TOKEN_DAYS)
    return min(end, sessions.deadline(session_key) or moment) if session_key else end


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
    family = families.filter(pk=claims["fam"], revoked_at=None, expires_at__gt=database.now()).first()
    if family is None:
        raise NotAuthenticated("This sign-in has ended; sign in again.")
    return family


def _require_its_own(family: RefreshFamily, page: Page) -> None:
    if family.session_key != page.session_key or family.organization.slug != page.organization:
        raise NotAuthenticated("This refresh token is another page's; ask by session.", code="other_page")


def _end_reused(family: RefreshFamily, address: str) -> None:
    """Somebody else may hold the other copy, so whoever holds any of it is put out: tokens and session."""
    family.revoked_at = database.now()
    family.save(update_fields=["revoked_at"])
    if family.session_key:
        sessions.end(family.session_key)
    access_log.record_of_pilot("token_reused", family.pilot, access_log.UNKNOWN, {"address": address})


def _require_session(family: RefreshFamily) -> None:
    """A family that a session began does not outlive it, whether it was ended or ran out."""
    if family.session_key and not sessions.stands(family.session_key):
        raise NotAuthenticated("This session has ended; sign in again.")


def _membership(family: RefreshFamily) -> Membership:
    rows = Membership.objects.for_organization(family.organization_id).select_related("organization", "pilot")
    row: Membership | None = rows.filter(pilot_id=family.pilot_id, pilot__is_active=True).first()
    if row is None:
        raise NotAuthenticated("You are no longer in this organization; ask an admin.", code="no_membership")
    second_factor.require(row)
    return row


def _advance(family: RefreshFamily) -> None:
    family.previous_jti, family.current_jti = family.current_jti, uuid.uuid4().hex
    family.issued_at = database.now()
    family.save(update_fields=["previous_jti", "current_jti", "issued_at"])


def _is_fresh_predecessor(family: RefreshFamily, jti: str) -> bool:
    return jti == family.previous_jti and database.now() - family.issued_at <= REUSE_GRACE


def _uuid(text: object) -> uuid.UUID:
    try:
        return uuid.UUID(str(text))
    except ValueError as error:
        raise NotAuthenticated("This token is not one of ours; sign in again.") from error
