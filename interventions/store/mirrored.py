"""Two stores at once, so that requests can move from one to the other while everybody goes on working."""

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import batched
from typing import Any

from interventions.lifecycle import Status, Type
from interventions.likeness import differing
from interventions.store.interface import InterventionStore
from interventions.store.requests import DashboardMetrics, InterventionRequest

logger = logging.getLogger(__name__)

# Requests held against each other at a time.
BATCH = 500
# Of each value in a difference so much is shown.
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Difference:
    """A request that is not the same in both stores, and in what."""

    request_id: str
    problem: str

    def __str__(self) -> str:
        return f"{self.request_id}: {self.problem}"


class MirroredStore(InterventionStore):
    """Every write goes to both, reads come from the primary.

    What the secondary makes of it is never the caller's trouble: it is logged, and counted in `differences`. What the
    primary refuses, the secondary does not hear of. Writes go one after the other, so that both see them in one order:
    do not call it inside a transaction of your own.
    """

    def __init__(self, primary: InterventionStore, secondary: InterventionStore) -> None:
        self.primary, self.secondary = primary, secondary
        self.differences = 0
        self._lock = threading.RLock()

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
        return self._both(request_id, lambda store: store.create_request(*given, required_role, expires_in_seconds))

    def update_request(
        self,
        request_id: str,
        status: Status | str,
        action_reason: str | None = None,
        assigned_to: str | None = None,
    ) -> InterventionRequest | None:
        return self._both(
            request_id, lambda store: store.update_request(request_id, status, action_reason, assigned_to)
        )

    def mark_expired(self) -> int:
        return self._both("mark_expired", lambda store: store.mark_expired())

    def clear_archived(self, days: int = 90) -> int:
        return self._both("clear_archived", lambda store: store.clear_archived(days))

    def get_request(self, request_id: str) -> InterventionRequest | None:
        return self.primary.get_request(request_id)

    def get_pending_requests(self, pilot_id: str | None = None, limit: int = 50) -> list[InterventionRequest]:
        return self.primary.get_pending_requests(pilot_id, limit)

    def get_requests_by_status(
        self, status: Status | str, limit: int = 50, offset: int = 0
    ) -> list[InterventionRequest]:
        return self.primary.get_requests_by_status(status, limit, offset)

    def get_requests_by_priority(self, priority: str, limit: int = 50) -> list[InterventionRequest]:
        return self.primary.get_requests_by_priority(priority, limit)

    def get_requests_by_pilot(
        self, pilot_id: str, status: Status | str | None = None, limit: int = 50
    ) -> list[InterventionRequest]:
        return self.primary.get_requests_by_pilot(pilot_id, status, limit)

    def get_metrics(self) -> DashboardMetrics:
        return self.primary.get_metrics()

    def each_request(self) -> Iterator[InterventionRequest]:
        return self.primary.each_request()

    def find_requests(self, request_ids: list[str]) -> dict[str, InterventionRequest]:
        return self.primary.find_requests(request_ids)

    def compare(self) -> list[Difference]:
        """What is not the same in both now, moments apart; empty where all is well. Reads each store once."""
        return [*self._compare_primary(), *self._find_strays()]

    def _compare_primary(self) -> Iterator[Difference]:
        for batch in batched(self.primary.each_request(), BATCH, strict=False):
            others = self.secondary.find_requests([request.request_id for request in batch])
            for request in batch:
                if problem := problem_of(request, others.get(request.request_id)):
                    yield Difference(request.request_id, problem)

    def _find_strays(self) -> Iterator[Difference]:
        for batch in batched((request.request_id for request in self.secondary.each_request()), BATCH, strict=False):
            known = self.primary.find_requests(list(batch))
            yield from (Difference(name, "is in the secondary only") for name in batch if name not in known)

    def _both[Answer](self, subject: str, write: Callable[[InterventionStore], Answer]) -> Answer:
        with self._lock:
            answer = write(self.primary)
            try:
                problem = problem_of(answer, write(self.secondary))
            except Exception:
                # Whatever it is: the primary has done it, and the caller's work goes on.
                self.differences += 1
                logger.exception("the secondary store failed where the primary did not: %r", subject)
            else:
                if problem:
                    self.differences += 1
                    logger.warning("the secondary store differs: %r %s", subject, problem)
            return answer


def problem_of(first: object, second: object) -> str:
    """What is different between a primary's answer and its secondary's; nothing, where all is alike."""
    if isinstance(first, InterventionRequest) and isinstance(second, InterventionRequest):
        fields = differing(first, second)
        return "; ".join(
            f"{name} is {_short(one)}, in the secondary {_short(two)}" for name, (one, two) in fields.items()
        )
    if isinstance(first, InterventionRequest):
        return "is not in the secondary"
    return "" if first == second else f"is {_short(first)}, in the secondary {_short(second)}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
