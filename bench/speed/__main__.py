"""Measures what the goals of docs/performance.md are about, each beside its floor in the same run.

    make bench                                       all of it, about an hour
    make bench ARGS="creates reads"                  only these
    make bench ARGS="fan_out --sockets 5000 --servers uvicorn"

Prints medians over the rounds with their spread, the floor's median, and the median of the rounds' ratios.
"""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable

import orjson

from bench import cluster
from bench.cluster import Cluster
from bench.faults.stage import let_go
from bench.speed import creates, expiry, fan_out, latency, memory, reads, waiting
from bench.speed.arena import Arena, Options
from bench.speed.figures import Figure, load_average

type Benchmark = Callable[[Arena], Awaitable[list[Figure]]]

BENCHMARKS: dict[str, Benchmark] = {
    "latency": latency.measure,
    "fan_out": fan_out.measure,
    "memory": memory.measure,
    "creates": creates.measure,
    "reads": reads.measure,
    "expiry": expiry.measure,
    "waiting": waiting.measure,
}


def main() -> int:
    options = _options()
    chosen = options.benchmarks or list(BENCHMARKS)
    told = Options(options.rounds, options.seconds, options.sockets, options.rate)
    # The worker belongs to it, and one server of the cluster's own, which nobody asks, costs nothing.
    with Cluster(servers=0, kind=options.servers) as running:
        cluster.django()
        arena = Arena(running, options.servers, told)
        for name in chosen:
            before = load_average()
            figures = asyncio.run(BENCHMARKS[name](arena))
            _show(name, options.servers, figures, before, as_json=options.json)
        let_go()
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.speed", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("benchmarks", nargs="*", help=f"of: {', '.join(BENCHMARKS)}; all where none is named")
    parser.add_argument("--servers", choices=("daphne", "uvicorn"), default="daphne")
    parser.add_argument("--rounds", type=int, default=5, help="pairs of ours and the floor")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each run in a round")
    parser.add_argument("--sockets", type=int, help="open sockets; else what each benchmark's goal names")
    parser.add_argument("--rate", type=float, default=30.0, help="interventions per second of `latency`")
    parser.add_argument("--json", action="store_true", help="a line of JSON for each benchmark")
    options = parser.parse_args()
    unknown = [name for name in options.benchmarks if name not in BENCHMARKS]
    if unknown:
        parser.error(f"There is no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}.")
    return options


def _show(name: str, servers: str, figures: list[Figure], before: str, *, as_json: bool) -> None:
    loads = {"before": before, "after": load_average()}
    if as_json:
        told = {"benchmark": name, "servers": servers, "load": loads, "figures": [each.as_json() for each in figures]}
        print(orjson.dumps(told).decode(), flush=True)
        return
    print(f"{name} on {servers}; load average before {loads['before']}, after {loads['after']}")
    for each in figures:
        print(f"  {each.line()}")
    print(flush=True)


if __name__ == "__main__":
    sys.exit(main())
