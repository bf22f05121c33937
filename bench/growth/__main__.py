"""Does anything notice how many interventions there are? One organization grows to ten million, another one stays.

    python tests/services -- python -m bench.growth                              three quarters of an hour, 25 GB
    python tests/services -- python -m bench.growth --sizes 1000000 --at-once 1 16

At each size, through HTTP: median and p95 of what agents and pilots do, 1, 16 and 64 at once, at the small organization
and at the grown one in turns. `x` is the median of the rounds' ratios: what the size does, whatever the machine does
meanwhile. The floor is one row read by its key.
"""

import argparse
import asyncio
import sys

from bench import cluster
from bench.cluster import Cluster
from bench.faults.stage import Stage, let_go
from bench.growth.rows import grow
from bench.growth.works import OPEN, Measuring, Place, Undecided, Work, fill_open, get
from bench.speed.arena import Arena, Options
from bench.speed.figures import load_average
from bench.speed.wire import Connection

SMALL = 10_000
SIZES = [1_000_000, 10_000_000]
# A PostgreSQL that is given a machine; the rest is as it comes.
TUNED = {"shared_buffers": "4GB", "max_wal_size": "8GB", "effective_cache_size": "12GB", "random_page_cost": "1.1"}


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.growth", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--at-once", type=int, nargs="+", default=[1, 16, 64])
    parser.add_argument("--seconds", type=float, default=1.0, help="of each run")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--server", choices=list(cluster.SERVERS), default="daphne")
    options = parser.parse_args()
    with Cluster(servers=0, kind=options.server, tuned=TUNED) as running:
        cluster.django()
        arena = Arena(running, options.server, Options(seconds=options.seconds))
        asyncio.run(_measure(arena, options))
        let_go()
    return 0


async def _measure(arena: Arena, options: argparse.Namespace) -> None:
    measuring = Measuring(options.at_once, options.rounds, options.seconds)
    with arena.both() as (ours, theirs):
        await Connection(theirs.port, {}).ask("POST", "/make/row")
        floor = Work("floor", lambda: Connection(theirs.port, {}), get("/one"))
        small, grown = [await arena.stage(name) for name in ("small", "grown")]
        for at in (small, grown):
            await fill_open(ours, at)
        await asyncio.to_thread(_grow, arena, small, 0, SMALL)
        stays, before = Place(ours, small, SMALL, Undecided(ours, small)), 0
        undecided = Undecided(ours, grown)
        for size in options.sizes:
            took = await asyncio.to_thread(_grow, arena, grown, before, size)
            print(f"\n{SMALL:,} decisions, and {size:,} (made in {took:.0f} s); {OPEN:,} open in each", flush=True)
            before = size
            await measuring.measure(ours, stays, Place(ours, grown, size, undecided))
            await measuring.floor(floor, theirs)
            print(f"  load {load_average()}", flush=True)


def _grow(arena: Arena, at: Stage, before: int, size: int) -> float:
    # Without its indexes the worker would read the whole table each second.
    arena.cluster.worker.end()
    took = grow(at.organization_id, before, size)
    arena.cluster.worker.start()
    let_go()
    return took


if __name__ == "__main__":
    sys.exit(main())
