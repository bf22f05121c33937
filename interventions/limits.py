"""What does a limited key see, and what does it not get? The one place where a key's limits meet interventions.

Reading is narrowed where queries begin (`for_caller` in `queries`): whatever a limited key asks for, what lies outside
its limits is not there.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from pilots.caller import Caller
from pilots.errors import NotAllowed


class Asked(Protocol):
    """A draft or a row."""

    @property
    def uow_id(self) -> str: ...

    @property
    def intervention_type(self) -> str: ...


def sees(caller: Caller, intervention: Mapping[str, Any] | None) -> bool:
    """Whether the caller may be told of this intervention, as the wire writes it.

    What is no longer kept (None) cannot be told from what was never the caller's: a limited key is not told.
    """
    if not caller.limits:
        return True
    return intervention is not None and caller.limits.cover(intervention["uow_id"], intervention["intervention_type"])


def covers(caller: Caller, asked: Asked) -> bool:
    return caller.limits.cover(asked.uow_id, asked.intervention_type)


def require_inside(caller: Caller, asked: Iterable[Asked]) -> None:
    """Raises NotAllowed where the caller's limits do not cover every one of these."""
    if caller.limits and not all(covers(caller, one) for one in asked):
        raise NotAllowed(
            f"This API key is limited to {caller.limits}: ask within that, or with another key.", code="key_limited"
        )


def require_unlimited(caller: Caller) -> None:
    """Raises NotAllowed where the answer would be about interventions that the caller may not see."""
    if caller.limits:
        raise NotAllowed(
            "Figures are about the whole organization: a key with limits does not get them.", code="key_limited"
        )
