"""Runs `manage.py validate` on two servers under load, and meanwhile rolls out a release with a migration, and back.

    make rehearsal                          ten minutes
    make rehearsal ARGS="--minutes 3 --report /tmp/rehearsal.md"

Two servers and a worker on PostgreSQL and Redis, whose clients go to the other server where one refuses. At a fifth of
the time the migrations of a next release (a column, an index) are applied while the old one works, both servers are
drained and started as the next release, one after the other, and a worker of the next release takes over; at three
fifths all of it is taken back.
Prints what was done when, what the load's journal says, and the validation's report. Exits with 1 where the validation
does not pass, or a promise was broken.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bench import cluster
from bench.cluster import Cluster, Server
from bench.faults.__main__ import report
from bench.faults.stage import Finding, Stage, let_go, stage, under_load
from bench.load import Load

APP = "next_release"
OLD, NEW = "chameleon.settings", "bench.rehearsal.settings"
# A migration that does not get its lock at once is tried again.
TRIES = 10
# About twenty requests a second, besides the probes.
LOAD = {"agents": 4, "pause": 0.5}


@dataclass(frozen=True, slots=True)
class Rehearsal:
    minutes: float
    interval: float
    path: Path

    async def __call__(self, at: Stage, working: Load, found: Finding) -> None:
        """The fault that is done to the load: a whole release, and back."""
        began = time.monotonic()
        validating = await asyncio.create_subprocess_exec(
            *self._command(at.cluster), cwd=cluster.ROOT, env=at.cluster.environment, stdout=subprocess.DEVNULL
        )
        length = self.minutes * 60
        await asyncio.sleep(length / 5)
        await self._roll(at.cluster, found, began, NEW)
        await asyncio.sleep(max(0.0, began + length * 3 / 5 - time.monotonic()))
        await self._roll(at.cluster, found, began, OLD)
        code = await validating.wait()
        found.figures.append(f"the validation exits with {code} after {time.monotonic() - began:.0f} s")
        if code:
            found.broken.append(f"the validation has not passed: see {self.path}")

    def _command(self, running: Cluster) -> list[str]:
        urls = [word for address in running.addresses for word in ("--url", address)]
        words = ["--minutes", str(self.minutes), "--interval", str(self.interval), "--report", str(self.path)]
        return [sys.executable, "manage.py", "validate", *words, *urls]

    async def _roll(self, running: Cluster, found: Finding, began: float, release: str) -> None:
        """What expands the tables comes before the servers that need it, and goes after them."""

        def note(what: str) -> None:
            found.figures.append(f"{time.monotonic() - began:5.0f} s  {what}")

        if release == NEW:
            note(f"migrated after {await asyncio.to_thread(_migrate, running, APP)} tries")
        for number, server in enumerate(running.servers, 1):
            seconds = await asyncio.to_thread(_restart, server, release)
            note(f"server {number} drained and started anew in {seconds:.1f} s")
        note(f"worker replaced in {await asyncio.to_thread(_replace_worker, running, release):.1f} s")
        if release == OLD:
            note(f"migrated back after {await asyncio.to_thread(_migrate, running, APP, 'zero')} tries")


def _restart(server: Server, release: str) -> float:
    """Seconds that it took."""
    began = time.monotonic()
    if code := server.end():
        raise RuntimeError(f"a server that was drained exited with {code}:\n{server.said()[-2000:]}")
    server.start(DJANGO_SETTINGS_MODULE=release)
    server.wait_until_ready()
    return time.monotonic() - began


def _replace_worker(running: Cluster, release: str) -> float:
    """The next one works before the last one ends: deadlines do not wait. Seconds that it took."""
    began, last = time.monotonic(), running.worker
    running.worker = running.add_worker(f"worker-{release}")
    running.worker.start(DJANGO_SETTINGS_MODULE=release)
    while "the worker has started" not in running.worker.said():
        if not running.worker.runs:
            raise RuntimeError(f"a worker did not start:\n{running.worker.said()[-2000:]}")
        time.sleep(0.1)
    if code := last.end():
        raise RuntimeError(f"a worker exited with {code}:\n{last.said()[-2000:]}")
    return time.monotonic() - began


def _migrate(running: Cluster, *words: str) -> int:
    """How many tries it took."""
    for number in range(1, TRIES + 1):
        done = running.manage("migrate", *words, "--settings", NEW)
        if done.returncode == 0:
            return number
        if "lock timeout" not in done.stderr:
            raise RuntimeError(f"the migration failed:\n{done.stderr[-2000:]}")
        time.sleep(1)
    raise RuntimeError(f"the migration did not get its lock in {TRIES} tries")


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.rehearsal", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--interval", type=float, default=1.0, help="seconds between probes")
    parser.add_argument("--report", type=Path, default=Path("var/rehearsal.md"))
    parser.add_argument("--servers", choices=("daphne", "uvicorn"), default="daphne")
    options = parser.parse_args()
    rehearsal = Rehearsal(options.minutes, options.interval, options.report.resolve())
    loads = " ".join(f"{each:.1f}" for each in os.getloadavg())
    with Cluster(servers=2, kind=options.servers) as running:
        cluster.django()
        found = asyncio.run(under_load(stage(running, "rehearsal"), "rehearsal", rehearsal, **LOAD))
        let_go()
    print(report(found))
    print(f"load average before {loads}, after {' '.join(f'{each:.1f}' for each in os.getloadavg())}\n")
    print(rehearsal.path.read_text() if rehearsal.path.exists() else "There is no report.")
    return 1 if found.broken else 0


if __name__ == "__main__":
    sys.exit(main())
