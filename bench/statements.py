"""Which ten statements does PostgreSQL spend most of its time on?

    python tests/services -- .venv/bin/python -m bench.statements
    python tests/services -- .venv/bin/python -m bench.statements --seconds 300 --past 200000

Two servers and a worker with a past of decided requests, and a mixed load: agents that ask and wait, pilots that read
the queue and decide, programs that listen, and readers of pages, lists and figures. Prints the ten heaviest by total
time as a table in Markdown: their share, calls, mean, rows per call.
"""

import argparse
import asyncio
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import psycopg

from bench import cluster
from bench.cluster import Cluster
from bench.faults.stage import Stage, let_go, stage
from bench.load import Load

COUNTING = {"shared_preload_libraries": "pg_stat_statements"}
GRANTED = (
    "CREATE EXTENSION pg_stat_statements",
    "GRANT EXECUTE ON FUNCTION pg_stat_statements_reset(oid, oid, bigint) TO chameleon",
)
NAME = "heaviest"
READERS, PAUSE = 4, 0.25
PAGES = ("", "history", "history?outcome=expired", "history?q=vendor", "interventions/{last}")
CALLS = (
    "interventions/pending",
    "interventions/metrics",
    "interventions?status=APPROVED&limit=50",
    "interventions?ordering=priority&limit=50",
    "events?after=0&limit=100",
)
HEAVIEST = """
    SELECT query, calls, total_exec_time, mean_exec_time, rows, sum(total_exec_time) OVER ()
    FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    ORDER BY total_exec_time DESC LIMIT 10"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.statements", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--past", type=int, default=50_000, help="decided requests that are there before")
    options = parser.parse_args()
    with Cluster(servers=2, tuned=COUNTING, granted=GRANTED) as running:
        cluster.django()
        at = stage(running, NAME)
        session = _set_up(at, options.past)
        with psycopg.connect(running.environment["DATABASE_URL"], autocommit=True) as line:
            line.execute("ANALYZE")
            line.execute("SELECT pg_stat_statements_reset()")
        print("\n".join(asyncio.run(_load(running, at, session, options.seconds))))
        let_go()


async def _load(running: Cluster, at: Stage, session: str, seconds: float) -> list[str]:
    """The table, after so many seconds of it."""
    async with Load(running.addresses, at.key, at.pilots):
        readers = [asyncio.create_task(_read(at, session, number)) for number in range(READERS)]
        await asyncio.wait(readers, timeout=seconds)
        for each in readers:
            each.cancel()
        ends = await asyncio.gather(*readers, return_exceptions=True)
        table = await asyncio.to_thread(lambda: list(_table(running)))
    for end in ends:
        if isinstance(end, Exception):
            raise end
    return table


def _set_up(at: Stage, past_rows: int) -> str:
    """A past, and the session of a pilot who looks at it."""
    from django.test import Client  # noqa: PLC0415 -- the settings are known only now

    from pilots.models import Pilot  # noqa: PLC0415
    from tests.past import past  # noqa: PLC0415

    past(at.organization_id, past_rows)
    browser = Client()
    pilot = Pilot.objects.get(pilot_id=next(iter(at.pilots)))
    browser.force_login(pilot, "django.contrib.auth.backends.ModelBackend")
    return browser.cookies["sessionid"].value


async def _read(at: Stage, session: str, number: int) -> None:
    """One who looks: pages with the session, lists and figures with the key, in turn."""
    address = at.cluster.addresses[number % len(at.cluster.addresses)]
    async with httpx.AsyncClient(base_url=address, timeout=30, cookies={"sessionid": session}) as client:
        while True:
            last = ""
            for path in CALLS:
                with suppress(httpx.HTTPError):
                    answer = await client.get(f"/api/{path}", headers={"Authorization": f"Bearer {at.key}"})
                    last = _last_of(answer) or last
                await asyncio.sleep(PAUSE)
            for page in PAGES:
                with suppress(httpx.HTTPError):
                    answer = await client.get(f"/o/{NAME}/{page.format(last=last)}")
                    if answer.status_code >= 400:
                        raise RuntimeError(f"{answer.url} was answered {answer.status_code}")
                await asyncio.sleep(PAUSE)


def _last_of(answer: httpx.Response) -> str:
    shown: Any = answer.json() if answer.is_success else {}
    results = shown.get("results", []) if isinstance(shown, dict) else []
    return results[-1]["request_id"] if results else ""


def _table(running: Cluster) -> Iterator[str]:
    yield "| | share | calls | total | mean | rows a call | statement |"
    yield "|---|---|---|---|---|---|---|"
    with psycopg.connect(running.environment["DATABASE_URL"]) as line:
        for number, (query, calls, total, mean, rows, all_of_it) in enumerate(line.execute(HEAVIEST), 1):
            yield (
                f"| {number} | {total / all_of_it:.0%} | {calls} | {total:.0f} ms | {mean:.2f} ms | {rows / calls:.1f} "
                f"| `{_short(query)}` |"
            )


def _short(query: str) -> str:
    """One line that tells statements apart: the columns read say nothing here, nor whose columns they are."""
    line = re.sub(r"\s+", " ", query).replace("|", "\\|").replace('"', "")
    line = re.sub(r"\b(interventions|pilots)_\w+\.", "", line)
    line = re.sub(r"SELECT .{60,}? FROM (?=interventions_|pilots_|\()", "SELECT … FROM ", line)
    return re.sub(r"INSERT INTO (\w+) \(.*?\)", r"INSERT INTO \1 (…)", line)[:400]


if __name__ == "__main__":
    main()
