"""manage.py validate: watches a working installation for hours and says whether it keeps docs/sla.md."""

import asyncio
import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from interventions.validation import plan, report
from interventions.validation.plan import Plan
from interventions.validation.run import Validation
from pilots.management.command import HouseCommand


class Command(HouseCommand):
    help = (
        "Validate a working installation: probes through its front door, what is stored, latency and error budget, "
        "with a report that is kept up to date meanwhile. Exits with 0 where it passes. It makes an organization "
        "'validation' (else --org), a pilot local:validation and a key, and takes away at its end what they may."
    )
    example = (
        "validate --hours 24\nvalidate --minutes 10 --url http://one:8000 --url http://two:8000 --report cutover.md"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        time = parser.add_mutually_exclusive_group(required=True)
        time.add_argument("--hours", type=float, metavar="N")
        time.add_argument("--minutes", type=float, metavar="N")
        parser.add_argument("--url", action="append", default=[], help="a server, or the proxy; repeatable")
        parser.add_argument("--org", metavar="SLUG", help="where it probes; default: validation, made for it")
        parser.add_argument("--interval", type=float, default=2.0, metavar="S", help="between probes; default: 2")
        parser.add_argument("--availability", type=float, default=99.9, metavar="%", help="per cent; default: 99.9")
        parser.add_argument("--p95", type=float, default=200, metavar="MS", help="milliseconds; default: 200")
        parser.add_argument("--expiry", type=float, default=1.0, metavar="S", help="to mark what expired; default: 1")
        parser.add_argument("--report", metavar="FILE", help="Markdown, with .json beside it; default: under VAR_DIR")
        parser.add_argument("--json", action="store_true", help="print the report as JSON, for programs")

    def run(self, **options: Any) -> None:
        for name in ("httpx", "websockets"):
            # Their own line per request would bury what is said here.
            logging.getLogger(name).setLevel(logging.WARNING)
        chosen = _plan(options)
        chosen.check()
        told = asyncio.run(Validation(chosen, self._say).run())
        self.stdout.write(json.dumps(told, indent=2) if options["json"] else report.page(told))
        if not told["passed"]:
            why = "; ".join(told["failed_because"]) or f"it was {told['state']} before its time"
            raise CommandError(f"Not passed: {why}. See {chosen.report}.")

    def _say(self, text: str) -> None:
        self.stderr.write(text, self.style.NOTICE)


def _plan(options: dict[str, Any]) -> Plan:
    default = settings.VAR_DIR / "validation" / f"{datetime.now(UTC):%Y%m%d-%H%M%S}.md"
    return Plan(
        seconds=options["hours"] * 3600 if options["hours"] is not None else options["minutes"] * 60,
        urls=plan.addresses(options["url"]),
        organization=options["org"],
        interval=options["interval"],
        target=options["availability"] / 100,
        p95=options["p95"] / 1000,
        expiry=options["expiry"],
        report=Path(options["report"] or default),
    )
