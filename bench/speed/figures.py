"""What was measured, beside its floor: medians over the rounds, and the median of the rounds' ratios."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """`ours` and `floors` round by round, in `unit`; a floor is what the machine allowed at that moment."""

    what: str
    unit: str
    ours: Sequence[float]
    floors: Sequence[float] = ()
    goal: str = ""

    @property
    def value(self) -> float:
        return median(self.ours)

    @property
    def floor(self) -> float | None:
        return median(self.floors) if self.floors else None

    @property
    def ratio(self) -> float | None:
        """Ours to the floor: of each pair first, for the machine differs from round to round."""
        pairs = [ours / floor for ours, floor in zip(self.ours, self.floors, strict=False) if floor]
        return median(pairs) if pairs else None

    def line(self) -> str:
        spread = f"{_short(min(self.ours))}–{_short(max(self.ours))}"
        words = f"{self.what:52}{_short(self.value):>9} {self.unit:9}{spread:>15}"
        if self.floor is not None:
            ratio = f"{self.ratio:.2f}" if self.ratio is not None else "–"
            words += f"   floor {_short(self.floor):>7}  ratio {ratio:>6}"
        return words + (f"   goal {self.goal}" if self.goal else "")

    def as_json(self) -> dict[str, Any]:
        told = {"what": self.what, "unit": self.unit, "value": self.value, "floor": self.floor, "ratio": self.ratio}
        return told | {"goal": self.goal, "ours": list(self.ours), "floors": list(self.floors)}


def percentile(values: Sequence[float], of_hundred: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * of_hundred / 100))]


def load_average() -> str:
    return " ".join(f"{each:.1f}" for each in os.getloadavg())


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
