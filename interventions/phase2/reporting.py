"""What did an import take, and what not, and why? Told row by row while it goes on, and summed up at the end."""

import json
import os
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TextIO

from interventions.actions import Arrival, Fate, Settled
from interventions.phase2.sources import Raw
from interventions.phase2.tables import TABLES
from interventions.spelling import spelled
from pilots.errors import InvalidInput

type Line = dict[str, Any]


@dataclass(slots=True)
class Report:
    """Counts every row, and hands each line about one (`kind` is `refused` or `noted`) to whoever writes it down."""

    tell: Callable[[Line], None]
    show: Callable[[int], None] = lambda _rows: None
    counts: defaultdict[str, Counter[Fate]] = field(default_factory=lambda: defaultdict(Counter))

    @property
    def refused(self) -> int:
        return sum(counts[Fate.REFUSED] for counts in self.counts.values())

    def refuse(self, raw: Raw, reason: str) -> None:
        self.counts[raw.table][Fate.REFUSED] += 1
        self.tell(_line("refused", raw, reason))

    def settle(self, raw: Raw, arrival: Arrival, settled: Settled) -> None:
        if settled.fate == Fate.REFUSED:
            self.refuse(raw, settled.reason)
            return
        self.counts[raw.table][settled.fate] += 1
        if settled.fate == Fate.TAKEN or (settled.fate == Fate.MOVED and arrival.is_whole):
            for note in arrival.notes:
                self.tell(_line("noted", raw, note))

    def advance(self, rows: int) -> None:
        self.show(rows)

    def summary(self) -> Line:
        """How many rows of each table came to what."""
        return {table: {fate.value: self.counts[table][fate] for fate in Fate} for table in TABLES}


class Progress:
    """Says on a terminal in one line how far it is, elsewhere in a line for each so many rows."""

    EVERY = 10_000
    SECONDS = 0.2

    def __init__(self, total: int, out: TextIO) -> None:
        self._total, self._out = total, out
        self._is_terminal = out.isatty()
        self._done, self._told, self._told_at = 0, 0, time.monotonic()

    def advance(self, rows: int) -> None:
        self._done += rows
        if self._is_terminal:
            due = time.monotonic() - self._told_at >= self.SECONDS
        else:
            due = self._done - self._told >= self.EVERY
        if due or self._done >= self._total:
            self._tell()

    def _tell(self) -> None:
        self._told, self._told_at = self._done, time.monotonic()
        share = f"{self._done:,} of {self._total:,} rows"
        if not self._is_terminal:
            self._out.write(f"{share}\n")
            return
        filled = 30 * min(self._done, self._total) // max(self._total, 1)
        end = "\n" if self._done >= self._total else ""
        self._out.write(f"\r[{'#' * filled:30}] {share}{end}")
        self._out.flush()


@contextmanager
def written_to(path: str | None) -> Iterator[Callable[[Line], None]]:
    """Writes lines of JSON into a new file, for its owner's eyes only; nowhere without a path."""
    if path is None:
        yield lambda _line: None
        return
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            yield lambda line: _write(file, line)
    except FileExistsError as error:
        raise InvalidInput(f"{path} is there already; choose another name for the report.") from error
    except OSError as error:
        raise InvalidInput(f"The report cannot be written: {error}") from error


def as_text(line: Line) -> str:
    """A line about a row as a person reads it."""
    row = f"{line['table']} {'' if line['id'] is None else line['id']} ({line['request_id'] or '-'})"
    note = " (taken)" if line["kind"] == "noted" else ""
    return spelled(f"{row}: {line['reason']}{note}").encode("utf-8", "backslashreplace").decode()


def _write(file: TextIO, line: Line) -> None:
    file.write(f"{json.dumps(line)}\n")
    # Whatever becomes of the import, what was said stays.
    file.flush()


def _line(kind: str, raw: Raw, reason: str) -> Line:
    key = raw.key if raw.key is None or isinstance(raw.key, int) else str(raw.key)
    return {"kind": kind, "table": raw.table, "id": key, "request_id": raw.request_id, "reason": reason}
