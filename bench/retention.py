"""What does a decided request weigh in PostgreSQL, and how quickly does it go? On a database of its own.

    python tests/services -- python bench/retention.py --requests 20000

Each is asked, claimed, decided with a reason and reported on, by the rules: four events. The context has 400 bytes.
"""

import argparse
import os
import sys
import time
from datetime import timedelta
from pathlib import Path

import django

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ |= {"DJANGO_SETTINGS_MODULE": "chameleon.settings", "API_RATE_LIMIT": "0", "SECURE_SSL_REDIRECT": "off"}
os.environ |= {"DEBUG": "off", "SECRET_KEY": "bench-only-" + "0" * 50, "ALLOWED_HOSTS": "testserver"}
django.setup()

# Models can be imported only now.
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from interventions import actions, audits  # noqa: E402
from interventions.content import draft_of  # noqa: E402
from interventions.models import Approval, Event, Intervention  # noqa: E402
from pilots import actions as pilots_actions  # noqa: E402
from pilots import api_keys, database  # noqa: E402
from pilots.caller import Caller  # noqa: E402
from pilots.models import Organization  # noqa: E402
from pilots.roles import Role  # noqa: E402

CONTEXT = {"vendor": "ABC Ltd", "amount": 48200, "note": "x" * 340}
DRAFT = {"uow_id": "inv-2026-4711", "intervention_type": "clarification", "title": "May I pay 48,200 EUR to ABC Ltd?"}
AT_ONCE = 100


def fill(count: int) -> Organization:
    organization, _ = pilots_actions.create_organization("acme", name="Acme")
    agent = Caller.of_key(api_keys.make(organization, "agent", ["interventions:write"])[0])
    pilot = Caller.of_pilot(pilots_actions.create_pilot("local:dana", organization, Role.ADMIN).membership)
    # The first to be decided was so a hundred days ago.
    with database.telling_of(database.now() - timedelta(days=100)):
        for first in range(0, count, AT_ONCE):
            ids = [f"pay-{number}" for number in range(first, first + AT_ONCE)]
            drafts = [DRAFT | {"request_id": each, "context": CONTEXT, "expires_in_seconds": None} for each in ids]
            actions.create_many(agent, [draft_of(draft) for draft in drafts])
            for each in ids:
                actions.claim(pilot, each)
                actions.approve(pilot, each, reason="Checked against the source; go on.")
                actions.complete(agent, each, outcome={"paid": True})
    return organization


def weigh(count: int) -> None:
    with connection.cursor() as cursor:
        for model in (Intervention, Approval, Event):
            cursor.execute(
                "SELECT pg_table_size(%s), pg_indexes_size(%s)", [model._meta.db_table, model._meta.db_table]
            )
            rows, indexes = cursor.fetchone()
            size, beside = rows / count, indexes / count
            print(f"{model.__name__}: {size:,.0f} bytes of rows, {beside:,.0f} of indexes for each request")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--requests", type=int, default=20_000)
    count = parser.parse_args().requests
    call_command("migrate", verbosity=0)
    organization = fill(count)
    weigh(count)
    begun = time.perf_counter()
    found = audits.of(organization)
    print(f"verified {found[audits.RECORD].events:,} events: {time.perf_counter() - begun:.1f} s")
    begun = time.perf_counter()
    pruned = actions.prune(organization, timedelta(days=90))
    seconds = time.perf_counter() - begun
    print(f"pruned {pruned.interventions:,} requests and {pruned.events:,} events: {seconds:.1f} s")


if __name__ == "__main__":
    main()
