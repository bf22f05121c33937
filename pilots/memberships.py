"""Which organization a pilot acts in, and with which role."""

from datetime import datetime

from django.contrib.sessions.backends.base import SessionBase
from django.db.models import Max

from pilots import database, duty
from pilots.caller import Caller
from pilots.errors import InvalidInput, NotAllowed, NotFound
from pilots.models import Membership, Organization, Pilot, RefreshFamily
from pilots.roles import Role


def memberships_of(pilot: Pilot) -> list[Membership]:
    rows = Membership.across_organizations.filter(pilot=pilot).select_related("organization", "pilot")
    return list(rows.order_by("organization__slug"))


def choose(pilot: Pilot, slug: str | None) -> Membership:
    """The membership a request acts under: in the organization named, else in the only one there is."""
    rows = memberships_of(pilot)
    if slug:
        for row in rows:
            if row.organization.slug == slug:
                return row
        raise NotFound(f"You are not in an organization named {slug!r}.")
    if not rows:
        raise NotAllowed("You are in no organization yet; ask an admin to invite you.", code="no_membership")
    if len(rows) > 1:
        slugs = ", ".join(row.organization.slug for row in rows)
        raise InvalidInput(
            f"You are in several organizations ({slugs}); name one.",
            code="organization_required",
            errors={"organization": [f"one of {slugs}"]},
        )
    return rows[0]


def remember(session: SessionBase, membership: Membership) -> None:
    """Notes where the pilot was last; only `/` asks for it, every other page names its organization itself."""
    if session.get("organization") != membership.organization.slug:
        session["organization"] = membership.organization.slug


def last_used(pilot: Pilot, session: SessionBase) -> Membership | None:
    """What a pilot who names no organization means: the membership last used, else the first; None: there is none."""
    rows = memberships_of(pilot)
    return next((row for row in rows if row.organization.slug == session.get("organization")), next(iter(rows), None))


def deactivated_in(pilot: Pilot) -> list[Organization]:
    """Where the pilot is a member who is not let in."""
    rows = Membership.across_organizations.and_deactivated().filter(pilot=pilot).exclude(deactivated_at=None)
    return [row.organization for row in rows.select_related("organization").order_by("organization__slug")]


def last_seen(organization: Organization, rows: list[Membership]) -> dict[int, datetime | None]:
    """When each of these members signed in last, or, later than that, when a page or program of theirs last showed
    itself here; None: never."""
    families = RefreshFamily.objects.for_organization(organization.pk).filter(pilot__in=[row.pilot_id for row in rows])
    shown = dict(families.order_by().values_list("pilot_id").annotate(Max("issued_at")))
    moments = {row.pilot_id: (row.pilot.last_login, shown.get(row.pilot_id)) for row in rows}
    return {pilot_id: max(filter(None, both), default=None) for pilot_id, both in moments.items()}


def colleagues(caller: Caller) -> list[Membership]:
    """Who may work on requests in the caller's organization, the caller among them; at most 200, by name."""
    rows = Membership.objects.for_caller(caller).filter(pilot__is_active=True).exclude(role=Role.VIEWER)
    return list(rows.select_related("pilot").order_by("pilot__name", "pilot__pilot_id")[:200])


def count_on_duty(organization_id: int) -> int:
    """How many of those who may work on requests say that they are there, and are within their working hours."""
    rows = Membership.objects.for_organization(organization_id).exclude(role=Role.VIEWER)
    there = rows.filter(pilot__is_active=True, pilot__on_duty=True)
    keeping_hours = there.exclude(pilot__working_hours={}).select_related("pilot")
    asked = keeping_hours.only("pilot__on_duty", "pilot__working_hours", "pilot__timezone")
    now = database.now()
    away = sum(duty.state(row.pilot, now) != "on" for row in asked)
    count: int = there.count()
    return count - away
