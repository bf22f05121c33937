"""What clients asked for and what they were told: each operation with its outcome, as the client knows it.

`ok`: acknowledged. `refused`: answered with an error, nothing changed. `unknown`: no answer came, or one that does not
say (5xx): it may have happened or not, and so may not be counted on.
"""

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

type Outcome = Literal["asked", "ok", "refused", "unknown"]


@dataclass(slots=True)
class Operation:
    kind: str
    request_id: str
    asked: dict[str, Any]
    by: str
    began: float = field(default_factory=time.monotonic)
    ended: float = 0.0
    outcome: Outcome = "asked"
    status: int = 0
    told: dict[str, Any] = field(default_factory=dict)

    def end(self, outcome: Outcome, status: int = 0, told: dict[str, Any] | None = None) -> None:
        self.outcome, self.status, self.told = outcome, status, told or {}
        self.ended = time.monotonic()


class Journal:
    def __init__(self) -> None:
        self.operations: list[Operation] = []

    def begin(self, kind: str, request_id: str, asked: dict[str, Any], by: str) -> Operation:
        operation = Operation(kind, request_id, asked, by)
        self.operations.append(operation)
        return operation

    def of(self, kind: str, *outcomes: Outcome) -> list[Operation]:
        return [each for each in self.operations if each.kind == kind and (not outcomes or each.outcome in outcomes)]

    def counts(self) -> dict[str, dict[str, int]]:
        """How many of each kind ended how."""
        found: dict[str, dict[str, int]] = {}
        for each in self.operations:
            row = found.setdefault(each.kind, {})
            row[each.outcome] = row.get(each.outcome, 0) + 1
        return found

    def write(self, path: Path) -> None:
        """One operation a line, for whoever looks into a broken promise."""
        path.write_text("".join(f"{json.dumps(asdict(each))}\n" for each in self.operations))
