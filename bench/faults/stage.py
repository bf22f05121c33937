"""An organization with its agent and its pilots; and a fault done to it under load, then held against the record."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench import checker
from bench.cluster import Cluster
from bench.load import Load

PILOTS = 3


@dataclass(frozen=True, slots=True)
class Stage:
    # None: a server without one, on a file of SQLite.
    cluster: Cluster | None
    organization_id: int
    key: str
    # Their access tokens, by pilot_id.
    pilots: dict[str, str]


@dataclass(slots=True)
class Finding:
    """What a fault did: figures in words, and each promise that was broken."""

    name: str
    figures: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


def stage(running: Cluster, name: str) -> Stage:
    let_go()
    return organization(running, name)


def organization(running: Cluster | None, name: str) -> Stage:
    """An organization of its own."""
    from pilots import actions, api_keys, tokens  # noqa: PLC0415 -- the settings are known only now
    from pilots.roles import Role  # noqa: PLC0415

    slug = name.replace("_", "-")
    organization, _ = actions.create_organization(slug, name=name)
    _, key = api_keys.make(organization, "load", ["interventions:read", "interventions:write"])
    pilots = {}
    for number in range(PILOTS):
        joined = actions.create_pilot(f"local:{slug}-{number}", organization, Role.OPERATOR)
        pilots[f"local:{slug}-{number}"] = tokens.issue(joined.membership).access
    return Stage(running, organization.pk, key, pilots)


def let_go() -> None:
    """Of connections to a database that has been away or goes away now."""
    from django.db import connection  # noqa: PLC0415

    connection.close()
    connection.close_pool()


async def under_load(
    at: Stage, name: str, fault: Callable[[Stage, Load, Finding], Awaitable[None]], **load: float
) -> Finding:
    """Runs the load, does the fault to it, lets everything be answered, and says what was broken."""
    found = Finding(name)
    async with Load(at.cluster.addresses, at.key, at.pilots, **load) as working:  # type: ignore[arg-type]
        await asyncio.sleep(2)
        await fault(at, working, found)
        await asyncio.sleep(2)
        working.stop_asking()
        await working.answered()
        await asyncio.to_thread(let_go)
        waited, strange = await checker.settle(at.organization_id, working.followers)
    found.figures.append(f"followers equal to a fresh fetch after {waited:.1f} s")
    found.figures.append(_counted(working))
    found.broken += strange + await asyncio.to_thread(checker.broken, at.cluster, at.organization_id, working.journal)
    return found


def _counted(working: Load) -> str:
    words = []
    for kind, outcomes in sorted(working.journal.counts().items()):
        words.append(f"{kind} " + ", ".join(f"{number} {outcome}" for outcome, number in sorted(outcomes.items())))
    return "; ".join(words)


@contextmanager
def timed(found: Finding, what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    found.figures.append(f"{what} {time.monotonic() - began:.1f} s")
