"""The second factor: whose role needs one, who has one, and does this code fit?

Codes come from an authenticator app (TOTP, RFC 6238) or from the list of recovery codes. Each works once, whoever asks
at the same moment. Passkeys need a browser: forms.py checks them.
"""

import logging
import time
from collections.abc import Iterable
from typing import Any, Literal

from allauth.mfa import app_settings as mfa_settings
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from pilots import access_log
from pilots.database import writing
from pilots.errors import NotAllowed, NotAuthenticated
from pilots.memberships import memberships_of
from pilots.models import Membership, Organization, Pilot
from pilots.roles import Role
from pilots.sign_in import sealing, sessions, telling, tries

logger = logging.getLogger(__name__)

# The organization's setting: a list of roles.
REQUIRED_ROLES = "mfa_required_roles"
# What is a factor by itself; recovery codes only stand in for one that is lost.
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def required_roles(organization: Organization) -> list[Role]:
    """The roles for which the organization asks for a second factor."""
    named = organization.settings.get(REQUIRED_ROLES) or []
    return [role for role in Role if role.value in named]


def is_required(membership: Membership) -> bool:
    return Role(membership.role) in required_roles(membership.organization)


def is_enrolled(pilot: Pilot) -> bool:
    return bool(Authenticator.objects.filter(user=pilot, type__in=FACTORS).exists())


def is_missing(membership: Membership) -> bool:
    """True where this membership opens nothing until its pilot has set a second factor up."""
    return is_required(membership) and not is_enrolled(membership.pilot)


def require(membership: Membership) -> None:
    """Raises NotAllowed where a second factor is missing."""
    if is_missing(membership):
        raise NotAllowed(
            f"{membership.organization.name} asks its {membership.role}s for a second factor; set one up on the page "
            "of your account first.",
            code="second_factor_required",
        )


def asked_for_by(pilot: Pilot) -> list[Membership]:
    """The memberships for which the pilot needs a second factor, set up or not."""
    return [membership for membership in memberships_of(pilot) if is_required(membership)]


def lacking(memberships: Iterable[Membership]) -> set[Membership]:
    """Those of many memberships whose second factor is missing, in one query."""
    asked = [membership for membership in memberships if is_required(membership)]
    if not asked:
        return set()
    have = enrolled(membership.pilot_id for membership in asked)
    return {membership for membership in asked if membership.pilot_id not in have}


def enrolled(pilots: Iterable[int]) -> set[int]:
    """Those of many pilots, by their keys, who have a second factor."""
    return set(Authenticator.objects.filter(user__in=set(pilots), type__in=FACTORS).values_list("user", flat=True))


def check_code(pilot: Pilot, code: str, address: str, *, through: Literal["page", "token"]) -> Authenticator:
    """Uses the code up and returns what it came from; raises NotAuthenticated, or TooMany.

    Counted per account, from wherever the tries come: who gets here knows the password, and six digits are few.
    """
    with tries.counted(f"second factor of {pilot.pilot_id}", ""):
        used = _use_up(pilot, code)
        if used is None:
            telling.failed(pilot.pilot_id, address, through=through)
            raise NotAuthenticated("The code is wrong, or was used before.", code="invalid_code")
    return used


def reset(pilot: Pilot, actor: access_log.Party) -> int:
    """Takes every second factor away, for a pilot who has lost theirs; returns how many there were."""
    with writing():
        rows = Authenticator.objects.filter(user=pilot)
        count = len(rows.filter(type__in=FACTORS))
        rows.delete()
        sessions.end_all_of(pilot)
        if count:
            access_log.record_of_pilot("second_factor_removed", pilot, actor, {"kind": "all"})
    return count


def note_added(request: HttpRequest, user: Pilot, authenticator: Authenticator, **_signal: Any) -> None:
    """Hears that a factor was added: whoever was signed in elsewhere never showed it, and is signed out."""
    if authenticator.type == Authenticator.Type.TOTP:
        # The code that proved it right is used up too.
        authenticator.data["last_counter"] = int(time.time()) // mfa_settings.TOTP_PERIOD
        authenticator.save(update_fields=["data"])
    if authenticator.type in FACTORS:
        sessions.end_all_of(user, keep=request.session.session_key or "")
        access_log.record_of_pilot("second_factor_added", user, data={"kind": authenticator.type})


def note_removed(user: Pilot, authenticator: Authenticator, **_signal: Any) -> None:
    if authenticator.type in FACTORS:
        access_log.record_of_pilot("second_factor_removed", user, data={"kind": authenticator.type})


def _use_up(pilot: Pilot, code: str) -> Authenticator | None:
    digits = "".join(code.split()).replace("-", "")
    with writing():
        rows = Authenticator.objects.select_for_update().filter(user=pilot).exclude(type=Authenticator.Type.WEBAUTHN)
        for row in rows.order_by("-type"):
            try:
                fits = _totp(row, digits) if row.type == Authenticator.Type.TOTP else _recovery_code(row, digits)
            except sealing.Unreadable:
                logger.error("the second factor of %s cannot be read: was SECRET_KEY changed?", pilot.pilot_id)
                continue
            if fits:
                return row
    return None


def _totp(row: Authenticator, code: str) -> bool:
    secret = sealing.unseal(row.data["secret"])
    used = row.data.get("last_counter", -1)
    for counter in yield_hotp_counters_from_time():
        # Only later codes than the last one: none works twice, not even in the half minute before it is over.
        if counter > used and constant_time_compare(format_hotp_value(hotp_value(secret, counter)), code):
            row.data |= {"last_counter": counter, "secret": sealing.renew(row.data["secret"])}
            row.save(update_fields=["data"])
            return True
    return False


def _recovery_code(row: Authenticator, code: str) -> bool:
    try:
        return bool(row.wrap().validate_code(code))
    except ValidationError:
        return False
