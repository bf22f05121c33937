"""Does a long history stay quick to narrow, and does its export hold no more memory, however long it is?

    python -m bench.history                                  a million decisions, on daphne
    python -m bench.history --rows 200000 --server uvicorn

Prints how long a page takes for each filter (the medians of five), whether a plan walks the table, and for each file:
when its first byte comes, how long it takes, and what the server holds meanwhile; then what a server does for a client
that reads no further, and for one that has gone. Fails where a promise of docs/performance.md is broken.
"""

import argparse
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from bench import cluster
from bench.cluster import Cluster, Server
from bench.speed.arena import computed

MIB = 1024 * 1024
QUERIES = [
    "",
    "outcome=expired",
    "actor=local:p7",
    "actor=local:nobody",
    "type=resume",
    "tag=t7",
    "tag=none",
    "last=30d",
]
QUERIES += ["q=vendor", "q=heron", "q=nothing+of+the+kind", "q=heron&outcome=rejected&tag=t7"]
# What a page may take, a file may add to the server, and a server may compute for nobody in a second.
PAGE_SECONDS, FILE_BYTES, IDLE = 2.0, 48 * MIB, 0.2


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--server", choices=list(cluster.SERVERS), default="daphne")
    options = parser.parse_args()
    with Cluster(servers=1, kind=options.server, worker=False) as running:
        cluster.django()
        began = time.monotonic()
        session, organization = _set_up(options.rows)
        print(f"{options.rows:,} decisions, made in {time.monotonic() - began:.0f} s; {options.server}")
        at = Visitor(running.servers[0], session)
        broken = _pages(at) + _plans(organization) + _files(at, options.rows) + _slow(at)
    for each in broken:
        print(f"BROKEN: {each}")
    raise SystemExit(1 if broken else 0)


def _set_up(rows: int) -> tuple[str, Any]:
    """The session of a pilot in an organization with that history."""
    from django.test import Client  # noqa: PLC0415 -- the settings are known only now

    from pilots import actions  # noqa: PLC0415
    from pilots.roles import Role  # noqa: PLC0415
    from tests.past import past  # noqa: PLC0415

    organization, _ = actions.create_organization("acme", name="Acme")
    pilot = actions.create_pilot("local:p7", organization, Role.OPERATOR).membership.pilot
    past(organization.pk, rows)
    browser = Client()
    browser.force_login(pilot, "django.contrib.auth.backends.ModelBackend")
    return browser.cookies["sessionid"].value, organization


class Visitor:
    """A pilot's browser on a bare socket, so that it reads as slowly as it is told."""

    def __init__(self, server: Server, session: str) -> None:
        self.server, self.session = server, session

    @contextmanager
    def asking(self, path: str) -> Iterator[socket.socket]:
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=120) as line:
            head = f"GET /o/acme/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: sessionid={self.session}\r\n"
            line.sendall(f"{head}Connection: close\r\n\r\n".encode())
            yield line

    def read(self, path: str) -> tuple[float, float, int]:
        """Seconds to the first byte and to the last, and how many bytes there were."""
        began = time.monotonic()
        with self.asking(path) as line:
            first = line.recv(MIB)
            if not first.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"{path}: {first[:100]!r}")
            at_first, size = time.monotonic() - began, len(first)
            while some := line.recv(MIB):
                size += len(some)
        return at_first, time.monotonic() - began, size

    @property
    def resident(self) -> int:
        pages = Path(f"/proc/{self.server.pid}/statm").read_text().split()[1]
        return int(pages) * 4096


def _pages(at: Visitor) -> list[str]:
    broken = []
    for query in QUERIES:
        seconds = median(at.read(f"history?{query}")[1] for _ in range(5))
        print(f"  page  {query or '(all)':42}{seconds * 1000:8.0f} ms")
        if seconds > PAGE_SECONDS:
            broken.append(f"the page of {query} took {seconds:.1f} s")
    return broken


def _plans(organization: Any) -> list[str]:
    from django.http import QueryDict  # noqa: PLC0415

    from interventions import history  # noqa: PLC0415
    from interventions.history_filters import HistoryFilters  # noqa: PLC0415
    from pilots.caller import Caller  # noqa: PLC0415
    from pilots.models import Membership  # noqa: PLC0415

    caller = Caller.of_pilot(Membership.objects.for_organization(organization.pk).select_related().get())
    broken = []
    for query in QUERIES:
        look = history._Search(caller, HistoryFilters.read(QueryDict(query))).look(None, history.LOOK)
        plan = look.rows.order_by("-action_timestamp", "-id")[: history.HISTORY_PAGE + 1].explain()
        if "Seq Scan on interventions_intervention" in plan:
            broken.append(f"{query} walks the table:\n{plan}")
    print(f"  plans of {len(QUERIES)} pages without a walk through the table: {not broken}")
    return broken


def _files(at: Visitor, rows: int) -> list[str]:
    broken = []
    for path in ("export.csv", "export.json", "export.csv?q=nothing+of+the+kind"):
        with Watch(at) as watch:
            first, whole, size = at.read(f"history/{path}")
        print(
            f"  file  {path:42}first byte {first * 1000:.0f} ms, {size / MIB:.0f} MiB in {whole:.1f} s"
            f" ({rows / whole:,.0f} rows/s), the server {watch.before / MIB:.0f} + {watch.grown / MIB:.0f} MiB"
        )
        if watch.grown > FILE_BYTES:
            broken.append(f"{path} took {watch.grown / MIB:.0f} MiB")
    return broken


def _slow(at: Visitor) -> list[str]:
    with Watch(at) as watch, at.asking("history/export.json") as line:
        line.recv(4096)
        time.sleep(5)
        before = computed(at.server)
        time.sleep(5)
        waiting = (computed(at.server) - before) / 5
    time.sleep(2)
    before = computed(at.server)
    time.sleep(5)
    gone = (computed(at.server) - before) / 5
    print(
        f"  a client that reads no further: {watch.grown / MIB:.0f} MiB, {waiting:.2f} s of a second; gone: {gone:.2f}"
    )
    broken = [f"the server holds {watch.grown / MIB:.0f} MiB for it"] if watch.grown > FILE_BYTES else []
    return broken + [f"the server works on for nobody ({each:.2f})" for each in (waiting, gone) if each > IDLE]


class Watch:
    """What the server holds at most while something happens, beyond what it held before."""

    def __init__(self, at: Visitor) -> None:
        self._at, self._over = at, threading.Event()
        self.before = self.most = at.resident

    def __enter__(self) -> "Watch":
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.1):
            self.most = max(self.most, self._at.resident)

    @property
    def grown(self) -> int:
        return self.most - self.before


if __name__ == "__main__":
    main()
