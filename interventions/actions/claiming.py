"""Who works on it: claim, release, assign; and what is said and granted meanwhile: comment, extend."""

from datetime import datetime, timedelta
from typing import Any

from interventions.actions.change import Held, hold, require_open, require_unclaimed, write
from interventions.errors import Conflict
from interventions.lifecycle import CLAIM_LEASE, EventType, Status
from interventions.models import Intervention
from interventions.queries import InterventionQuerySet
from pilots import database
from pilots.caller import Caller
from pilots.database import writing
from pilots.errors import InvalidInput
from pilots.models import Membership, Organization, Pilot
from pilots.roles import Role


def claim(caller: Caller, request_id: str, *, take_over: bool = False) -> Intervention:
    """A lease of ten minutes for the caller; claiming again renews it. `take_over` ends another's claim, on record."""
    with writing():
        held = hold(caller, request_id, "claim")
        require_open(held)
        if held.status == Status.IN_PROGRESS and held.row.assigned_to == caller.actor:
            return _renew(held)
        claimant = held.claimant
        if not take_over:
            require_unclaimed(held)
        extra = {"take_over": True, "from": claimant} if claimant else {}
        changes = {
            "status": Status.IN_PROGRESS,
            "assigned_to": caller.actor,
            "claimed_until": held.now + CLAIM_LEASE,
        }
        return write(held, EventType.CLAIMED, changes, extra=extra)


def release(caller: Caller, request_id: str) -> Intervention:
    """Gives a claim or an assignment of the caller's back to everybody."""
    with writing():
        held = hold(caller, request_id, "release")
        require_open(held)
        require_unclaimed(held)
        if held.status == Status.PENDING and held.assignee != caller.actor:
            raise Conflict("You have not claimed it; there is nothing to release.", intervention=held.row)
        changes = {"status": Status.PENDING, "assigned_to": None, "claimed_until": None}
        return write(held, EventType.RELEASED, changes)


def release_all_of(organization: Organization, pilot_id: str, *, told_as: str | None = None) -> int:
    """Gives what this pilot has claimed, or was assigned, back to everybody, for they are gone; returns how much."""
    with writing():
        now = database.now()
        rows = _in_hands_of(organization, pilot_id, now)
        held = list(rows.select_for_update(of=("self",)).with_approvals().order_by("pk"))
        for row in held:
            changes: dict[str, Any] = {"status": Status.PENDING, "assigned_to": None, "claimed_until": None}
            told = Held(Caller.system(organization), row, now)
            write(told, EventType.RELEASED, changes, extra={"from": told_as or pilot_id})
    return len(held)


def count_in_hands_of(organization: Organization, pilot_id: str) -> int:
    """How much `release_all_of` would give back now."""
    return _in_hands_of(organization, pilot_id, database.now()).count()


def hear_rights_lost(pilot: Pilot, organization: Organization, role: Role | None, **_signal: Any) -> None:
    """Hears, inside the transaction, that somebody may decide no more: others shall not wait for them."""
    if role is None or not role.covers(Role.OPERATOR):
        release_all_of(organization, pilot.pilot_id)


def assign(caller: Caller, request_id: str, *, pilot_id: str) -> Intervention:
    """Puts it into a pilot's queue; a claim of the caller's own ends with it."""
    with writing():
        held = hold(caller, request_id, "assign")
        _require_assignable(caller, pilot_id)
        require_open(held)
        require_unclaimed(held)
        if held.assignee == pilot_id:
            return held.row
        changes = {"status": Status.PENDING, "assigned_to": pilot_id, "claimed_until": None}
        return write(held, EventType.ASSIGNED, changes)


def comment(caller: Caller, request_id: str, *, text: str) -> Intervention:
    """Adds a remark to the record, in any state; the intervention itself stays as it is."""
    with writing():
        held = hold(caller, request_id, "comment")
        return write(held, EventType.COMMENTED, {}, extra={"text": text})


def extend(caller: Caller, request_id: str, *, expires_in_seconds: int | None) -> Intervention:
    """Moves the deadline to so many seconds from now (None: never), unless it is past."""
    with writing():
        held = hold(caller, request_id, "extend")
        require_open(held)
        deadline = None if expires_in_seconds is None else held.now + timedelta(seconds=expires_in_seconds)
        return write(held, EventType.EXTENDED, {"expires_at": deadline})


def _in_hands_of(organization: Organization, pilot_id: str, now: datetime) -> InterventionQuerySet:
    return Intervention.objects.for_organization(organization.pk).open(now).filter(assigned_to=pilot_id)


def _renew(held: Held) -> Intervention:
    """Moves the lease only: no event and no new version, for an open page does this every few minutes."""
    held.row.claimed_until = held.now + CLAIM_LEASE
    rows = Intervention.objects.for_organization(held.row.organization_id).filter(pk=held.row.pk)
    rows.update(claimed_until=held.row.claimed_until)
    return held.row


def _require_assignable(caller: Caller, pilot_id: str) -> None:
    members = Membership.objects.for_caller(caller).filter(pilot__pilot_id=pilot_id, pilot__is_active=True)
    role = members.values_list("role", flat=True).first()
    if role is None:
        raise InvalidInput.field("pilot_id", f"no pilot {pilot_id!r} is in this organization")
    if not Role(role).covers(Role.OPERATOR):
        raise InvalidInput.field("pilot_id", f"{pilot_id} is a viewer, who only reads; assign an operator or admin")
