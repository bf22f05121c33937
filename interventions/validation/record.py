"""What the probes have met so far: counts and times of each step, and the last failures in words."""

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime

from interventions.validation.histogram import Histogram

# In the order of a probe; what each one times.
STEPS = {
    "create": "an agent asks → acknowledged",
    "pending": "the queue shows it",
    "socket": "asked → a socket is told",
    "decide": "a pilot approves → acknowledged",
    "delivery": "approved → the agent's long poll answers",
    "told": "approved → a socket is told",
    "complete": "the agent reports → acknowledged",
}
# Of the probes that let a request run out: how late it is marked.
EXPIRY = "expiry"
# What is kept in words; the counts go on.
KEPT = 50


@dataclass(slots=True)
class Step:
    """`done` counts all; `repeated` those that were not answered at once, `failed` those that were not at all."""

    done: int = 0
    repeated: int = 0
    failed: int = 0
    times: Histogram = field(default_factory=Histogram)


@dataclass(frozen=True, slots=True)
class Failure:
    at: str
    step: str
    problem: str


class Record:
    """Memory does not grow with the number of probes."""

    def __init__(self) -> None:
        self.steps = {name: Step() for name in (*STEPS, EXPIRY)}
        self.probes = 0
        self.failures: deque[Failure] = deque(maxlen=KEPT)
        # Answers that contradict what was acknowledged: no repetition makes up for these.
        self.broken: list[str] = []
        self.broken_count = 0
        # By URL: how often it was asked, not healthy, not ready.
        self.looks: dict[str, list[int]] = {}

    def passed(self, name: str, seconds: float, *, at_once: bool) -> None:
        step = self.steps[name]
        step.done += 1
        step.repeated += not at_once
        step.times.add(seconds)

    def failed(self, name: str, problem: str) -> None:
        step = self.steps[name]
        step.done += 1
        step.repeated += 1
        step.failed += 1
        self.failures.append(Failure(_now(), name, problem))

    def broke(self, promise: str) -> None:
        self.broken_count += 1
        if len(self.broken) < KEPT:
            self.broken.append(f"{_now()} {promise}")

    def looked(self, url: str, *, healthy: bool, ready: bool) -> None:
        looks = self.looks.setdefault(url, [0, 0, 0])
        looks[0] += 1
        looks[1] += not healthy
        looks[2] += not ready


class Story:
    """One probe's steps as they are counted: each exactly once, those that were never reached as failed."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._left = list(STEPS)

    def passed(self, name: str, seconds: float, *, at_once: bool) -> None:
        self._left.remove(name)
        self._record.passed(name, seconds, at_once=at_once)

    def failed(self, name: str, problem: str) -> None:
        self._left.remove(name)
        self._record.failed(name, problem)

    def close(self, last: str) -> None:
        """The probe is over; `last` is the step it came to."""
        while self._left:
            self.failed(self._left[0], f"not reached: {last} failed")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
