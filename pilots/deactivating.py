"""A member who shall not get in for now: what ends with it, and the way back. Here only, whoever they are elsewhere.

Whole persons are deactivated by superusers: `pilots.actions.set_rights`.
"""

from dataclasses import dataclass

from pilots import access_log, actions, database, invitations
from pilots.access_log import SYSTEM, Party
from pilots.database import writing
from pilots.errors import NotAllowed
from pilots.memberships import memberships_of
from pilots.models import ApiKey, Membership, Organization, Pilot, RefreshFamily


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a member has at hand in an organization, of what `pilots` keeps; `keys` outlive their maker."""

    sign_ins: int
    invitations: int
    keys: list[str]


def holdings(pilot: Pilot, organization: Organization) -> Holdings:
    """What deactivating, or removing, this member would end now, and which keys it would leave."""
    pk, now = organization.pk, database.now()
    families = RefreshFamily.objects.for_organization(pk).filter(pilot=pilot, revoked_at=None, expires_at__gt=now)
    made = ApiKey.objects.for_organization(pk).filter(created_by=pilot.pilot_id, revoked_at=None, superseded_at=None)
    open_ones = [row for row in invitations.open_of(organization) if row.invited_by_id == pilot.pk]
    return Holdings(families.count(), len(open_ones), list(made.order_by("name").values_list("name", flat=True)))


def deactivate(pilot: Pilot, organization: Organization, *, by: Party = SYSTEM) -> bool:
    """Ends what the pilot can do here; False where there was nothing to end. Raises LastAdmin, and NotAllowed for
    oneself.

    Claims and open invitations go as with a removal; pages, tokens and sockets end within seconds. Role and place stay.
    """
    with writing():
        actions.hold(organization)
        row = Membership.objects.for_organization(organization.pk).filter(pilot=pilot).first()
        if row is None:
            return False
        require_deactivable(row, by=by)
        actions.tell_of_loss(pilot, organization, None, by)
        actions.end_tokens(pilot, organization)
        row.deactivated_at = database.now()
        _keep(row, "member_deactivated", by)
        # A session is a person's. Where it opens nothing any more it ends; elsewhere it is nobody's here to end.
        if not memberships_of(pilot) and not pilot.is_superuser:
            actions.end_sign_ins(pilot)
    return True


def require_deactivable(row: Membership, *, by: Party) -> None:
    """Raises LastAdmin where nobody else could let others in, and NotAllowed for oneself."""
    if by.reference == Party.of(row.pilot).reference:
        raise NotAllowed("You cannot deactivate yourself: ask another admin.")
    with writing():
        actions.require_another_admin(row)


def reactivate(pilot: Pilot, organization: Organization, *, by: Party = SYSTEM) -> bool:
    """Lets the pilot in again, with the role of before; False where there was nothing to give back."""
    with writing():
        actions.hold(organization)
        rows = Membership.objects.and_deactivated().for_organization(organization.pk)
        row = rows.filter(pilot=pilot).exclude(deactivated_at=None).first()
        if row is None:
            return False
        row.deactivated_at = None
        _keep(row, "member_reactivated", by)
    return True


def _keep(row: Membership, told_as: str, by: Party) -> None:
    rows = Membership.objects.and_deactivated().for_organization(row.organization_id).filter(pk=row.pk)
    rows.update(deactivated_at=row.deactivated_at)
    access_log.record(told_as, by, Party.of(row.pilot), organization=row.organization, data={"role": row.role})
