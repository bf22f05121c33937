"""What the store gives out: requests and figures as programs of the earlier store know them."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from interventions.lifecycle import Priority, Status, Type


@dataclass
class InterventionRequest:
    """One request. It is a copy: changing it changes nothing in the store. Moments are ISO 8601, UTC without offset."""

    request_id: str
    uow_id: str
    intervention_type: Type
    status: Status
    priority: str
    title: str
    description: str
    context: dict[str, Any]
    created_at: str
    expires_at: str | None = None
    updated_at: str | None = None
    required_role: str = "OPERATOR"
    assigned_to: str | None = None
    action_reason: str | None = None
    action_timestamp: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"intervention_type": self.intervention_type.value, "status": self.status.value}


@dataclass
class DashboardMetrics:
    """The figures of docs/api.md."""

    total_interventions: int
    pending_interventions: int
    approved_interventions: int
    rejected_interventions: int
    avg_resolution_time_seconds: float
    by_type: dict[str, int]
    by_priority: dict[str, int]
    top_pilots: list[dict[str, Any]]
    in_progress_interventions: int = 0
    expired_interventions: int = 0
    completed_interventions: int = 0
    cancelled_interventions: int = 0
    approval_rate: float = 0
    oldest_pending_seconds: float | None = None
    seq: int = 0
    epoch: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class Stored(Protocol):
    """A request as a store keeps it: a row, or what stands for one in memory."""

    @property
    def request_id(self) -> str: ...
    @property
    def uow_id(self) -> str: ...
    @property
    def intervention_type(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def priority(self) -> int: ...
    @property
    def title(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def context(self) -> Any: ...
    @property
    def created_at(self) -> datetime: ...
    @property
    def expires_at(self) -> datetime | None: ...
    @property
    def updated_at(self) -> datetime: ...
    @property
    def required_role(self) -> str: ...
    @property
    def assigned_to(self) -> str | None: ...
    @property
    def action_reason(self) -> str | None: ...
    @property
    def action_timestamp(self) -> datetime | None: ...


def request_of(stored: Stored) -> InterventionRequest:
    """The request as it is given out; its context is the stored one's own."""
    return InterventionRequest(
        request_id=stored.request_id,
        uow_id=stored.uow_id,
        intervention_type=Type(stored.intervention_type),
        status=Status(stored.status),
        priority=Priority(stored.priority).word,
        title=stored.title,
        description=stored.description,
        context=stored.context,
        created_at=_written(stored.created_at),
        expires_at=_written(stored.expires_at) if stored.expires_at else None,
        updated_at=_written(stored.updated_at),
        required_role=stored.required_role,
        assigned_to=stored.assigned_to,
        action_reason=stored.action_reason,
        action_timestamp=_written(stored.action_timestamp) if stored.action_timestamp else None,
    )


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
