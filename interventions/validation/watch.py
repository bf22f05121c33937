"""Do the promises on what is stored hold, meanwhile and at the end? All logs, each from where it was left."""

from collections.abc import Callable
from dataclasses import dataclass, field

from interventions import audits, invariants
from interventions.audits import ACCESS, INSTALLATION, RECORD
from pilots.models import Organization

# Entries of a log in one snapshot: a long one would hold up migrations.
STRETCH = 1000
# Of one log in one look; what is more waits for the next one.
STRETCHES = 200
# What is kept in words; the count goes on.
KEPT = 50

type Owner = Organization | None


@dataclass
class Watch:
    """Memory grows with the number of organizations only, not with their logs."""

    looks: int = 0
    entries: int = 0
    count: int = 0
    findings: list[str] = field(default_factory=list)
    # Whether everything was checked from its beginning at the end.
    is_whole: bool = False
    _positions: dict[tuple[str, str], int] = field(default_factory=dict)

    def begin(self) -> None:
        """From the ends of the logs on: what was before is for the check at the end."""
        for head in audits.heads(_everybody()):
            self._positions[head.organization, head.log] = head.seq

    def look(self) -> None:
        """What was written since the last look. Raises DatabaseError; the next look goes on where this one came to."""
        for owner in _everybody():
            for log in (RECORD, ACCESS) if owner else (ACCESS,):
                self._go_on(owner, log)
        self.looks += 1

    def finish(self, stopped: Callable[[], bool]) -> None:
        """Everything there is, from the beginning, until somebody has `stopped` it."""
        for owner in _everybody():
            for log, audit in audits.of(owner).items():
                for finding in audit.findings:
                    self._find(f"{_name(owner)}, {log}: {finding.invariant} at seq {finding.seq}: {finding.problem}")
            for broken in invariants.check(owner.pk) if owner else []:
                self._find(f"{_name(owner)}: {broken}")
            if stopped():
                return
        self.is_whole = True

    def _go_on(self, owner: Owner, log: str) -> None:
        for _ in range(STRETCHES):
            after = self._positions.get((_name(owner), log), 0)
            stretch = audits.verify_after(owner, log, after, STRETCH)
            for finding in stretch.findings:
                self._find(f"{_name(owner)}, {log}: {finding.invariant} at seq {finding.seq}: {finding.problem}")
            if owner is not None and log == RECORD:
                for broken in invariants.check_told(owner.pk, after, stretch.seq):
                    self._find(f"{_name(owner)}: {broken}")
            self.entries += max(0, stretch.seq - after)
            self._positions[_name(owner), log] = stretch.seq
            if stretch.is_whole or stretch.seq <= after:
                return

    def _find(self, text: str) -> None:
        """Each once, as far as they are kept: what is broken is met again at each look."""
        if text in self.findings:
            return
        self.count += 1
        if len(self.findings) < KEPT:
            self.findings.append(text)


def _everybody() -> list[Owner]:
    return [*Organization.objects.all(), None]


def _name(owner: Owner) -> str:
    return owner.slug if owner else INSTALLATION
