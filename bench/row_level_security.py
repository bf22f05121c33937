"""What does row-level security cost a request? Pairs of runs with and without it, in one process on one database.

    python tests/services -- python bench/row_level_security.py          (Linux, with PostgreSQL on this machine)

"Without" takes the policies off the tables and the telling off the connection. Requests go through all of Django
but over no network and on one open connection: what those cost besides would only make the difference look smaller.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import django

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ |= {"DJANGO_SETTINGS_MODULE": "chameleon.settings", "API_RATE_LIMIT": "0", "SECURE_SSL_REDIRECT": "off"}
os.environ |= {"DEBUG": "off", "SECRET_KEY": "bench-only-" + "0" * 50, "ALLOWED_HOSTS": "testserver"}
django.setup()

# Models can be imported only now.
from django.db import connection  # noqa: E402
from django.db.backends.signals import connection_created  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import setup_test_environment  # noqa: E402
from django.urls import reverse  # noqa: E402

from interventions import actions  # noqa: E402
from interventions.content import draft_of  # noqa: E402
from pilots import actions as pilots_actions  # noqa: E402
from pilots import api_keys, statements, tokens  # noqa: E402
from pilots.caller import Caller  # noqa: E402
from pilots.roles import Role  # noqa: E402
from pilots.row_security import walled_models  # noqa: E402

DRAFT = {"uow_id": "uow-1", "intervention_type": "clarification", "title": "Which vendor is it?"}
OPEN = 60


class World:
    """Two organizations with history; the second one's agent asks, and its pilot decides."""

    def __init__(self, rows: int) -> None:
        for slug in ("globex", "acme"):
            organization, _ = pilots_actions.create_organization(slug, name=slug)
            key, text = api_keys.make(organization, "agent", ["interventions:read", "interventions:write"])
            membership = pilots_actions.create_pilot(f"local:{slug}", organization, Role.ADMIN).membership
            _fill(Caller.of_key(key), rows)
        self.created = self.decided = 0
        self.client, self.browser = Client(headers=_bearer(text)), Client()
        self.pilot = Client(headers=_bearer(tokens.issue(membership).access))
        self.browser.force_login(membership.pilot, "django.contrib.auth.backends.ModelBackend")
        self.queue = reverse("queue", args=["acme"])

    def create(self) -> Any:
        self.created += 1
        body = DRAFT | {"request_id": f"new-{self.created}"}
        return self.client.post("/api/interventions", body, content_type="application/json")

    def decide(self) -> Any:
        self.decided += 1
        address = f"/api/interventions/new-{self.decided}/approve"
        return self.pilot.post(address, {}, content_type="application/json")

    def pending(self) -> Any:
        return self.client.get("/api/interventions/pending")

    def page(self) -> Any:
        return self.browser.get(self.queue)


def _bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def _fill(agent: Caller, rows: int) -> None:
    """Most of it is over, as where one has been at work for long."""
    for start in range(0, rows, 100):
        old = [DRAFT | {"request_id": f"old-{number}", "expires_in_seconds": 1} for number in range(start, start + 100)]
        actions.create_many(agent, [draft_of(draft) for draft in old])
    time.sleep(1.1)
    actions.expire_due()
    actions.create_many(agent, [draft_of(DRAFT | {"request_id": f"open-{number}"}) for number in range(OPEN)])


def switch(on: bool) -> None:
    """Puts the wall up, or takes all of it away."""
    wrappers = connection.execute_wrappers
    wrappers[:] = [each for each in wrappers if not isinstance(each, statements.Telling)]
    with connection.cursor() as cursor:
        for model in walled_models():
            verb = "ENABLE" if on else "DISABLE"
            cursor.execute(f'ALTER TABLE "{model._meta.db_table}" {verb} ROW LEVEL SECURITY')
    if on:
        statements.listen(connection)
        connection_created.connect(statements.listen, dispatch_uid="pilots.statements")
    else:
        connection_created.disconnect(dispatch_uid="pilots.statements")


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one request, in milliseconds: as a client feels it (the median), and on the processors (the mean), ours and
    PostgreSQL's together. The second hardly depends on what else the machine does."""

    elapsed: float
    computed: float


def timed(work: Callable[[], Any], times: int) -> Cost:
    taken, computed = [], processors()
    for _ in range(times):
        begun = time.perf_counter()
        status = work().status_code
        taken.append((time.perf_counter() - begun) * 1000)
        if status != (201 if work.__name__ == "create" else 200):
            raise SystemExit(f"{work.__name__}: {status}")
    return Cost(median(taken), (processors() - computed) / times * 1000)


def processors() -> float:
    """Seconds that this process and its backend of PostgreSQL have computed so far."""
    backend = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat")
    return time.process_time() + int(backend.read_text().split()[0]) / 1e9


def measure(world: World, rounds: int, times: int) -> dict[str, dict[bool, list[Cost]]]:
    # A create makes what a decide after it takes, so that every run finds as many open.
    work = (world.create, world.decide, world.pending, world.page)
    found: dict[str, dict[bool, list[Cost]]] = {each.__name__: {True: [], False: []} for each in work}
    for number in range(rounds):
        # Now this one first, now the other: whatever grows or warms up hits both.
        for on in (True, False) if number % 2 else (False, True):
            switch(on)
            for reading in (world.pending, world.page):
                timed(reading, 3)
            for each in work:
                found[each.__name__][on].append(timed(each, times))
    switch(on=True)
    return found


def show(found: dict[str, dict[bool, list[Cost]]], what: str) -> None:
    print(f"{what:10}{'without':>10}{'with':>12}{'ratio':>8}   ratios of the pairs: smallest, quartiles, largest")
    for name, runs in found.items():
        with_it, without = ([getattr(cost, what) for cost in runs[on]] for on in (True, False))
        ratios = [ours / theirs for ours, theirs in zip(with_it, without, strict=True)]
        spread = f"{min(ratios):.2f}  {'  '.join(f'{part:.2f}' for part in quantiles(ratios))}  {max(ratios):.2f}"
        print(f"{name:10}{median(without):8.2f}ms{median(with_it):10.2f}ms{median(ratios):8.3f}   {spread}")


@contextmanager
def database() -> Iterator[None]:
    """A database of its own beside the one of DATABASE_URL."""
    setup_test_environment()
    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        yield
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=5000, help="history of each organization")
    parser.add_argument("--rounds", type=int, default=9, help="pairs of runs")
    parser.add_argument("--times", type=int, default=60, help="requests of each kind in a run")
    options = parser.parse_args()
    if connection.vendor != "postgresql":
        raise SystemExit("set DATABASE_URL to a PostgreSQL, or run it under tests/services")
    with database():
        found = measure(World(options.rows), options.rounds, options.times)
    for what in ("elapsed", "computed"):
        show(found, what)


if __name__ == "__main__":
    main()
