"""Many open requests at once, with believable texts and in every lane: for what depends on how much there is."""

from itertools import batched, count, cycle, islice
from random import Random
from typing import Any

from interventions import actions
from interventions.content import draft_of
from interventions.lifecycle import Priority
from interventions.simulation import company
from pilots.caller import Caller

# As many as the API takes in one batch.
AT_ONCE = 500


def crowd(agent: Caller, size: int) -> None:
    """`size` open requests, as many in each lane; the same ones at each call for a new organization."""
    for some in batched(islice(_requests(), size), AT_ONCE, strict=False):
        actions.create_many(agent, [draft_of(request) for request in some])


def _requests() -> Any:
    random = Random(2026)  # noqa: S311 -- texts, not secrets
    lanes = cycle(level.word for level in Priority)
    for number, priority in zip(count(1), lanes, strict=False):
        request = company.next_matter(random).request
        deadline = {"expires_in_seconds": random.randrange(3600, 9 * 3600)}
        yield request | deadline | {"priority": priority, "request_id": f"{request['request_id']}-{number}"}
