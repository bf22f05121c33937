"""Does the embedded default bear a million interventions? SQLite in one file, one server, channels in memory.

    python -m bench.growth.embedded                                    a million, ten minutes, 5 GB of disk
    python -m bench.growth.embedded --size 100000

As `bench.growth`, and read as that is; what is asked one at a time is what one server on a small machine is for.
"""

import argparse
import asyncio
import os
import signal
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import cluster
from bench.cluster import Server
from bench.faults.stage import Stage, organization
from bench.growth.works import OPEN, Measuring, Place, Undecided, fill_open
from bench.speed.figures import load_average

SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "chameleon.settings",
    "DEBUG": "off",
    "SECRET_KEY": "bench-only-" + "0" * 50,
    "ALLOWED_HOSTS": "127.0.0.1,testserver",
    "SECURE_SSL_REDIRECT": "off",
    "SESSION_COOKIE_SECURE": "off",
    "API_RATE_LIMIT": "0",
    "ACCESS_TOKEN_MINUTES": "600",
}
SMALL = AT_ONCE = 10_000
SAID = "What is said about it goes on for a while. " * 8


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.growth.embedded", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--size", type=int, default=1_000_000)
    parser.add_argument("--at-once", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--seconds", type=float, default=1.0, help="of each run")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        os.environ |= SETTINGS | {"DATABASE_URL": f"sqlite:///{folder}/bench.sqlite3"}
        cluster.django()
        asyncio.run(_measure(Path(folder), options))


async def _measure(folder: Path, options: argparse.Namespace) -> None:
    small, grown = await asyncio.to_thread(_set_up)
    server = Server("daphne", dict(os.environ), folder / "server.log")
    measuring = Measuring(options.at_once, options.rounds, options.seconds)
    # While the file is filled nobody else writes.
    await asyncio.to_thread(_grow, small.organization_id, SMALL)
    took = await asyncio.to_thread(_grow, grown.organization_id, options.size)
    server.start()
    server.wait_until_ready()
    for at in (small, grown):
        await fill_open(server, at)
    print(f"{SMALL:,} decisions, and {options.size:,} (made in {took:.0f} s); {OPEN:,} open in each", flush=True)
    sizes = ((small, SMALL), (grown, options.size))
    places = [Place(server, at, size, Undecided(server, at)) for at, size in sizes]
    await measuring.measure(server, *places)
    server.end(signal.SIGTERM)
    size = (folder / "bench.sqlite3").stat().st_size
    print(f"  load {load_average()}; the file has {size / 2**20:,.0f} MiB")


def _set_up() -> list[Stage]:
    from django.core.management import call_command  # noqa: PLC0415 -- the settings are known only now

    call_command("migrate", verbosity=0)
    return [organization(None, name) for name in ("small", "grown")]


def _grow(organization_id: int, size: int) -> float:
    """So many decisions, the same ones that `tests.past` makes; the seconds it took."""
    from django.db import connection, transaction  # noqa: PLC0415

    from interventions import search  # noqa: PLC0415
    from interventions.models import Intervention, SearchEntry  # noqa: PLC0415
    from pilots.tenancy import speaking_for  # noqa: PLC0415

    began = time.monotonic()
    with speaking_for(organization_id):
        for first in range(1, size + 1, AT_ONCE):
            with transaction.atomic():
                last = min(first + AT_ONCE, size + 1)
                rows = Intervention.objects.bulk_create(_decisions(organization_id, first, last))
                words = [
                    SearchEntry(intervention=row, organization_id=organization_id, words=search.entry(row))
                    for row in rows
                ]
                SearchEntry.objects.bulk_create(words)
        _recount(organization_id)
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA optimize")
    return time.monotonic() - began


def _decisions(organization_id: int, first: int, last: int) -> Iterator[Any]:
    from interventions.models import Intervention  # noqa: PLC0415
    from pilots import database  # noqa: PLC0415

    types, statuses = ("clarification", "resume", "cancel"), ("APPROVED", "REJECTED", "COMPLETED", "CANCELLED")
    now = database.now()
    for number in range(first, last):
        moment = now - number * timedelta(seconds=20)
        yield Intervention(
            organization_id=organization_id,
            request_id=f"old-{number}",
            uow_id=f"uow-{number % 1000}",
            intervention_type=types[number % 3],
            status=(*statuses, "EXPIRED")[number % 5],
            priority=number % 4,
            title=f"Pay invoice {number} to the usual vendor",
            description=SAID,
            context={},
            tags=["finance", f"t{number % 50}"],
            required_role="OPERATOR",
            created_at=moment,
            updated_at=moment,
            action_timestamp=moment + timedelta(seconds=90),
            decided_by=f"local:p{number % 20}",
            action_reason="As agreed.",
            version=2,
            content_hash="0" * 64,
            draft_digest="0" * 64,
        )


def _recount(organization_id: int) -> None:
    from datetime import date  # noqa: PLC0415

    from django.db.models import Count  # noqa: PLC0415
    from django.db.models.functions import TruncDate  # noqa: PLC0415

    from interventions.models import Intervention, Tally  # noqa: PLC0415

    kind = ("intervention_type", "priority", "status")
    decided = Intervention.objects.for_organization(organization_id).exclude(action_timestamp=None)
    Tally.objects.for_organization(organization_id).exclude(status="PENDING").delete()
    for day in (None, TruncDate("action_timestamp")):
        by = decided.values(*kind) if day is None else decided.annotate(day=day).values("day", *kind)
        Tally.objects.bulk_create(
            Tally(
                organization_id=organization_id,
                count=row.pop("n"),
                **({"day": date.min} | row),
            )
            for row in by.annotate(n=Count("pk")).order_by()
        )


if __name__ == "__main__":
    main()
