"""What is stored of people, organizations and credentials."""

import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.validators import RegexValidator
from django.db import models
from django.utils.timezone import now

from pilots.roles import ROLE_CHOICES, Role
from pilots.tenancy import AmbientQuerySet, CrossingQuerySet, OrganizationOwned, ScopedQuerySet, Walled


class Organization(models.Model):
    """A tenant: it owns interventions, members and API keys. Its `slug` is its name in addresses and tokens."""

    slug = models.SlugField(max_length=63, unique=True)
    name = models.CharField(max_length=255)
    settings = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=now, editable=False)

    objects = models.Manager()

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.name


class PilotManager(BaseUserManager["Pilot"]):
    def create_user(self, pilot_id: str, password: str | None = None, **fields: object) -> "Pilot":
        pilot = self.model(pilot_id=pilot_id, **fields)
        pilot.set_password(password)
        pilot.save(using=self._db)
        return pilot

    def create_superuser(self, pilot_id: str, password: str | None = None, **fields: object) -> "Pilot":
        return self.create_user(pilot_id, password, is_staff=True, is_superuser=True, **fields)


class Pilot(AbstractBaseUser, PermissionsMixin):
    """A human on duty. `pilot_id` ("local:dana", "github:octocat") never changes after the first sign-in."""

    pilot_id = models.CharField(
        max_length=255, unique=True, validators=[RegexValidator(r"^[a-z]+:\S+$", "Write provider:name, as local:dana.")]
    )
    # Stands for the pilot in hashes, so that the name can be erased later without breaking the audit chain.
    opaque_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=255, blank=True)
    email = models.EmailField(blank=True)
    oauth_provider = models.CharField(max_length=50, default="local")
    oauth_id = models.CharField(max_length=255, blank=True)
    # Blank until chosen: pages show times as the device has them, and hours are reckoned in UTC.
    timezone = models.CharField(max_length=64, default="", blank=True)
    expertise_tags = models.JSONField(default=list, blank=True)
    working_hours = models.JSONField(default=dict, blank=True)
    on_duty = models.BooleanField(default=True)
    notifications = models.JSONField(default=dict, blank=True)
    # How the console looks and listens for this pilot, on whatever device; what is not there is as the device has it.
    preferences = models.JSONField(default=dict, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=now, editable=False)

    objects: ClassVar[PilotManager] = PilotManager()

    USERNAME_FIELD = "pilot_id"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        ordering = ["pilot_id"]

    def __str__(self) -> str:
        return self.name or self.pilot_id

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name or self.pilot_id


class _StandingOnly:
    """Shows memberships that were not deactivated. Whoever means the others too says so: what forgets to, lets nobody
    in."""

    def get_queryset(self) -> Any:
        return self.and_deactivated().filter(deactivated_at=None)

    def and_deactivated(self) -> Any:
        return super().get_queryset()  # type: ignore[misc]


class StandingMemberships(_StandingOnly, models.Manager.from_queryset(ScopedQuerySet)):  # type: ignore[misc]
    pass


class StandingMembershipsAnywhere(_StandingOnly, models.Manager.from_queryset(CrossingQuerySet)):  # type: ignore[misc]
    pass


class Membership(OrganizationOwned):
    """A pilot's place in an organization, with the role held there.

    One that is deactivated opens nothing; it keeps the role for the day it is reactivated.
    """

    pilot = models.ForeignKey(Pilot, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=ROLE_CHOICES, default=Role.OPERATOR.value)
    created_at = models.DateTimeField(default=now, editable=False)
    deactivated_at = models.DateTimeField(null=True, editable=False)

    ambient: ClassVar = AmbientQuerySet.as_manager()
    across_organizations: ClassVar = StandingMembershipsAnywhere()
    objects: ClassVar = StandingMemberships()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "pilot"], name="membership_once"),
            models.CheckConstraint(condition=models.Q(role__in=[r.value for r in Role]), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.pilot} in {self.organization}: {self.role}"


class Invitation(OrganizationOwned):
    """A way into an organization: a link that makes one pilot a member, once. Only the SHA-256 of its token is kept.

    With `email` only a pilot whose sign-in vouches for that very address may take it.
    """

    email = models.EmailField(blank=True)
    role = models.CharField(max_length=16, choices=ROLE_CHOICES, default=Role.OPERATOR.value)
    digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(Pilot, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=now, editable=False)
    expires_at = models.DateTimeField()
    accepted_by = models.ForeignKey(Pilot, on_delete=models.SET_NULL, null=True, related_name="+")
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(role__in=[r.value for r in Role]), name="invitation_role_known"),
        ]
        indexes = [models.Index(fields=["organization", "-created_at"], name="invitation_newest")]

    def __str__(self) -> str:
        return f"{self.email or 'a link'} to {self.organization} as {self.role}"


class ApiKey(OrganizationOwned):
    """An agent's credential. Only the SHA-256 of the key is kept; rows are revoked, never deleted, for the record.

    Rotation makes a second row of the same name; the first is `superseded` then, and lives until it expires.
    A key may be limited to a prefix of `uow_id` and to types of intervention: blank and empty limit nothing.
    """

    name = models.CharField(max_length=100)
    key_id = models.CharField(max_length=16, unique=True)
    digest = models.CharField(max_length=64)
    scopes = models.JSONField(default=list)
    uow_id_prefix = models.CharField(max_length=255, blank=True)
    intervention_types = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(default=now, editable=False)
    created_by = models.CharField(max_length=255, blank=True, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    superseded_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"],
                condition=models.Q(superseded_at=None),
                name="api_key_name_once",
            )
        ]
        verbose_name = "API key"

    def __str__(self) -> str:
        return self.name


class RefreshFamily(OrganizationOwned):
    """One sign-in's line of refresh tokens: only the newest works, and reuse of an old one ends the whole line.

    Claims of the newest token are kept so that its immediate predecessor can be answered with the very same one.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    pilot = models.ForeignKey(Pilot, on_delete=models.CASCADE, related_name="+")
    session_key = models.CharField(max_length=40, blank=True, db_index=True)
    current_jti = models.CharField(max_length=32)
    previous_jti = models.CharField(max_length=32, blank=True)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(default=now, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "refresh families"

    def __str__(self) -> str:
        return f"{self.pilot} since {self.created_at:%Y-%m-%d %H:%M}"


class SignInLink(models.Model):
    """A link that signs one pilot in, once and soon. Only the SHA-256 of its token is kept."""

    pilot = models.ForeignKey(Pilot, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=now, editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.pilot} until {self.expires_at:%Y-%m-%d %H:%M}"


class AccessChain(Walled):
    """The head of one access log: an organization's, or the installation's own (without an organization)."""

    organization = models.OneToOneField(Organization, on_delete=models.PROTECT, null=True, related_name="+")
    last_seq = models.BigIntegerField(default=0)
    head_hash = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [
            # A unique column lets any number of rows be null.
            models.UniqueConstraint(
                models.Value(1), condition=models.Q(organization=None), name="access_chain_installation_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.organization or 'installation'} up to {self.last_seq}"


class AccessEvent(Walled):
    """Who came in, who was let in, and what they were let do: sign-ins, members, roles, keys. Append-only and chained.

    `actor` did it to `subject`, each a pilot_id, `key:<name>` or `system`. The hash covers `actor_reference` and
    `subject_reference` instead of the names, and a salted digest instead of `data`, so that a person can be erased.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, null=True, related_name="+")
    seq = models.BigIntegerField()
    type = models.CharField(max_length=32)
    at = models.DateTimeField()
    actor = models.CharField(max_length=255)
    actor_reference = models.CharField(max_length=64)
    subject = models.CharField(max_length=255, blank=True)
    subject_reference = models.CharField(max_length=64, blank=True)
    data = models.JSONField(default=dict)
    salt = models.CharField(max_length=32, blank=True)
    data_digest = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "seq"], name="access_event_seq_once"),
            models.UniqueConstraint(
                fields=["seq"], condition=models.Q(organization=None), name="access_event_installation_seq_once"
            ),
        ]
        # What the page of the log is narrowed by, newest first.
        indexes = [
            models.Index(fields=["organization", "type", "seq"], name="access_event_by_type"),
            models.Index(fields=["organization", "actor", "seq"], name="access_event_by_actor"),
            models.Index(fields=["organization", "subject", "seq"], name="access_event_by_subject"),
            models.Index(fields=["organization", "at"], name="access_event_by_moment"),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.type}"
