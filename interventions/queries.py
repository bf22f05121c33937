"""How interventions are looked for: the named questions pages and programs ask."""

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.apps import apps
from django.db import connections
from django.db.models import CharField, Exists, OuterRef, Q, Value
from django.db.models.functions import Substr
from django.db.models.lookups import Exact

from interventions.lifecycle import OPEN, Status
from pilots.caller import Caller
from pilots.limits import Limits
from pilots.roles import Role
from pilots.tenancy import ScopedQuerySet

if TYPE_CHECKING:
    from interventions.models import Event, Intervention  # noqa: F401 -- named in the strings below


class InterventionQuerySet(ScopedQuerySet["Intervention"]):
    def for_caller(self, caller: Caller) -> Self:
        """The organization's rows; for a limited key those within its limits only."""
        rows = super().for_caller(caller)
        return rows.filter(_inside(caller.limits)) if caller.limits else rows

    def with_approvals(self) -> Self:
        return self.prefetch_related("approvals")

    def not_past(self, now: datetime) -> Self:
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now))

    def open(self, now: datetime) -> Self:
        """Still to be decided: not decided and not past the deadline."""
        return self.filter(status__among=OPEN).not_past(now)

    def pending(self, now: datetime) -> Self:
        """The contract's "pending": nobody has claimed it, and its deadline is ahead."""
        rows = self.filter(status=Status.PENDING).not_past(now)
        # PostgreSQL sees by itself that pending ones are in the indexes of open ones; told twice, it would guess that
        # there are fewer. SQLite has to be told.
        return rows.filter(status__among=OPEN) if connections[self.db].vendor == "sqlite" else rows

    def overdue(self, now: datetime) -> Self:
        return self.filter(status__among=OPEN, expires_at__lte=now)

    def by_urgency(self) -> Self:
        return self.order_by("priority", "created_at", "id")

    def queue_of(self, pilot_id: str, role: Role) -> Self:
        """What this pilot could take: assigned to them or to nobody, as far as their role may decide it."""
        decidable = [least.value for least in Role if role.covers(least)] if role != Role.VIEWER else []
        return self.filter(Q(assigned_to=pilot_id) | Q(assigned_to=None), required_role__in=decidable)

    def matching(self, text: str) -> Self:
        """Search by words in what a pilot reads."""
        return self.filter(
            Q(title__icontains=text)
            | Q(description__icontains=text)
            | Q(uow_id__icontains=text)
            | Q(request_id__icontains=text)
        )


class EventQuerySet(ScopedQuerySet["Event"]):
    def for_caller(self, caller: Caller) -> Self:
        """The organization's events; for a limited key those of interventions within its limits that are still kept."""
        rows = super().for_caller(caller)
        if not caller.limits:
            return rows
        interventions = apps.get_model("interventions", "Intervention").objects.for_caller(caller)
        return rows.filter(Exists(interventions.filter(request_id=OuterRef("request_id"))))


def _inside(limits: Limits) -> Q:
    """`Limits.cover`, for the database."""
    inside = Q()
    if limits.uow_id_prefix:
        # Not `startswith`: SQLite's LIKE takes capitals for small letters.
        beginning = Substr("uow_id", 1, len(limits.uow_id_prefix), output_field=CharField())
        inside &= Q(Exact(beginning, Value(limits.uow_id_prefix)))
    if limits.intervention_types:
        inside &= Q(intervention_type__in=limits.types)
    return inside
