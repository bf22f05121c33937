"""Does to real processes under load what the product is to survive, and holds the record against what clients heard.

    make faults                                    all of them, about a quarter of an hour
    make faults ARGS="database_away redis_away"    only these
    make faults ARGS="--servers uvicorn"

Prints for each fault what was done and what held; exits with 1 where a promise was broken.
"""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable

from bench import cluster
from bench.cluster import Cluster
from bench.faults import killing, outages, races, skew
from bench.faults.stage import Finding, let_go, stage, under_load

type Fault = Callable[..., Awaitable[None]]

# Of which one is killed each second.
SERVERS = 3
UNDER_LOAD: dict[str, Fault] = {
    "server_killed": killing.a_server_a_second,
    "killed_before_the_answer": killing.before_the_answer,
    "worker_killed": killing.the_worker,
    "database_restart": outages.database_restart,
    "database_away": outages.database_away,
    "redis_restart": outages.redis_restart,
    "redis_flushed": outages.redis_flushed,
    "redis_away": outages.redis_away,
    "offline": races.offline,
    "clock_skew": skew.servers_apart,
    "same_create": races.same_create,
    "pairs": races.pairs,
    "deadline": races.at_the_deadline,
    "due_at_once": races.due_at_once,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.faults", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("faults", nargs="*", help=f"of: {', '.join(UNDER_LOAD)}; all where none is named")
    parser.add_argument("--servers", choices=("daphne", "uvicorn"), default="daphne")
    options = parser.parse_args()
    unknown = [name for name in options.faults if name not in UNDER_LOAD]
    if unknown:
        parser.error(f"There is no fault {', '.join(unknown)}; there are {', '.join(UNDER_LOAD)}.")
    broken = 0
    with Cluster(servers=SERVERS, kind=options.servers) as running:
        cluster.django()
        for name in options.faults or UNDER_LOAD:
            found = asyncio.run(under_load(stage(running, name), name, UNDER_LOAD[name]))
            print(report(found), flush=True)
            broken += bool(found.broken)
        let_go()
    return 1 if broken else 0


def report(found: Finding) -> str:
    lines = [f"{'BROKEN' if found.broken else 'held':7}{found.name}", *(f"       {figure}" for figure in found.figures)]
    lines += [f"     ! {each}" for each in found.broken[:20]]
    if len(found.broken) > 20:
        lines.append(f"     ! and {len(found.broken) - 20} more")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
