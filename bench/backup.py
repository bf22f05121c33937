"""How quick are backup and restore, and does either hold more memory, however much there is?

    python tests/services -- python -m bench.backup                   100,000 requests with two events each
    python tests/services -- python -m bench.backup --requests 1000000

Prints for each way and for the verification how long it took, how long it computed (command and PostgreSQL together:
on a machine that does other things too this says more), the size of the file, and the most memory of the command.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench import cluster
from bench.cluster import Cluster

# Requests created in one transaction: by the rules, for their log must hold. They end by expiring, many at once.
AT_ONCE = 500
PYTHON_WITH_PEAK = (
    "import resource, runpy, sys; sys.argv = sys.argv[1:]\n"
    "try: runpy.run_path('manage.py', run_name='__main__')\n"
    "finally: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, file=sys.stderr)"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--requests", type=int, default=100_000)
    options = parser.parse_args()
    with Cluster(servers=0, worker=False) as running, tempfile.TemporaryDirectory() as folder:
        cluster.django()
        began = time.monotonic()
        rows = _populate(options.requests)
        print(
            f"{options.requests:,} requests, {rows:,} rows with their events, made in {time.monotonic() - began:.0f} s"
        )
        file = Path(folder) / "chameleon.backup"
        _timed(running, rows, "backup", str(file))
        print(f"the file: {file.stat().st_size / 2**20:.1f} MiB, {file.stat().st_size / rows:.0f} bytes a row")
        _timed(running, rows, "restore", str(file), "--dry-run")
        _timed(running, rows, "restore", str(file), "--force", "--yes")
        _timed(running, rows, "restore", str(file), "--force", "--yes", "--verify")


def _populate(requests: int) -> int:
    from interventions import actions  # noqa: PLC0415 -- the settings are known only now
    from interventions.content import draft_of  # noqa: PLC0415
    from pilots import api_keys  # noqa: PLC0415
    from pilots.actions import create_organization  # noqa: PLC0415
    from pilots.caller import Caller  # noqa: PLC0415

    organization, _ = create_organization("acme", name="Acme")
    key, _ = api_keys.make(organization, "agent", ["interventions:write"])
    agent = Caller.of_key(key)
    for first in range(0, requests, AT_ONCE):
        names = [f"r{number}" for number in range(first, min(first + AT_ONCE, requests))]
        actions.create_many(agent, [draft_of(_draft(name)) for name in names])
    time.sleep(1)
    while actions.expire_due():
        pass
    return 3 * requests


def _draft(name: str) -> dict[str, Any]:
    context = {"iban": "DE02120300000000202051", "due": "2026-11-30", "lines": [{"item": "paper", "amount": 48.2}] * 5}
    said = {"request_id": name, "uow_id": f"inv-{name}", "intervention_type": "clarification", "context": context}
    return said | {
        "expires_in_seconds": 1,
        "title": f"May I pay {name} to ABC Ltd?",
        "description": "What is said about it goes on. " * 8,
    }


def _timed(running: Cluster, rows: int, *words: str) -> None:
    began, before = time.monotonic(), _computed(running)
    command = [sys.executable, "-c", PYTHON_WITH_PEAK, "manage.py", *words]
    environment = running.environment | {"PYTHONPATH": os.getcwd()}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)  # noqa: S603
    took = time.monotonic() - began
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    what = " ".join(word for word in words if "/" not in word)
    computed = _computed(running) - before
    print(
        f"{what}: {took:.1f} s, {rows / took:,.0f} rows/s; computed {computed:.1f} s, {rows / computed:,.0f} rows/s; "
        f"{done.stderr.split()[-1]} MiB at most",
        flush=True,
    )


def _computed(running: Cluster) -> float:
    """Seconds on the processors of all commands and all connections of the database that have ended."""
    ours = resource.getrusage(resource.RUSAGE_CHILDREN)
    fields = Path(f"/proc/{running.database_pid}/stat").read_text().rpartition(")")[2].split()
    return ours.ru_utime + ours.ru_stime + (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
