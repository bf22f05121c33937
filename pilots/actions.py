"""The only writer of organizations, pilots and memberships: what may be made, joined and changed."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.core.validators import validate_email, validate_slug
from django.dispatch import Signal
from django.utils import timezone

from pilots import access_log
from pilots.access_log import SYSTEM, Party
from pilots.database import writing
from pilots.errors import InvalidInput, LastAdmin, NotFound
from pilots.models import Membership, Organization, Pilot, RefreshFamily, SignInLink
from pilots.roles import Role
from pilots.sign_in import sessions

# Inside the transaction that ends a membership, with `pilot` and `organization`.
# Sent inside the transaction, with the pilot, the organization, and the role that is left there: None where none is.
rights_lost = Signal()

_LOCAL_ID = re.compile(r"local:[^\s:/]+")


@dataclass(frozen=True, slots=True)
class Joined:
    """A pilot in an organization; `made` and `joined` are False where they were there already."""

    membership: Membership
    made: bool
    joined: bool


def create_organization(slug: str, *, name: str, by: Party = SYSTEM) -> tuple[Organization, bool]:
    """The organization of this slug, and whether it is new. One that is there keeps its name."""
    try:
        validate_slug(slug)
    except ValidationError as error:
        raise InvalidInput.field("slug", "use letters, digits, - and _ only, as in acme") from error
    if len(slug) > 63:
        raise InvalidInput.field("slug", "must have at most 63 characters")
    _check_name(name)
    with writing():
        organization, made = Organization.objects.get_or_create(slug=slug, defaults={"name": name})
        if made:
            access_log.record("organization_created", by, organization=organization, data={"name": name})
    return organization, made


def rename_organization(organization: Organization, name: str, *, by: Party = SYSTEM) -> None:
    """Its name for people from now on; the slug stays for good."""
    _check_name(name)
    with writing():
        row = Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
        _record_settings(row, {"name": (row.name, name)}, by)
        Organization.objects.filter(pk=row.pk).update(name=name)
    organization.name = name


def change_settings(
    organization: Organization, changes: dict[str, Any], *, without: Iterable[str] = (), by: Party = SYSTEM
) -> None:
    """Sets these of the organization's settings, takes those `without` away, and leaves the others."""
    with writing():
        row = Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
        kept = {name: value for name, value in row.settings.items() if name not in set(without)} | changes
        names = sorted(row.settings.keys() | kept.keys())
        _record_settings(row, {name: (row.settings.get(name), kept.get(name)) for name in names}, by)
        row.settings = kept
        row.save(update_fields=["settings"])
    organization.settings = row.settings


def _record_settings(organization: Organization, changes: dict[str, tuple[Any, Any]], by: Party) -> None:
    data = {name: {"from": old, "to": new} for name, (old, new) in changes.items() if old != new}
    if data:
        access_log.record("settings_changed", by, organization=organization, data=data)


def create_pilot(
    pilot_id: str,
    organization: Organization,
    role: Role,
    *,
    name: str = "",
    email: str = "",
    password: str = "",
    by: Party = SYSTEM,
) -> Joined:
    """A local pilot in the organization. One who is there keeps role, name and password, so repeating is harmless.

    Without a password nobody can sign in as the pilot until one is set.
    """
    _check_new_pilot(pilot_id, name, email)
    fields = {"name": name or pilot_id.removeprefix("local:"), "email": email}
    with writing():
        # The hash costs half a tenth of a second and is only made for a pilot who is new or has none.
        pilot, made = Pilot.objects.get_or_create(
            pilot_id=pilot_id, defaults=fields | {"password": lambda: make_password(password or None)}
        )
        if made:
            access_log.record("pilot_created", by, Party.of(pilot), organization=organization)
        elif password and not pilot.has_usable_password():
            _write_password(pilot, password, by)
        membership, joined = join(pilot, organization, role, by=by)
    return Joined(membership, made, joined)


def join(
    pilot: Pilot, organization: Organization, role: Role, *, by: Party = SYSTEM, how: str = ""
) -> tuple[Membership, bool]:
    """The pilot's membership, and whether it is new. One that is there stays as it is, deactivated ones too.

    `how` is for the access log.
    """
    rows = Membership.objects.and_deactivated().for_organization(organization.pk)
    with writing():
        row, joined = rows.get_or_create(organization=organization, pilot=pilot, defaults={"role": role.value})
        if joined:
            data = {"role": role.value} | ({"how": how} if how else {})
            access_log.record("member_joined", by, Party.of(pilot), organization=organization, data=data)
    return row, joined


def set_role(pilot: Pilot, organization: Organization, role: Role, *, by: Party = SYSTEM) -> tuple[Membership, bool]:
    """The membership with this role from now on, and whether it is new. Open sockets learn of it within seconds."""
    with writing():
        hold(organization)
        membership, joined = join(pilot, organization, role, by=by)
        before = Role(membership.role)
        if before != role:
            require_another_admin(membership)
            data = {"from": before.value, "to": role.value}
            access_log.record("role_changed", by, Party.of(pilot), organization=organization, data=data)
            membership.role = role.value
            membership.save(update_fields=["role"])
            if before.covers(role):
                tell_of_loss(pilot, organization, role, by)
    return membership, joined


def remove_member(pilot: Pilot, organization: Organization, *, by: Party = SYSTEM) -> bool:
    """Ends the pilot's membership with its claims and tokens; False where there was none. Raises LastAdmin.

    Open pages and sockets close within seconds.
    """
    with writing():
        hold(organization)
        rows = Membership.objects.and_deactivated().for_organization(organization.pk)
        row = rows.filter(pilot=pilot).first()
        if row is None:
            return False
        require_another_admin(row)
        tell_of_loss(pilot, organization, None, by)
        end_tokens(pilot, organization)
        row.delete()
        data = {"role": row.role}
        access_log.record("member_removed", by, Party.of(pilot), organization=organization, data=data)
    return True


def set_password(pilot: Pilot, password: str, *, by: Party = SYSTEM, keep: str = "") -> None:
    """The password from now on; every session and refresh token of before ends, but for the session to keep."""
    if pilot.oauth_provider != "local":
        raise InvalidInput.field("pilot_id", f"{pilot.pilot_id} signs in with {pilot.oauth_provider}, not a password")
    if not password:
        raise InvalidInput.field("password", "must not be empty")
    with writing():
        _write_password(pilot, password, by)
        end_sign_ins(pilot, keep)


def create_superuser(pilot_id: str, *, name: str = "", by: Party = SYSTEM) -> Pilot:
    """A pilot who may do everything, without a password; one who is there is raised to it and keeps the password."""
    _check_new_pilot(pilot_id, name, "")
    fields = {"name": name or pilot_id.removeprefix("local:"), "password": lambda: make_password(None)}
    with writing():
        pilot, made = Pilot.objects.get_or_create(pilot_id=pilot_id, defaults=fields)
        if made:
            access_log.record_of_pilot("pilot_created", pilot, by)
        set_rights(pilot, is_active=True, is_superuser=True, by=by)
    return pilot


def set_rights(
    pilot: Pilot, *, is_active: bool | None = None, is_superuser: bool | None = None, by: Party = SYSTEM
) -> None:
    """What a pilot may at all, from now on; None leaves it. One who is made inactive loses every sign-in."""
    with writing():
        mine = Membership.across_organizations.filter(pilot=pilot).select_related("organization")
        places = list(mine.order_by("organization_id")) if is_active is False else []
        for membership in places:
            require_another_admin(membership)
        before = Pilot.objects.select_for_update(no_key=True).get(pk=pilot.pk)
        if is_active is not None and is_active != before.is_active:
            access_log.record_of_pilot("pilot_activated" if is_active else "pilot_deactivated", pilot, by)
            pilot.is_active = is_active
        if is_superuser is not None:
            if is_superuser != before.is_superuser:
                access_log.record_of_pilot("superuser_granted" if is_superuser else "superuser_revoked", pilot, by)
            # The back office asks for both.
            pilot.is_superuser = pilot.is_staff = is_superuser
        pilot.save(update_fields=["is_active", "is_superuser", "is_staff"])
        if not pilot.is_active:
            end_sign_ins(pilot)
        for membership in places:
            tell_of_loss(pilot, membership.organization, None, by)


def require_another_admin(membership: Membership) -> None:
    """Raises LastAdmin where nobody else could let others in. Inside a transaction, which then holds the organization:
    of two admins who remove each other at once the second one stays."""
    organization = hold(membership.organization)
    admins = Membership.objects.for_organization(organization.pk).filter(role=Role.ADMIN, pilot__is_active=True)
    ids = set(admins.values_list("pilot_id", flat=True))
    if ids == {membership.pilot_id}:
        raise LastAdmin(
            f"{membership.pilot} is the only admin of {organization.slug}: make somebody else admin there first."
        )


def hold(organization: Organization) -> Organization:
    """Until the transaction ends nobody else changes who is in the organization, or as what."""
    return Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)


def end_tokens(pilot: Pilot, organization: Organization) -> int:
    """Ends the pilot's refresh tokens for this one organization; returns how many sign-ins that were."""
    families = RefreshFamily.objects.for_organization(organization.pk).filter(pilot=pilot, revoked_at=None)
    return families.update(revoked_at=timezone.now())


def tell_of_loss(pilot: Pilot, organization: Organization, role: Role | None, by: Party) -> None:
    rights_lost.send(sender=Membership, pilot=pilot, organization=organization, role=role, by=by)


def note_change(pilot: Pilot, fields: Iterable[str], *, by: Party) -> None:
    """Tells the access log which fields of somebody's profile another pilot has changed; the values are theirs."""
    if names := sorted(fields):
        access_log.record_of_pilot("pilot_changed", pilot, by, {"fields": names})


def end_sign_ins(pilot: Pilot, keep: str = "") -> int:
    """Ends the pilot's sessions and refresh tokens everywhere, but for the session to keep; returns how many sessions.

    Their open sockets close within seconds.
    """
    return sessions.end_all_of(pilot, keep)


def revoke_sessions(pilots: Iterable[Pilot], *, by: Party = SYSTEM) -> int:
    """Signs these pilots out everywhere, on record; returns how many sessions ended."""
    ended = 0
    for pilot in pilots:
        with writing():
            count = end_sign_ins(pilot)
            access_log.record_of_pilot("sessions_ended", pilot, by, {"sessions": count})
        ended += count
    return ended


def forget_ended_sign_ins() -> int:
    """Deletes sessions, refresh tokens and links that have run out; returns how many."""
    moment = timezone.now()
    ended = [
        Session.objects.filter(expire_date__lt=moment),
        RefreshFamily.across_organizations.filter(expires_at__lt=moment),
        SignInLink.objects.filter(expires_at__lt=moment),
    ]
    return sum(rows.delete()[0] for rows in ended)


def organization_of(slug: str) -> Organization:
    """The organization of this slug; raises NotFound, naming those there are."""
    found = Organization.objects.filter(slug=slug).first()
    if found is None:
        slugs = ", ".join(Organization.objects.values_list("slug", flat=True)[:10]) or "none yet"
        raise NotFound(f"There is no organization {slug!r} (there are: {slugs}); make it with create_org.")
    return found


def pilot_of(pilot_id: str) -> Pilot:
    """The pilot of this id; raises NotFound."""
    found = Pilot.objects.filter(pilot_id=pilot_id).first()
    if found is None:
        hint = "" if ":" in pilot_id else f" Did you mean local:{pilot_id}?"
        raise NotFound(f"There is no pilot {pilot_id!r}.{hint}")
    return found


def weakness_of(password: str) -> str | None:
    """What is unwise about a password, in one sentence; None where nothing is."""
    try:
        validate_password(password)
    except ValidationError as error:
        return " ".join(error.messages)
    return None


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > 255 or not name.isprintable():
        raise InvalidInput.field("name", "give the organization a name of 1 to 255 characters, on one line")


def _check_new_pilot(pilot_id: str, name: str, email: str) -> None:
    if not _LOCAL_ID.fullmatch(pilot_id) or len(pilot_id) > 255 or not pilot_id.isprintable():
        raise InvalidInput.field("pilot_id", f"write local:NAME, as in local:dana, not {pilot_id!r}")
    if len(name) > 255:
        raise InvalidInput.field("name", "must have at most 255 characters")
    if email:
        try:
            validate_email(email)
        except ValidationError as error:
            raise InvalidInput.field("email", f"{email!r} is not an e-mail address") from error


def _write_password(pilot: Pilot, password: str, by: Party) -> None:
    pilot.set_password(password)
    pilot.save(update_fields=["password"])
    access_log.record_of_pilot("password_changed", pilot, by)
