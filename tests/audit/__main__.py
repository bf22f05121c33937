"""Lighthouse over the pages a pilot works on, served as in production, with 200 open requests.

    python tests/services -- python -m tests.audit [--runs 3] [--pages queue,detail] [--verbose]

Exits with 1 where a page is below what CONTRIBUTING.md promises. Its times depend on the machine: let it be quiet.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from tempfile import TemporaryDirectory

import django

os.environ |= {"DJANGO_SETTINGS_MODULE": "chameleon.settings", "DEBUG": "off", "SECRET_KEY": "audit-only-" + "0" * 50}
os.environ |= {"ALLOWED_HOSTS": "127.0.0.1,testserver", "SECURE_SSL_REDIRECT": "off", "SESSION_COOKIE_SECURE": "off"}
django.setup()

# Models can be imported only now.
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import setup_test_environment  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402

from interventions.models import Intervention  # noqa: E402
from pilots import actions as pilots_actions  # noqa: E402
from pilots import api_keys  # noqa: E402
from pilots.caller import Caller  # noqa: E402
from pilots.roles import Role  # noqa: E402
from tests import servers  # noqa: E402
from tests.audit import lighthouse  # noqa: E402
from tests.audit.lighthouse import Report, Unavailable  # noqa: E402
from tests.crowd import crowd  # noqa: E402
from tests.e2e import server  # noqa: E402

OPEN = 200
CHROMIUM = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
CHROMIUM += ["--disable-component-update", "--disable-sync"]
# Of 100, and bytes.
LEAST = {
    ("desktop", "performance"): 98,
    ("desktop", "accessibility"): 98,
    ("mobile", "performance"): 98,
    ("mobile", "accessibility"): 98,
}
MOST_AT_FIRST = 120 * 1024


@dataclass(frozen=True, slots=True)
class Measured:
    """The median of the runs on one page with one preset."""

    page: str
    preset: str
    first: Report
    again: int

    @property
    def complaints(self) -> list[str]:
        where = f"{self.page}, {self.preset}"
        low = [
            f"{where}: {category} is {self.first.scores[category]:.0f}, not {least}"
            for (preset, category), least in LEAST.items()
            if preset == self.preset and self.first.scores[category] < least
        ]
        if self.first.transferred > MOST_AT_FIRST:
            low.append(f"{where}: the first visit transfers {_kib(self.first.transferred)}, not {_kib(MOST_AT_FIRST)}")
        return low


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.audit", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=3, help="of which the median counts")
    parser.add_argument("--pages", default="queue,detail", help="which of them")
    parser.add_argument("--verbose", action="store_true", help="say what keeps the scores down")
    options = parser.parse_args()
    try:
        lighthouse.install()
        with database(), server.running(servers.database_url()) as address:
            pages, session = world(address)
            chosen = {name: pages[name] for name in options.pages.split(",")}
            with signed_in(address, session) as port:
                found = list(measure(chosen, port, options.runs, options.verbose))
    except Unavailable as reason:
        print(f"tests/audit: {reason}", file=sys.stderr)
        return 1
    complaints = [complaint for each in found for complaint in each.complaints]
    print("\n".join(["", *complaints]) if complaints else "\nAll pages are as good as promised.")
    return 1 if complaints else 0


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


def world(address: str) -> tuple[dict[str, str], str]:
    """A queue with much to do; the addresses of the pages, and a session of a pilot who is admin."""
    organization, _ = pilots_actions.create_organization("acme", name="Acme")
    key, _ = api_keys.make(organization, "agent", ["interventions:read", "interventions:write"])
    membership = pilots_actions.create_pilot("local:ada", organization, Role.ADMIN, name="Ada").membership
    crowd(Caller.of_key(key), OPEN)
    client = Client()
    client.force_login(membership.pilot, "django.contrib.auth.backends.ModelBackend")
    request_id = Intervention.objects.for_organization(organization.pk).order_by("created_at")[4].request_id
    pages = {"queue": f"{address}/o/acme/", "detail": f"{address}/o/acme/interventions/{request_id}"}
    return pages, client.cookies["sessionid"].value


@contextmanager
def signed_in(address: str, session: str) -> Iterator[int]:
    """The port on which a Chromium with this session listens to Lighthouse. A cookie reaches sockets, a header not."""
    port = servers.free_port()
    with TemporaryDirectory() as profile, sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
            args=[*CHROMIUM, f"--remote-debugging-port={port}"],
        )
        context.add_cookies([{"name": "sessionid", "value": session, "url": address}])
        # Templates and files are read once: what is measured is a server at work, not one that just started.
        page = context.new_page()
        page.goto(f"{address}/o/acme/", wait_until="networkidle")
        page.close()
        yield port
        context.close()


def measure(pages: dict[str, str], port: int, runs: int, verbose: bool) -> Iterator[Measured]:
    print(
        f"{'page':8}{'preset':9}{'perf':>5}{'a11y':>6}{'best':>6}{'LCP':>9}{'CLS':>7}{'TBT':>8}{'first':>11}{'again':>11}"
    )
    for page, address in pages.items():
        for preset in ("desktop", "mobile"):
            first = [lighthouse.run(address, port, desktop=preset == "desktop") for _ in range(runs)]
            again = [
                lighthouse.run(address, port, desktop=preset == "desktop", again=True).transferred for _ in range(runs)
            ]
            found = Measured(page, preset, _middle(first), round(median(again)))
            print(_line(found), flush=True)
            if verbose:
                print("\n".join(f"    {finding}" for finding in found.first.findings))
            yield found


def _middle(reports: list[Report]) -> Report:
    """Each number's median; what was found is alike in all."""
    scores = {name: median(report.scores[name] for report in reports) for name in lighthouse.CATEGORIES}
    numbers = {name: median(getattr(report, name) for report in reports) for name in ("lcp", "cls", "tbt")}
    transferred = round(median(report.transferred for report in reports))
    return Report(scores, **numbers, transferred=transferred, findings=reports[0].findings)


def _line(found: Measured) -> str:
    report = found.first
    scores = "".join(
        f"{report.scores[name]:{width}.0f}" for name, width in zip(lighthouse.CATEGORIES, (5, 6, 6), strict=True)
    )
    times = f"{report.lcp:7.0f}ms{report.cls:7.3f}{report.tbt:6.0f}ms"
    return f"{found.page:8}{found.preset:9}{scores}{times}{_kib(report.transferred):>11}{_kib(found.again):>11}"


def _kib(size: int) -> str:
    return f"{size / 1024:.1f} KiB"


if __name__ == "__main__":
    sys.exit(main())
