"""The store as programs of the installation use it, by the API it has had since before there was a console."""

from interventions.errors import Conflict
from interventions.lifecycle import Status as InterventionStatus
from interventions.lifecycle import Type as InterventionType
from interventions.store.database import DatabaseStore
from interventions.store.interface import InterventionStore
from interventions.store.memory import MemoryStore
from interventions.store.mirrored import Difference, MirroredStore
from interventions.store.requests import DashboardMetrics, InterventionRequest

__all__ = [
    "Conflict",
    "DashboardMetrics",
    "DatabaseStore",
    "Difference",
    "InterventionRequest",
    "InterventionStatus",
    "InterventionStore",
    "InterventionType",
    "MemoryStore",
    "MirroredStore",
]
