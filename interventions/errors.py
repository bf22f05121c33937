"""The refusals of the lifecycle: each has one stable code, and a conflict carries what stands instead."""

from typing import TYPE_CHECKING

from pilots.errors import DomainError

if TYPE_CHECKING:
    from interventions.models import Intervention


class Conflict(DomainError):
    """The request is not (or no longer) in the state the caller takes it to be; `intervention` is as it stands."""

    code = "illegal_transition"

    def __init__(self, detail: str, *, code: str | None = None, intervention: "Intervention | None" = None) -> None:
        super().__init__(detail, code=code)
        self.intervention = intervention


class LogTruncated(DomainError):
    """A position in the event log that can no longer be continued from; `seq` and `epoch` are the present ones."""

    code = "log_truncated"

    def __init__(self, seq: int, epoch: str) -> None:
        super().__init__(f"The log cannot be continued from there; fetch anew and go on after {seq} of epoch {epoch}.")
        self.seq = seq
        self.epoch = epoch
