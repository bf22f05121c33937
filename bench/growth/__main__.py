"""Does anything notice how many interventions there are? One organization grows from ten thousand to ten million.

    python tests/services -- python -m bench.growth                              half an hour, 25 GB of disk
    python tests/services -- python -m bench.growth --sizes 10000 1000000 --at-once 1 16

At each size, through HTTP: median and p95 of what agents and pilots do, 1, 16 and 64 at once. The floor is one row read
by its key in the same run: it says how the machine was at that moment. `x` is the last size's median to the first's.
"""

import argparse
import asyncio
import sys

from bench import cluster
from bench.cluster import Cluster
from bench.faults.stage import Stage, let_go
from bench.growth.rows import grow
from bench.growth.works import OPEN, Measuring, Undecided, Work, fill_open, get, works_at
from bench.speed.arena import Arena, Options
from bench.speed.figures import load_average
from bench.speed.wire import Connection

SIZES = [10_000, 1_000_000, 10_000_000]
# A PostgreSQL that is given a machine; the rest is as it comes.
TUNED = {"shared_buffers": "4GB", "max_wal_size": "8GB", "effective_cache_size": "12GB", "random_page_cost": "1.1"}


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
    measuring = Measuring(options.at_once, options.seconds)
    with arena.both() as (ours, theirs):
        await Connection(theirs.port, {}).ask("POST", "/make/row")
        await fill_open(ours, at)
        floor, undecided = Work("floor", lambda: Connection(theirs.port, {}), get("/one")), Undecided(ours, at)
        for size in options.sizes:
            took = await asyncio.to_thread(_grow, arena, at, before, size)
            print(f"\n{size:,} decisions (made in {took:.0f} s), {OPEN:,} open; load {load_average()}", flush=True)
            before = size
            await measuring.measure(ours, await asyncio.to_thread(works_at, ours, at, size, undecided), undecided)
            await measuring.measure(theirs, [floor], undecided)


def _grow(arena: Arena, at: Stage, before: int, size: int) -> float:
    # Without its indexes the worker would read the whole table each second.
    arena.cluster.worker.end()
    took = grow(at.organization_id, before, size)
    arena.cluster.worker.start()
    let_go()
    return took


if __name__ == "__main__":
    sys.exit(main())
