"""The store over an organization's rows: the same ones, and the same log, that pages, API and sockets work on."""

from collections.abc import Iterator
from typing import Any

from interventions import actions
from interventions.insight import metrics
from interventions.lifecycle import Status, Type
from interventions.models import Intervention
from interventions.queries import InterventionQuerySet
from interventions.store import arguments
from interventions.store.interface import InterventionStore
from interventions.store.requests import DashboardMetrics, InterventionRequest, request_of
from pilots import database
from pilots.caller import Caller
from pilots.database import in_steps
from pilots.models import Organization


class DatabaseStore(InterventionStore):
    """One organization's requests. Each write is a transaction of its own, or part of the caller's."""

    def __init__(self, organization: Organization) -> None:
        self.organization = organization

    @property
    def _rows(self) -> InterventionQuerySet:
        return Intervention.objects.for_organization(self.organization.pk)

    def create_request(
        self,
        request_id: str,
        uow_id: str,
        intervention_type: Type | str,
        title: str,
        description: str,
        priority: str = "normal",
        context: dict[str, Any] | None = None,
        required_role: str = "OPERATOR",
        expires_in_seconds: int | None = 3600,
    ) -> InterventionRequest:
        given = (request_id, uow_id, intervention_type, title, description, priority, context)
        draft = arguments.draft_of(*given, required_role, expires_in_seconds)
        return request_of(actions.create(Caller.system(self.organization), draft).row)

    def get_request(self, request_id: str) -> InterventionRequest | None:
        found = self._rows.filter(request_id=request_id) if arguments.is_id(request_id) else self._rows.none()
        return next(map(request_of, found), None)

    def update_request(
        self,
        request_id: str,
        status: Status | str,
        action_reason: str | None = None,
        assigned_to: str | None = None,
    ) -> InterventionRequest | None:
        word = arguments.word_of(status, action_reason, assigned_to)
        known = arguments.is_id(request_id)
        row = actions.change_trusting(self.organization, request_id, word) if known else None
        return request_of(row) if row else None

    def get_pending_requests(self, pilot_id: str | None = None, limit: int = 50) -> list[InterventionRequest]:
        wanted = arguments.filters_of(pilot_id=pilot_id)["pilot_id"]
        rows = self._rows.pending(database.now())
        if wanted is not None:
            rows = rows.filter(assigned_to=wanted)
        return _shown(rows.by_urgency(), limit)

    def get_requests_by_status(
        self, status: Status | str, limit: int = 50, offset: int = 0
    ) -> list[InterventionRequest]:
        return self._newest(arguments.filters_of(status=status), limit, offset)

    def get_requests_by_priority(self, priority: str, limit: int = 50) -> list[InterventionRequest]:
        return self._newest(arguments.filters_of(priority=priority), limit)

    def get_requests_by_pilot(
        self, pilot_id: str, status: Status | str | None = None, limit: int = 50
    ) -> list[InterventionRequest]:
        narrower = {} if status is None else arguments.filters_of(status=status)
        return self._newest({"assigned_to": arguments.pilot_of(pilot_id)} | narrower, limit)

    def get_metrics(self) -> DashboardMetrics:
        return DashboardMetrics(**metrics.snapshot(self.organization.pk))

    def mark_expired(self) -> int:
        return actions.expire_due(self.organization)

    def clear_archived(self, days: int = 90) -> int:
        return actions.clear_archived(self.organization, arguments.age_of(days))

    def each_request(self) -> Iterator[InterventionRequest]:
        return map(request_of, in_steps(self._rows, "request_id"))

    def find_requests(self, request_ids: list[str]) -> dict[str, InterventionRequest]:
        return {row.request_id: request_of(row) for row in self._rows.filter(request_id__in=request_ids)}

    def _newest(self, wanted: dict[str, Any], limit: int, offset: int = 0) -> list[InterventionRequest]:
        return _shown(self._rows.filter(**wanted).order_by("-created_at", "-id"), limit, offset)


def _shown(rows: InterventionQuerySet, limit: int, offset: int = 0) -> list[InterventionRequest]:
    first = arguments.count_of("offset", offset)
    return [request_of(row) for row in rows[first : first + arguments.count_of("limit", limit)]]
