"""What agents and pilots do all day, as it is asked for at each size."""

import asyncio
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

from bench.cluster import Server
from bench.faults.stage import Stage
from bench.speed.arena import agent, draft, fill, pilot
from bench.speed.closed import Request, Run, Side, run
from bench.speed.figures import percentile
from bench.speed.wire import Connection

OPEN = 2_000


@dataclass(frozen=True, slots=True)
class Work:
    """One thing that is asked for, and as whom."""

    name: str
    connect: Callable[[], Connection]
    request: Callable[[], Request]


@dataclass(frozen=True, slots=True)
class Measuring:
    """Asks for each work at a small organization and at one that has grown, in turns: the machine differs from minute
    to minute, and both have it alike."""

    at_once: Sequence[int]
    rounds: int
    # Of each run.
    seconds: float

    async def measure(self, server: Server, small: "Place", grown: "Place") -> None:
        """Prints p50 and p95 in ms of both, and the median of the rounds' ratios of p50."""
        both = [await asyncio.to_thread(place.works) for place in (small, grown)]
        for mine, theirs in zip(*both, strict=True):
            for at_once in self.at_once:
                runs: tuple[list[Run], list[Run]] = ([], [])
                for number in range(self.rounds):
                    for turn in (0, 1) if number % 2 else (1, 0):
                        place, work = ((small, mine), (grown, theirs))[turn]
                        if work.name == "decide":
                            await place.undecided.add(round(400 * self.seconds) + 100 * at_once)
                        side = Side(server, work.connect, work.request)
                        runs[turn].append(await run(side, at_once, self.seconds))
                print(_line(mine.name, at_once, *runs), flush=True)

    async def floor(self, work: Work, server: Server) -> None:
        """What the machine did meanwhile with the least there is to do."""
        for at_once in self.at_once:
            found = await run(Side(server, work.connect, work.request), at_once, self.seconds)
            print(f"  {work.name:26}{at_once:4} at once {_times([found])}", flush=True)


@dataclass(frozen=True, slots=True)
class Place:
    """An organization with `size` decisions, asked at a server."""

    server: Server
    at: Stage
    size: int
    undecided: "Undecided"

    def works(self) -> list[Work]:
        return works_at(self.server, self.at, self.size, self.undecided)


async def fill_open(server: Server, at: Stage) -> None:
    """What waits for a pilot, at each size the same."""
    await fill(server, at, [f"open-{number}" for number in range(OPEN)], expires_in_seconds=86_400)


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


def works_at(server: Server, at: Stage, size: int, undecided: Undecided) -> list[Work]:
    by_agent, by_pilot = partial(agent, server, at), partial(pilot, server, at)
    on_page = partial(Connection, server.port, {"Cookie": f"sessionid={_session(at)}"})
    news, ids = itertools.count(), _spread(size)
    listed, history = "/api/interventions", f"/o/{_slug(at)}/history"
    return [
        Work("create", by_agent, lambda: ("POST", listed, draft(f"new-{at.organization_id}-{size}-{next(news)}"))),
        Work("pending, first page", by_agent, get(f"{listed}/pending")),
        Work("list, a page in the middle", by_agent, get(f"{listed}?cursor={_middle(at, size)}")),
        Work("decide", by_pilot, undecided.decide_next),
        Work("metrics", by_agent, get(f"{listed}/metrics")),
        # By an agent the first look at a decision would be its delivery, which is written.
        Work("detail", by_pilot, lambda: ("GET", f"{listed}/old-{next(ids)}", b"")),
        Work("history by outcome", on_page, get(f"{history}?outcome=rejected")),
        Work("history by pilot and type", on_page, get(f"{history}?actor=local:p7&type=resume")),
        # One in a thousand: ten of ten thousand, a page of more.
        Work("history by pilot and tag", on_page, get(f"{history}?actor=local:p7&tag=t7")),
        Work("search, one hit", by_agent, lambda: ("GET", f"{listed}?q=old-{next(ids)}", b"")),
        Work("search, a usual word", by_agent, get(f"{listed}?q=vendor")),
        Work("search, no hit", by_agent, get(f"{listed}?q=nothingofthekind")),
        Work("history, search, one hit", on_page, lambda: ("GET", f"{history}?q=old-{next(ids)}", b"")),
    ]


def get(path: str) -> Callable[[], Request]:
    return lambda: ("GET", path, b"")


def _line(name: str, at_once: int, small: Sequence[Run], grown: Sequence[Run]) -> str:
    ratios = [percentile(b.times, 50) / percentile(a.times, 50) for a, b in zip(small, grown, strict=True)]
    return f"  {name:26}{at_once:4} at once {_times(small)}  grown {_times(grown)}  x {median(ratios):.2f}"


def _times(runs: Sequence[Run]) -> str:
    p50, p95 = (median(percentile(each.times, share) for each in runs) for share in (50, 95))
    return f"p50 {p50:7.1f} p95 {p95:7.1f}"


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
