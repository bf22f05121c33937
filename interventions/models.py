"""What is stored: interventions, their approvals, the event log and its tallies. No behaviour: that is in `actions`."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from interventions.fields import ExactJSONField
from interventions.lifecycle import FINAL, OPEN, Priority, Status, Type
from interventions.queries import EventQuerySet, InterventionQuerySet
from pilots.roles import ROLE_CHOICES, Role
from pilots.tenancy import AmbientQuerySet, OrganizationOwned

_OPEN = Q(status__in=sorted(OPEN))


class Intervention(OrganizationOwned):
    """One request for a pilot, from asked to acted on. The fields are those of docs/api.md."""

    request_id = models.CharField(max_length=255)
    uow_id = models.CharField(max_length=255)
    intervention_type = models.CharField(max_length=32, choices=[(t.value, t.value) for t in Type])
    status = models.CharField(max_length=16, choices=[(s.value, s.value) for s in Status], default=Status.PENDING.value)
    priority = models.PositiveSmallIntegerField(choices=[(p.value, p.word) for p in Priority])
    title = models.CharField(max_length=255)
    description = models.TextField(blank=True)
    context = ExactJSONField(default=dict)
    tags = ExactJSONField(default=list)
    response_schema = ExactJSONField(null=True)
    response = ExactJSONField(null=True)
    required_role = models.CharField(max_length=16, choices=ROLE_CHOICES, default=Role.OPERATOR.value)
    approvals_required = models.PositiveSmallIntegerField(default=1)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    action_timestamp = models.DateTimeField(null=True)
    assigned_to = models.CharField(max_length=255, null=True)  # noqa: DJ001 -- null is the contract's "nobody"
    claimed_until = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=255, null=True)  # noqa: DJ001 -- null is the contract's "nobody"
    action_reason = models.CharField(max_length=2000, null=True)  # noqa: DJ001 -- null is the contract's "none"
    version = models.PositiveIntegerField(default=1)
    content_hash = models.CharField(max_length=64)
    draft_digest = models.CharField(max_length=64)
    delivered_at = models.DateTimeField(null=True)
    outcome = ExactJSONField(null=True)

    ambient: ClassVar = AmbientQuerySet.as_manager()
    objects: ClassVar = InterventionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "request_id"], name="request_id_once"),
            models.CheckConstraint(
                condition=_OPEN & Q(action_timestamp=None, decided_by=None)
                | Q(status__in=sorted(FINAL), action_timestamp__isnull=False, claimed_until=None),
                name="status_and_decision_agree",
            ),
            models.CheckConstraint(
                condition=Q(claimed_until=None) | Q(status=Status.IN_PROGRESS.value, assigned_to__isnull=False),
                name="claim_has_claimant",
            ),
            models.CheckConstraint(
                condition=Q(action_timestamp=None)
                | Q(expires_at=None)
                | Q(action_timestamp__lt=F("expires_at"))
                | Q(status=Status.EXPIRED.value),
                name="decided_before_expiry",
            ),
            models.CheckConstraint(condition=Q(version__gte=1), name="version_from_one"),
            models.CheckConstraint(
                condition=Q(approvals_required__gte=1, approvals_required__lte=5), name="approvals_one_to_five"
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "priority", "created_at", "id"], condition=_OPEN, name="open_by_urgency"
            ),
            models.Index(fields=["organization", "created_at"], condition=_OPEN, name="open_by_age"),
            models.Index(fields=["expires_at"], condition=_OPEN, name="open_by_expiry"),
            models.Index(fields=["claimed_until"], condition=Q(claimed_until__isnull=False), name="claimed_by_lease"),
            models.Index(fields=["organization", "status", "priority"], name="by_status_priority"),
            models.Index(fields=["organization", "assigned_to"], name="by_assignee"),
            models.Index(fields=["organization", "uow_id"], name="by_uow"),
            models.Index(fields=["organization", "created_at", "id"], name="by_creation"),
            models.Index(fields=["organization", "updated_at", "id"], name="by_update"),
            models.Index(fields=["organization", "action_timestamp"], name="by_decision"),
        ]

    def __str__(self) -> str:
        return f"{self.request_id}: {self.title}"


class Approval(OrganizationOwned):
    """One pilot's yes; the quorum counts distinct pilots."""

    intervention = models.ForeignKey(Intervention, on_delete=models.CASCADE, related_name="approvals")
    pilot_id = models.CharField(max_length=255)
    at = models.DateTimeField()
    action_reason = models.CharField(max_length=2000, null=True)  # noqa: DJ001 -- null is the contract's "none"

    class Meta:
        constraints = [models.UniqueConstraint(fields=["intervention", "pilot_id"], name="one_approval_per_pilot")]
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.pilot_id} at {self.at}"


class Stream(OrganizationOwned):
    """The head of an organization's event log. Its row is locked last in each writing transaction."""

    organization = models.OneToOneField("pilots.Organization", on_delete=models.CASCADE, primary_key=True)
    epoch = models.CharField(max_length=32)
    first_seq = models.BigIntegerField(default=1)
    last_seq = models.BigIntegerField(default=0)
    head_hash = models.CharField(max_length=64, default="")

    def __str__(self) -> str:
        return f"{self.organization} at {self.last_seq}"


class Event(OrganizationOwned):
    """One entry of the log. The hash covers digests of `data` and an opaque actor, so that both can be erased."""

    seq = models.BigIntegerField()
    type = models.CharField(max_length=32)
    request_id = models.CharField(max_length=255)
    at = models.DateTimeField()
    actor = models.CharField(max_length=255)
    actor_reference = models.CharField(max_length=64)
    data = ExactJSONField(default=dict)
    salt = models.CharField(max_length=32)
    data_digest = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)
    # The row an event decides, for good: unique, so that the database itself refuses a second decision.
    decides = models.BigIntegerField(null=True, unique=True)

    ambient: ClassVar = AmbientQuerySet.as_manager()
    objects: ClassVar = EventQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "seq"], name="seq_once")]
        indexes = [models.Index(fields=["organization", "request_id", "seq"], name="by_request")]
        ordering = ["seq"]

    def __str__(self) -> str:
        return f"{self.seq} {self.type} {self.request_id}"


class Tally(OrganizationOwned):
    """How many interventions of a kind are in a status (the all-time row), or came into it on a day.

    `seconds` sums the time from creation to decision. Written under the stream's lock only.
    """

    day = models.DateField()
    intervention_type = models.CharField(max_length=32)
    priority = models.PositiveSmallIntegerField()
    status = models.CharField(max_length=16)
    count = models.BigIntegerField(default=0)
    seconds = models.FloatField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "day", "intervention_type", "priority", "status"], name="tally_once"
            )
        ]
        verbose_name_plural = "tallies"

    def __str__(self) -> str:
        return f"{self.day} {self.status}: {self.count}"


class PilotTally(OrganizationOwned):
    """How many decided interventions count for a pilot: the one assigned, else the one who decided."""

    pilot_id = models.CharField(max_length=255)
    count = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "pilot_id"], name="pilot_tally_once")]
        indexes = [models.Index(fields=["organization", "-count"], name="top_pilots")]
        verbose_name_plural = "pilot tallies"

    def __str__(self) -> str:
        return f"{self.pilot_id}: {self.count}"


class IdempotencyRecord(OrganizationOwned):
    """What one Idempotency-Key of one credential led to, kept for 24 hours."""

    credential = models.CharField(max_length=64)
    key = models.CharField(max_length=255)
    digest = models.CharField(max_length=64)
    request_ids = models.JSONField(default=list)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "credential", "key"], name="key_once")]

    def __str__(self) -> str:
        return self.key
