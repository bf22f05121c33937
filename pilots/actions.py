"""The only writer of organizations, pilots and memberships: what may be made, joined and changed."""

import re
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.core.validators import validate_email, validate_slug
from django.utils import timezone

from pilots.database import writing
from pilots.errors import InvalidInput, NotFound
from pilots.models import Membership, Organization, Pilot, RefreshFamily, SignInLink
from pilots.roles import Role

_LOCAL_ID = re.compile(r"local:[^\s:/]+")


@dataclass(frozen=True, slots=True)
class Joined:
    """A pilot in an organization; `made` and `joined` are False where they were there already."""

    membership: Membership
    made: bool
    joined: bool


def create_organization(slug: str, *, name: str) -> tuple[Organization, bool]:
    """The organization of this slug, and whether it is new. One that is there keeps its name."""
    try:
        validate_slug(slug)
    except ValidationError as error:
        raise InvalidInput.field("slug", "use letters, digits, - and _ only, as in acme") from error
    if len(slug) > 63:
        raise InvalidInput.field("slug", "must have at most 63 characters")
    if not name.strip() or len(name) > 255:
        raise InvalidInput.field("name", "give the organization a name of 1 to 255 characters")
    with writing():
        return Organization.objects.get_or_create(slug=slug, defaults={"name": name})


def change_settings(organization: Organization, changes: dict[str, Any]) -> None:
    """Sets these of the organization's settings and leaves the others."""
    with writing():
        row = Organization.objects.select_for_update().get(pk=organization.pk)
        row.settings |= changes
        row.save(update_fields=["settings"])
    organization.settings = row.settings


def create_pilot(
    pilot_id: str, organization: Organization, role: Role, *, name: str = "", email: str = "", password: str = ""
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
        if not made and password and not pilot.has_usable_password():
            _write_password(pilot, password)
        membership, joined = join(pilot, organization, role)
    return Joined(membership, made, joined)


def join(pilot: Pilot, organization: Organization, role: Role) -> tuple[Membership, bool]:
    """The pilot's membership, and whether it is new. One that is there keeps its role."""
    rows = Membership.objects.for_organization(organization.pk)
    return rows.get_or_create(organization=organization, pilot=pilot, defaults={"role": role.value})


def set_role(pilot: Pilot, organization: Organization, role: Role) -> tuple[Membership, bool]:
    """The membership with this role from now on, and whether it is new. Open sockets learn of it within seconds."""
    with writing():
        membership, joined = join(pilot, organization, role)
        if membership.role != role.value:
            membership.role = role.value
            membership.save(update_fields=["role"])
    return membership, joined


def set_password(pilot: Pilot, password: str) -> None:
    """The password from now on; every session and refresh token of before ends."""
    if pilot.oauth_provider != "local":
        raise InvalidInput.field("pilot_id", f"{pilot.pilot_id} signs in with {pilot.oauth_provider}, not a password")
    if not password:
        raise InvalidInput.field("password", "must not be empty")
    with writing():
        _write_password(pilot, password)
        end_sign_ins(pilot)


def create_superuser(pilot_id: str, *, name: str = "") -> Pilot:
    """A pilot who may do everything, without a password; one who is there is raised to it and keeps the password."""
    _check_new_pilot(pilot_id, name, "")
    fields = {"name": name or pilot_id.removeprefix("local:"), "password": lambda: make_password(None)}
    rights = {"is_staff": True, "is_superuser": True, "is_active": True}
    with writing():
        pilot, made = Pilot.objects.get_or_create(pilot_id=pilot_id, defaults=fields | rights)
        if not made:
            Pilot.objects.filter(pk=pilot.pk).update(**rights)
            pilot.refresh_from_db()
    return pilot


def end_sign_ins(pilot: Pilot) -> None:
    """Revokes the pilot's refresh tokens everywhere; sessions end by themselves when the password changes."""
    families = RefreshFamily.across_organizations.filter(pilot=pilot, revoked_at=None)
    families.update(revoked_at=timezone.now())


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


def _write_password(pilot: Pilot, password: str) -> None:
    pilot.set_password(password)
    pilot.save(update_fields=["password"])
