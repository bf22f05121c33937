"""Ways into an organization: a link for one person, once, within days; with an e-mail address only for its owner."""

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import QuerySet
from django.utils import timezone

from pilots import access_log, actions
from pilots.access_log import SYSTEM, Party
from pilots.database import writing
from pilots.errors import InvalidInput, NotAllowed, NotFound
from pilots.models import Invitation, Membership, Organization, Pilot
from pilots.roles import Role
from pilots.sign_in.identities import verified_emails

LIFETIME = timedelta(days=7)


def invite(
    organization: Organization, role: Role, *, email: str = "", by: Pilot | None = None
) -> tuple[Invitation, str]:
    """A new invitation and the token of its link, which exists in this return value only."""
    email = email.strip()
    if email:
        _check(organization, email)
    token, moment = secrets.token_urlsafe(32), timezone.now()
    with writing():
        row = Invitation.objects.create(
            organization=organization,
            email=email,
            role=role.value,
            digest=_digest(token),
            invited_by=by,
            expires_at=moment + LIFETIME,
        )
        data = {"role": role.value} | ({"email": email} if email else {})
        access_log.record("invited", Party.of(by) if by else SYSTEM, organization=organization, data=data)
    return row, token


def look(token: str) -> Invitation:
    """The invitation as long as it can be accepted; raises NotFound. Looking does not use it up."""
    rows = Invitation.across_organizations.select_related("organization", "invited_by")
    found = _standing(rows).filter(digest=_digest(token)).first()
    if found is None:
        raise NotFound("This invitation was used, taken back, or has run out; ask for a new one.")
    return found


def accept(token: str, pilot: Pilot) -> Membership:
    """The pilot's membership; of two who accept at once one gets it. A member already keeps their role.

    Raises NotFound where the invitation has ended, NotAllowed where it is for the owner of another address, or for
    somebody who was deactivated here.
    """
    invitation = look(token)
    _require_addressee(invitation, pilot)
    with writing():
        rows = _standing(Invitation.objects.for_organization(invitation.organization_id)).filter(pk=invitation.pk)
        if not rows.update(accepted_by=pilot, accepted_at=timezone.now()):
            raise NotFound("Somebody else was quicker: this invitation has just been used. Ask for a new one.")
        role = Role(invitation.role)
        membership, _ = actions.join(pilot, invitation.organization, role, by=Party.of(pilot), how="invitation")
        if membership.deactivated_at is not None:
            raise NotAllowed(
                f"You were deactivated in {invitation.organization}. An invitation does not change that; ask an admin "
                "there to reactivate you.",
                code="deactivated",
            )
    return membership


def revoke(invitation: Invitation, *, by: Party = SYSTEM) -> None:
    """Its link leads nowhere from now on. One that has ended already stays as it ended."""
    with writing():
        rows = _standing(Invitation.objects.for_organization(invitation.organization_id)).filter(pk=invitation.pk)
        if rows.update(revoked_at=timezone.now()):
            data = {"role": invitation.role} | ({"email": invitation.email} if invitation.email else {})
            access_log.record("invitation_revoked", by, organization=invitation.organization, data=data)


def hear_rights_lost(pilot: Pilot, organization: Organization, role: Role | None, by: Party, **_signal: Any) -> None:
    """Hears that somebody is admin no more: what they have at hand lets nobody in, themselves least of all."""
    if role is not Role.ADMIN:
        for row in _standing(Invitation.objects.for_organization(organization.pk)).filter(invited_by=pilot):
            row.organization = organization
            revoke(row, by=by)


def open_of(organization: Organization) -> list[Invitation]:
    """Those that can still be accepted, the newest first."""
    rows = Invitation.objects.for_organization(organization.pk).select_related("invited_by")
    return list(_standing(rows).order_by("-created_at", "-pk"))


def _standing(rows: QuerySet[Invitation]) -> QuerySet[Invitation]:
    return rows.filter(accepted_at=None, revoked_at=None, expires_at__gt=timezone.now())


def _check(organization: Organization, email: str) -> None:
    try:
        validate_email(email)
    except ValidationError as error:
        raise InvalidInput.field("email", f"{email!r} is not an e-mail address") from error
    if len(email) > 254:
        raise InvalidInput.field("email", "must have at most 254 characters")
    if any(row.email.lower() == email.lower() for row in open_of(organization)):
        raise InvalidInput.field("email", f"{email} has an open invitation; take that back first")


def _require_addressee(invitation: Invitation, pilot: Pilot) -> None:
    if invitation.email and invitation.email.lower() not in verified_emails(pilot):
        raise NotAllowed(
            f"This invitation is for the owner of {invitation.email}, and nobody vouches that you are: sign in with "
            "an account that has this address, or ask for an invitation without one.",
            code="another_addressee",
        )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
