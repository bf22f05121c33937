"""How interventions are looked for: the named questions pages and programs ask."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.apps import apps
from django.db import connections
from django.db.models import CharField, Exists, OuterRef, Q, Subquery, Value
from django.db.models.functions import Substr
from django.db.models.lookups import Exact

from interventions import search_index
from interventions.lifecycle import OPEN, EventType, Status
from pilots.caller import Caller
from pilots.limits import Limits
from pilots.roles import Role
from pilots.tenancy import ScopedQuerySet

if TYPE_CHECKING:
    from interventions.models import Approval, Event, Intervention  # noqa: F401 -- named in the strings below


class InterventionQuerySet(ScopedQuerySet["Intervention"]):
    def for_caller(self, caller: Caller) -> Self:
        """The organization's rows; for a limited key those within its limits only."""
        rows = super().for_caller(caller)
        return rows.filter(_inside(caller.limits)) if caller.limits else rows

    _approvals_too = False

    def with_approvals(self) -> Self:
        """Reads the approvals along: by `row.approvals.all()` they then cost nothing."""
        rows = self.all()
        rows._approvals_too = True
        return rows

    def _clone(self) -> Self:
        clone = super()._clone()
        clone._approvals_too = self._approvals_too
        return clone

    def _fetch_all(self) -> None:
        are_new = self._result_cache is None
        super()._fetch_all()
        if are_new and self._approvals_too:
            _read_approvals(list(self._result_cache or ()), int(self._whose()))

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

    def decided(self) -> Self:
        """Those with a final status: by a constraint of the table they and no others have the moment of it."""
        return self.filter(action_timestamp__isnull=False)

    def with_first_claim(self, organization_id: int) -> Self:
        """Each with `claimed_at`, when somebody first claimed it: read off the log, for the row keeps no claim."""
        events = apps.get_model("interventions", "Event").objects.for_organization(organization_id)
        # An id may have been another request's before that one was forgotten.
        claims = events.filter(
            request_id=OuterRef("request_id"), type=EventType.CLAIMED, at__gte=OuterRef("created_at")
        )
        with_claim: Self = self.annotate(claimed_at=Subquery(claims.order_by("seq").values("at")[:1]))
        return with_claim

    def by_urgency(self) -> Self:
        return self.order_by("priority", "created_at", "id")

    def queue_of(self, pilot_id: str, role: Role) -> Self:
        """What this pilot could take: assigned to them or to nobody, as far as their role may decide it."""
        decidable = [least.value for least in Role if role.covers(least)] if role != Role.VIEWER else []
        return self.filter(Q(assigned_to=pilot_id) | Q(assigned_to=None), required_role__in=decidable)

    def holding(self, text: str, marks: Sequence[str] = ()) -> Self:
        """Search: those that hold a word beginning with each of the text's. Asks the index at once; for `marks` see
        there."""
        return self.among(search_index.find(int(self._whose()), text, marks))

    def among(self, found: search_index.Found) -> Self:
        """Those of them that a search has found, or is to find row by row."""
        if found.rows is not None:
            return self.filter(pk__one_of=found.rows)
        return self.filter(pk__holds=found.sought) if found.sought else self


class EventQuerySet(ScopedQuerySet["Event"]):
    def for_caller(self, caller: Caller) -> Self:
        """The organization's events; for a limited key those of interventions within its limits that are still kept."""
        rows = super().for_caller(caller)
        if not caller.limits:
            return rows
        interventions = apps.get_model("interventions", "Intervention").objects.for_caller(caller)
        return rows.filter(Exists(interventions.filter(request_id=OuterRef("request_id"))))


def _read_approvals(rows: list["Intervention"], organization_id: int) -> None:
    """As a prefetch would, which makes a query object for each row, but only of those that can have any: hardly one of
    those that wait."""
    approvals: dict[int, list[Approval]] = {row.pk: [] for row in rows}
    asked = [row.pk for row in rows if row.approvals_required > 1 or row.status in (Status.APPROVED, Status.COMPLETED)]
    if asked:
        model = apps.get_model("interventions", "Approval")
        for approval in model.objects.for_organization(organization_id).filter(intervention__in=asked):
            approvals[approval.intervention_id].append(approval)
    for row in rows:
        row.keep_approvals(approvals[row.pk])


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
