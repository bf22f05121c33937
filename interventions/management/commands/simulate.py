"""manage.py simulate: a company's agents, over the public API, until it is stopped."""

import asyncio
import logging
import os
import signal
from datetime import datetime
from random import Random
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from interventions.demo import KEY_FILE
from interventions.simulation.agents import BadKey, Fleet
from interventions.simulation.client import Client
from pilots.management.command import HouseCommand

KEY_VARIABLE = "CHAMELEON_API_KEY"


class Command(HouseCommand):
    help = (
        "Run simulated agents against a server: they ask, wait for the pilots' answers, check the content hash, act "
        f"and report. The key: --key, else {KEY_VARIABLE}, else the one that manage.py demo left in var/."
    )
    example = "simulate --url http://127.0.0.1:8000 --rate 8"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--url", default="http://127.0.0.1:8000", help="default: http://127.0.0.1:8000")
        parser.add_argument("--key", help="an API key with interventions:read and interventions:write")
        parser.add_argument("--rate", type=float, default=8, help="arrivals per minute; default: 8")
        parser.add_argument("--agents", type=int, default=12, help="so many matters open at once; default: 12")
        parser.add_argument("--matters", type=int, help="end after so many; default: go on until stopped")
        parser.add_argument("--seed", type=int, help="the same matters each time")

    def run(self, **options: Any) -> None:
        if options["rate"] <= 0 or options["agents"] < 1:
            raise CommandError("--rate must be above 0 and --agents at least 1.")
        if not options["url"].startswith(("http://", "https://")):
            raise CommandError("--url must start with http:// or https://.")
        # Its own line per request would bury what the agents say.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        try:
            asyncio.run(self._simulate(**options))
        except* BadKey as refusals:
            raise CommandError(
                f"The server does not take the key ({refusals.exceptions[0]}): make one with create_api_key."
            ) from None

    async def _simulate(self, **options: Any) -> None:
        random = Random(options["seed"])  # noqa: S311 -- a story, not a secret
        async with Client(options["url"], _key(options["key"]), self._say) as client:
            fleet = Fleet(client, self._say, agents=options["agents"], rate=options["rate"], random=random)
            working = asyncio.ensure_future(fleet.run(options["matters"]))
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, working.cancel)
            try:
                await working
            except asyncio.CancelledError:
                self._say("The agents stop; what is open stays open.")

    def _say(self, text: str) -> None:
        self.stdout.write(f"{datetime.now():%H:%M:%S}  {text}")
        self.stdout.flush()


def _key(given: str | None) -> str:
    key = given or os.environ.get(KEY_VARIABLE, "")
    path = settings.VAR_DIR / KEY_FILE
    if not key and path.exists():
        key = path.read_text().strip()
    if not key:
        raise CommandError(f"No API key: give --key or {KEY_VARIABLE}, or run manage.py demo first.")
    return key
