"""What must not be as it was after a restore, or when rows have moved to another database?

Nothing is known of what happened since the backup was made: nobody may go on as if nothing had, and what went out once
does not go out again.
"""

from uuid import uuid4

from interventions.models import Notice, NoticePosition, Stream
from pilots import access_log, database
from pilots.access_log import SYSTEM
from pilots.models import Invitation, Organization


def settle(backup_at: str) -> dict[str, str]:
    """Inside the transaction of the restore; returns the new epoch of each organization's log, by slug."""
    epochs = {}
    for organization in Organization.objects.all():
        _end_invitations(organization)
        _end_notices(organization)
        epochs[organization.slug] = _begin_epoch(organization)
        access_log.record("restored", SYSTEM, organization=organization, data={"backup": backup_at})
    access_log.record("restored", SYSTEM, data={"backup": backup_at})
    return epochs


def _begin_epoch(organization: Organization) -> str:
    """Old positions mean nothing any more: whoever comes with one, or holds one, is told to fetch anew."""
    epoch = uuid4().hex
    Stream.objects.for_organization(organization.pk).update(epoch=epoch)
    return epoch


def _end_invitations(organization: Organization) -> None:
    """They work once, and may have been revoked since."""
    standing = Invitation.objects.for_organization(organization.pk).filter(accepted_at=None, revoked_at=None)
    standing.update(revoked_at=database.now())


def _end_notices(organization: Organization) -> None:
    """What was due has been sent, as far as anybody knows; what is due later, as a warning, still is."""
    now = database.now()
    due = Notice.objects.for_organization(organization.pk).filter(ended_at=None, due_at__lte=now)
    due.update(ended_at=now, outcome="void")
    if stream := Stream.objects.for_organization(organization.pk).first():
        positions = NoticePosition.objects.for_organization(organization.pk)
        positions.update_or_create(organization_id=organization.pk, defaults={"seq": stream.last_seq})
