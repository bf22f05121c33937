"""The refusals of the lifecycle: each has one stable code, and a conflict carries what stands instead."""

from typing import TYPE_CHECKING

from pilots.errors import DomainError

if TYPE_CHECKING:
    from interventions.models import Intervention


class Conflict(DomainError, ValueError):
    """The request is not (or no longer) in the state the caller takes it to be; `intervention` is as it stands."""

    code = "illegal_transition"

    def __init__(self, detail: str, *, code: str | None = None, intervention: "Intervention | None" = None) -> None:
        super().__init__(detail, code=code)
        self.intervention = intervention

    @classmethod
    def closed(
        cls, code: str, status: str, decided_by: str | None, intervention: "Intervention | None" = None
    ) -> "Conflict":
        """Nothing can be decided or changed any more, for the reason that `lifecycle.closed` gives."""
        by = f" by {decided_by}" if decided_by else ""
        expired = code == "expired"
        detail = "The time to decide has run out; ask anew." if expired else f"It was already {status.lower()}{by}."
        return cls(detail, code=code, intervention=intervention)

    @classmethod
    def reused(cls, request_id: str, first: "Intervention | None" = None) -> "Conflict":
        """`first` is what the id stands for, where that may be told."""
        detail = f"request_id {request_id!r} already stands for other content; choose a new id."
        return cls(detail, code="request_id_reused", intervention=first)


class LogTruncated(DomainError):
    """A position in the event log that can no longer be continued from; `seq` and `epoch` are the present ones."""

    code = "log_truncated"

    def __init__(self, seq: int, epoch: str) -> None:
        super().__init__(f"The log cannot be continued from there; fetch anew and go on after {seq} of epoch {epoch}.")
        self.seq = seq
        self.epoch = epoch
