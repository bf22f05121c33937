"""Does anything notice how many interventions there are? One organization grows from ten thousand to ten million.

    python tests/services -- python -m bench.growth                              half an hour, 25 GB of disk
    python tests/services -- python -m bench.growth --sizes 10000 1000000 --at-once 1 16

At each size, through HTTP: median and p95 of what agents and pilots do, 1, 16 and 64 at once. The floor is one row read
by its key in the same run: it says how the machine was at that moment. `x` is the last size's median to the first's.
"""

import argparse
import asyncio
import itertools
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from bench import cluster
from bench.cluster import Cluster, Server
from bench.faults.stage import Stage, let_go
from bench.growth.rows import grow
from bench.speed.arena import Arena, Options, agent, draft, fill, pilot
from bench.speed.closed import Request, Run, Side, run
from bench.speed.figures import load_average, percentile
from bench.speed.wire import Connection

SIZES = [10_000, 1_000_000, 10_000_000]
OPEN = 2_000
# A PostgreSQL that is given a machine; the rest is as it comes.
TUNED = {"shared_buffers": "4GB", "max_wal_size": "8GB", "effective_cache_size": "12GB", "random_page_cost": "1.1"}


@dataclass(frozen=True, slots=True)
class Work:
    """One thing that is asked for, and as whom."""

    name: str
    connect: Callable[[], Connection]
    request: Callable[[], Request]


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.growth", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--at-once", type=int, nargs="+", default=[1, 16, 64])
    parser.add_argument("--seconds", type=float, default=3.0, help="of each run")
    parser.add_argument("--server", choices=list(cluster.SERVERS), default="daphne")
    options = parser.parse_args()
    with Cluster(servers=0, kind=options.server, tuned=TUNED) as running:
        cluster.django()
        arena = Arena(running, options.server, Options(seconds=options.seconds))
        asyncio.run(_measure(arena, options))
        let_go()
    return 0


async def _measure(arena: Arena, options: argparse.Namespace) -> None:
    at, before = await arena.stage("growth"), 0
    medians: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
    with arena.both() as (ours, theirs):
        await Connection(theirs.port, {}).ask("POST", "/make/row")
        await fill(ours, at, [f"open-{number}" for number in range(OPEN)], expires_in_seconds=86_400)
        floor, undecided = Work("floor", lambda: Connection(theirs.port, {}), _get("/one")), Undecided(ours, at)
        for size in options.sizes:
            took = await asyncio.to_thread(_grow, arena, at, before, size)
            print(f"\n{size:,} decisions (made in {took:.0f} s), {OPEN:,} open; load {load_average()}", flush=True)
            before = size
            for work in [*await asyncio.to_thread(_works, ours, at, size, undecided), floor]:
                side = Side(theirs if work is floor else ours, work.connect, work.request)
                for at_once in options.at_once:
                    if work.name == "decide":
                        await undecided.add(round(400 * options.seconds) + 100 * at_once)
                    found = await run(side, at_once, options.seconds)
                    medians[work.name, at_once].append(percentile(found.times, 50))
                    print(_line(work.name, at_once, found, medians[work.name, at_once]), flush=True)


class Undecided:
    """Requests that wait to be decided, each once."""

    def __init__(self, server: Server, at: Stage) -> None:
        self._server, self._at = server, at
        self._numbers, self._left = itertools.count(), iter(list[str]())

    async def add(self, count: int) -> None:
        """As many as could be decided in a run; what an earlier one left stays open."""
        ids = [f"decide-{next(self._numbers)}" for _ in range(count)]
        await fill(self._server, self._at, ids, expires_in_seconds=86_400)
        self._left = iter(ids)

    def decide_next(self) -> Request:
        return "POST", f"/api/interventions/{next(self._left)}/approve", b"{}"


def _line(name: str, at_once: int, found: Run, medians: list[float]) -> str:
    growth = f"  x {medians[-1] / medians[0]:.2f}" if len(medians) > 1 else ""
    p50, p95 = percentile(found.times, 50), percentile(found.times, 95)
    return (
        f"  {name:24}{at_once:4} at once: p50 {p50:7.1f} ms  p95 {p95:7.1f} ms  {found.per_second:6.0f} per s{growth}"
    )


def _grow(arena: Arena, at: Stage, before: int, size: int) -> float:
    # Without its indexes the worker would read the whole table each second.
    arena.cluster.worker.end()
    took = grow(at.organization_id, before, size)
    arena.cluster.worker.start()
    let_go()
    return took


def _works(server: Server, at: Stage, size: int, undecided: Undecided) -> list[Work]:
    by_agent, by_pilot = partial(agent, server, at), partial(pilot, server, at)
    on_page = partial(Connection, server.port, {"Cookie": f"sessionid={_session(at)}"})
    news, ids = itertools.count(), _spread(size)
    listed, history = "/api/interventions", f"/o/{_slug(at)}/history"
    return [
        Work("create", by_agent, lambda: ("POST", listed, draft(f"new-{size}-{next(news)}"))),
        Work("pending, first page", by_agent, _get(f"{listed}/pending")),
        Work("list, a page in the middle", by_agent, _get(f"{listed}?cursor={_middle(at, size)}")),
        Work("decide", by_pilot, undecided.decide_next),
        Work("metrics", by_agent, _get(f"{listed}/metrics")),
        Work("detail", by_agent, lambda: ("GET", f"{listed}/old-{next(ids)}", b"")),
        Work("history by outcome", on_page, _get(f"{history}?outcome=rejected")),
        Work("history by pilot and type", on_page, _get(f"{history}?actor=local:p7&type=resume")),
        # One in a thousand: ten of ten thousand, a page of more.
        Work("history by pilot and tag", on_page, _get(f"{history}?actor=local:p7&tag=t7")),
        Work("search, one hit", by_agent, lambda: ("GET", f"{listed}?q=old-{next(ids)}", b"")),
        Work("search, a usual word", by_agent, _get(f"{listed}?q=vendor")),
        Work("search, no hit", by_agent, _get(f"{listed}?q=nothingofthekind")),
        Work("history, search, one hit", on_page, lambda: ("GET", f"{history}?q=old-{next(ids)}", b"")),
    ]


def _get(path: str) -> Callable[[], Request]:
    return lambda: ("GET", path, b"")


def _spread(size: int) -> Iterator[int]:
    """Here and there, so that no cache has them all; the same ones in each run. As long as the longest, or nearly:
    none is the beginning of a dozen others that a search would find too."""
    least = size // 10
    return (1 + least + number * 7919 % (size - least) for number in itertools.count(1))


def _slug(at: Stage) -> str:
    from pilots.models import Organization  # noqa: PLC0415 -- the settings are known only now

    return str(Organization.objects.get(pk=at.organization_id).slug)


def _middle(at: Stage, size: int) -> str:
    """The cursor after the row in the middle of the list."""
    from interventions import cursors  # noqa: PLC0415
    from interventions.models import Intervention  # noqa: PLC0415

    row: Any = Intervention.objects.for_organization(at.organization_id).get(request_id=f"old-{size // 2}")
    return cursors.encode("-created_at", [row.created_at, row.pk])


def _session(at: Stage) -> str:
    from django.test import Client  # noqa: PLC0415

    from pilots.models import Pilot  # noqa: PLC0415

    browser = Client()
    browser.force_login(Pilot.objects.get(pilot_id=next(iter(at.pilots))), "django.contrib.auth.backends.ModelBackend")
    return browser.cookies["sessionid"].value


if __name__ == "__main__":
    sys.exit(main())
