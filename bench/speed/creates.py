"""Creating by API, the whole path, against the thinnest view that inserts one row."""

import itertools

from bench.speed.arena import Arena, agent, draft
from bench.speed.closed import Goals, Request, Side, in_turns
from bench.speed.figures import Figure
from bench.speed.wire import Connection


async def measure(arena: Arena) -> list[Figure]:
    at, numbers = await arena.stage("creates"), itertools.count(1)

    def whole() -> Request:
        return "POST", "/api/interventions", draft(f"new-{next(numbers)}")

    def thinnest() -> Request:
        return "POST", f"/make/{at.organization_id}-{next(numbers)}", b""

    with arena.both() as (ours, theirs):
        mine = Side(ours, lambda: agent(ours, at), whole)
        floor = Side(theirs, lambda: Connection(theirs.port, {}), thinnest)
        alone = await in_turns("create", arena.options, mine, floor, 1, Goals("≥ ½ of the floor"))
        return alone + await in_turns("create", arena.options, mine, floor, 16, Goals("≥ ½ of the floor", "50 ms"))
