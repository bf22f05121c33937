"""What is stored: interventions, their approvals, the event log and its tallies. No behaviour: that is in `actions`."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from interventions.fields import ExactJSONField, WordsField
from interventions.lifecycle import FINAL, OPEN, Priority, Status, Type
from interventions.queries import EventQuerySet, InterventionQuerySet
from pilots.roles import ROLE_CHOICES, Role
from pilots.tenancy import AmbientQuerySet, OrganizationOwned

_OPEN = Q(status__in=sorted(OPEN))


class Intervention(OrganizationOwned):
    """One request for a pilot, from asked to acted on. The fields are those of docs/api.md."""

    # Other indexes begin with it. One over it alone would be written with each row, and PostgreSQL might walk through
    # all of an organization's rows by it.
    organization = models.ForeignKey("pilots.Organization", on_delete=models.CASCADE, related_name="+", db_index=False)
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
            models.Index(fields=["organization", "expires_at"], condition=_OPEN, name="open_by_deadline"),
            models.Index(fields=["claimed_until"], condition=Q(claimed_until__isnull=False), name="claimed_by_lease"),
            models.Index(fields=["organization", "status", "created_at", "id"], name="by_status"),
            models.Index(fields=["organization", "assigned_to"], name="by_assignee"),
            models.Index(fields=["organization", "uow_id"], name="by_uow"),
            models.Index(fields=["organization", "created_at", "id"], name="by_creation"),
            models.Index(fields=["organization", "updated_at", "id"], name="by_update"),
            models.Index(fields=["organization", "action_timestamp", "id"], name="by_decision"),
        ]

    def __str__(self) -> str:
        return f"{self.request_id}: {self.title}"

    def keep_approvals(self, approvals: list["Approval"]) -> None:
        """Lets `approvals.all()` answer from memory, as after a prefetch."""
        self._prefetched_objects_cache = {"approvals": approvals}

    def given_approvals(self) -> list["Approval"]:
        """The approvals, oldest first; from memory where they were read along."""
        kept: dict[str, list[Approval]] = getattr(self, "_prefetched_objects_cache", {})
        return kept["approvals"] if "approvals" in kept else list(self.approvals.all())


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


class SearchEntry(OrganizationOwned):
    """Under which words a request is found. Not a column of it: a request is changed many times, its words never are,
    and an index over them would be written anew with each change.

    The database's index over it is made by a migration, and asked in `search_index` only.
    """

    intervention = models.OneToOneField(Intervention, on_delete=models.CASCADE, primary_key=True, related_name="+")
    # Every word has the organization before it, so none is looked for by this column.
    organization = models.ForeignKey("pilots.Organization", on_delete=models.CASCADE, related_name="+", db_index=False)
    words = WordsField()

    class Meta:
        verbose_name_plural = "search entries"

    def __str__(self) -> str:
        return str(self.intervention_id)


class Stream(OrganizationOwned):
    """The head of an organization's event log. Its row is locked last in each writing transaction.

    `base_hash` is what the first event that is kept follows: "" unless the log was pruned.
    """

    organization = models.OneToOneField("pilots.Organization", on_delete=models.CASCADE, primary_key=True)
    epoch = models.CharField(max_length=32)
    first_seq = models.BigIntegerField(default=1)
    last_seq = models.BigIntegerField(default=0)
    head_hash = models.CharField(max_length=64, default="")
    base_hash = models.CharField(max_length=64, default="", db_default="")

    def __str__(self) -> str:
        return f"{self.organization} at {self.last_seq}"


class Event(OrganizationOwned):
    """One entry of the log. The hash covers digests of `data` and an opaque actor, so that both can be erased."""

    organization = models.ForeignKey("pilots.Organization", on_delete=models.CASCADE, related_name="+", db_index=False)
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

    organization = models.ForeignKey("pilots.Organization", on_delete=models.CASCADE, related_name="+", db_index=False)
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

    organization = models.ForeignKey("pilots.Organization", on_delete=models.CASCADE, related_name="+", db_index=False)
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


class NoticePosition(OrganizationOwned):
    """How far an organization's log has been read for notices. Whoever writes or takes notices holds its row."""

    organization = models.OneToOneField("pilots.Organization", on_delete=models.CASCADE, primary_key=True)
    seq = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.organization} read up to {self.seq}"


class Notice(OrganizationOwned):
    """Somebody who is not looking is to be told of requests: a pilot, or a chat of the organization.

    `left_until` keeps others off: while it is being sent, and after a failure until it is tried again.
    """

    pilot = models.ForeignKey("pilots.Pilot", on_delete=models.CASCADE, null=True, related_name="+")
    # Which of the organization's own hooks, where it is for no pilot.
    hook_id = models.BigIntegerField(null=True)
    channel = models.CharField(max_length=16)
    kind = models.CharField(max_length=16)
    request_ids = models.JSONField(default=list)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    left_until = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    # What became of it: `sent`, `void` (nothing was left to tell) or `failed`.
    outcome = models.CharField(max_length=8, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(pilot=None, hook_id__isnull=False) | Q(pilot__isnull=False, hook_id=None),
                name="notice_for_one",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(ended_at=None), name="notice_due"),
            models.Index(fields=["organization", "pilot"], condition=Q(ended_at=None), name="notice_open"),
            models.Index(fields=["ended_at", "organization"], name="notice_ended"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} by {self.channel}: {len(self.request_ids)}"


class PushSubscription(OrganizationOwned):
    """A browser on which a pilot is told of this organization's requests, until they sign out there.

    It is the sign-in's: `session_key` names it, and `seen_at` is when a page of the pilot's was last open there.
    `server_key` is the public key of ours that the browser was given; it takes messages signed with no other.
    """

    pilot = models.ForeignKey("pilots.Pilot", on_delete=models.CASCADE, related_name="+")
    session_key = models.CharField(max_length=40, db_index=True)
    endpoint = models.CharField(max_length=2000)
    endpoint_digest = models.CharField(max_length=64)
    p256dh = models.CharField(max_length=100)
    auth = models.CharField(max_length=32)
    server_key = models.CharField(max_length=100)
    device = models.CharField(max_length=100)
    created_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    # What its push service last refused with; blank where all is well.
    failure = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "endpoint_digest"], name="push_endpoint_once")]
        indexes = [
            models.Index(fields=["organization", "pilot"], name="push_by_pilot"),
            models.Index(fields=["endpoint_digest"], name="push_by_endpoint"),
        ]

    def __str__(self) -> str:
        return f"{self.device} of {self.pilot}"


class ChatHook(OrganizationOwned):
    """A channel of an organization's chat that is told of requests from a priority on.

    Whoever has the address can write there, so it lies sealed; pages show its host only.
    """

    kind = models.CharField(max_length=16)
    name = models.CharField(max_length=100)
    sealed_url = models.TextField()
    host = models.CharField(max_length=255)
    lowest_priority = models.PositiveSmallIntegerField(choices=[(p.value, p.word) for p in Priority])
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    # How the last message went: what was answered, and whether it was taken.
    last_at = models.DateTimeField(null=True)
    last_result = models.CharField(max_length=300, blank=True)
    last_good = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="chat_hook_name_once")]

    def __str__(self) -> str:
        return self.name
