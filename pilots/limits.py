"""Which interventions of its organization may an API key touch? The rule; doors and queries only ask it."""

import re
from dataclasses import dataclass
from typing import Any

from pilots.errors import InvalidInput

# The contract's types of intervention: limits are written down here, below the code that knows what a type means.
TYPES = ("kill_switch", "clarification", "waive_violation", "resume", "cancel")
MAX_PREFIX = 255
# A slash, control characters, and halves of characters, which no text may hold.
_NEVER_IN_UOW_IDS = re.compile(r"[/\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Limits:
    """A blank prefix and no types limit nothing; where both are given, both must hold."""

    uow_id_prefix: str = ""
    intervention_types: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.uow_id_prefix or self.intervention_types)

    def __str__(self) -> str:
        parts = [f"uow_id {self.uow_id_prefix}…"] if self.uow_id_prefix else []
        return "; ".join([*parts, ", ".join(self.types)] if self.types else parts)

    @property
    def types(self) -> list[str]:
        """In the contract's order."""
        return [kind for kind in TYPES if kind in self.intervention_types]

    def cover(self, uow_id: str, intervention_type: str) -> bool:
        """True for an intervention of this unit of work and type; capitals count."""
        known = not self.intervention_types or intervention_type in self.intervention_types
        return known and uow_id.startswith(self.uow_id_prefix)

    def as_data(self) -> dict[str, Any]:
        return {"uow_id_prefix": self.uow_id_prefix, "intervention_types": self.types}

    def check(self) -> None:
        """Raises InvalidInput where no intervention could ever be inside."""
        prefix = self.uow_id_prefix
        if len(prefix) > MAX_PREFIX or _NEVER_IN_UOW_IDS.search(prefix):
            raise InvalidInput.field(
                "uow_id_prefix", f"must be the beginning of a uow_id: to {MAX_PREFIX} characters, no /, none of control"
            )
        unknown = sorted(self.intervention_types - set(TYPES))
        if unknown:
            raise InvalidInput.field("intervention_types", f"unknown {', '.join(unknown)}; use {', '.join(TYPES)}")


NO_LIMITS = Limits()
