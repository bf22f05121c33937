"""What a validation is asked to do, and by what it is judged."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from pilots.errors import InvalidInput

LONGEST_SECONDS = 7 * 24 * 3600
SHORTEST_INTERVAL = 0.1
LONGEST_INTERVAL = 60.0
LONGEST_TIME = 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    """`target` is the share of operations that must succeed, `p95` the seconds within which 95 of 100 must, `expiry`
    those within which they must be marked; `report` is the Markdown's path, and its JSON lies beside it."""

    seconds: float
    urls: Sequence[str]
    organization: str | None
    interval: float
    target: float
    p95: float
    expiry: float
    report: Path

    @property
    def document(self) -> Path:
        return self.report.with_suffix(".json")

    def check(self) -> None:
        """Raises InvalidInput, in words for who called the command."""
        if not 0 < self.seconds <= LONGEST_SECONDS:
            raise InvalidInput("Give --hours or --minutes: above 0, and 7 days at most.")
        if not SHORTEST_INTERVAL <= self.interval <= LONGEST_INTERVAL:
            raise InvalidInput(f"--interval must be from {SHORTEST_INTERVAL} to {LONGEST_INTERVAL:.0f} seconds.")
        if not 0 < self.target < 1:
            raise InvalidInput("--availability must be above 0 and below 100: per cent, as in 99.9.")
        if not 0 < self.p95 <= LONGEST_TIME:
            raise InvalidInput("--p95 must be above 0 and 60000 at most: milliseconds, as in 200.")
        if not 0 < self.expiry <= LONGEST_TIME:
            raise InvalidInput("--expiry must be above 0 and 60 at most: seconds, as in 1.")
        if self.report.suffix != ".md":
            raise InvalidInput("--report must end in .md; its JSON is written beside it.")
        for url in self.urls:
            if not url.startswith(("http://", "https://")):
                raise InvalidInput(f"--url must start with http:// or https://, not {url!r}.")
        try:
            self.report.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidInput(f"--report cannot be written: {error}") from error
        if not os.access(self.report.parent, os.W_OK):
            raise InvalidInput(f"--report cannot be written: no files may be made in {self.report.parent}.")


def addresses(given: Sequence[str]) -> list[str]:
    """Without a slash at their ends; where none is given, where people reach this installation."""
    return [url.rstrip("/") for url in given or [settings.PUBLIC_URL or "http://127.0.0.1:8000"]]
