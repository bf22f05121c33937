"""The store's API, the same whatever keeps the requests. It is locked: programs of the earlier store rely on it."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar, Self

from interventions.lifecycle import Status, Type
from interventions.store.requests import DashboardMetrics, InterventionRequest

# Requests read at a time.
_PAGE = 500


class InterventionStore(ABC):
    """A trusted door, for programs of the installation: no role is asked, reasons may lack, claims bind nobody.

    Called by itself it gives a store in memory, as it always did. What cannot be taken raises InvalidInput, what may
    not happen Conflict; both are ValueErrors, and nothing has changed then. What is given out is the caller's own copy.
    """

    _plain: ClassVar["type[InterventionStore]"]

    def __init_subclass__(cls, *, plain: bool = False) -> None:
        super().__init_subclass__()
        if plain:
            InterventionStore._plain = cls

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Self:
        kind: Any = cls._plain if cls is InterventionStore else cls
        made: Self = super().__new__(kind)
        return made

    @abstractmethod
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
        """Stores a request; the same id with the same content gives the first one, with other content raises Conflict.

        A negative lifetime is over already, until `mark_expired` only the clock knows; 0 and None are for ever.
        """

    @abstractmethod
    def get_request(self, request_id: str) -> InterventionRequest | None:
        """The request, open or decided."""

    @abstractmethod
    def update_request(
        self,
        request_id: str,
        status: Status | str,
        action_reason: str | None = None,
        assigned_to: str | None = None,
    ) -> InterventionRequest | None:
        """Brings the request into the status; None where there is no such request.

        PENDING releases it, or assigns it to the pilot named; IN_PROGRESS claims it without a lease, also over
        another's claim; COMPLETED approves first what is open. What is not said stays as it is; who acts is the pilot
        named, else the one it is with, else `system`.
        """

    @abstractmethod
    def get_pending_requests(self, pilot_id: str | None = None, limit: int = 50) -> list[InterventionRequest]:
        """Those that wait, most urgent first; with `pilot_id` those assigned to that pilot only."""

    @abstractmethod
    def get_requests_by_status(
        self, status: Status | str, limit: int = 50, offset: int = 0
    ) -> list[InterventionRequest]:
        """By the status as stored, newest first."""

    @abstractmethod
    def get_requests_by_priority(self, priority: str, limit: int = 50) -> list[InterventionRequest]:
        """In whatever status, newest first."""

    @abstractmethod
    def get_requests_by_pilot(
        self, pilot_id: str, status: Status | str | None = None, limit: int = 50
    ) -> list[InterventionRequest]:
        """Those assigned to the pilot, newest first."""

    @abstractmethod
    def get_metrics(self) -> DashboardMetrics:
        """The figures as of now."""

    @abstractmethod
    def mark_expired(self) -> int:
        """Marks what is open and past its time; returns how many."""

    @abstractmethod
    def clear_archived(self, days: int = 90) -> int:
        """Removes what has had its final status for so many days; returns how many. The figures go on counting them."""

    def each_request(self) -> Iterator[InterventionRequest]:
        """Every request there is, in no order that counts."""
        for status in Status:
            offset = 0
            while page := self.get_requests_by_status(status, _PAGE, offset):
                yield from page
                offset += _PAGE

    def find_requests(self, request_ids: list[str]) -> dict[str, InterventionRequest]:
        """Those of these that there are, by id."""
        found = {request_id: self.get_request(request_id) for request_id in request_ids}
        return {request_id: request for request_id, request in found.items() if request}
