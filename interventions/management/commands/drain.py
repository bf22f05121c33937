"""manage.py drain: ends the server processes of this host without a failed request, and waits until they are gone."""

import json
import time
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from interventions import servers
from interventions.servers import Server
from pilots.management.command import HouseCommand

LOOK_SECONDS = 0.1
# Beyond what the server may take: for its threads to end.
MARGIN_SECONDS = 10


class Command(HouseCommand):
    help = (
        "End the server processes of this installation on this host: they become unready, send their clients "
        "elsewhere, finish what runs and exit. Waits until they are gone; exits with 1 where one is not, or none runs."
    )
    example = "drain --timeout 60"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--pid", type=int, help="only this process")
        parser.add_argument(
            "--timeout",
            type=float,
            default=settings.DRAIN_SECONDS + MARGIN_SECONDS,
            help=f"seconds to wait until they are gone (default: DRAIN_SECONDS + {MARGIN_SECONDS})",
        )
        parser.add_argument("--json", action="store_true", help="one JSON document, for programs")

    def run(self, **options: Any) -> None:
        self._quiet = options["json"]
        found = _found(options["pid"])
        self._ask(found)
        took = self._wait(found, options["timeout"])
        remaining = [server.pid for server in found if server not in took]
        if options["json"]:
            drained = [{"pid": server.pid, "seconds": round(seconds, 1)} for server, seconds in took.items()]
            self.stdout.write(json.dumps({"drained": drained, "remaining": remaining}))
        if remaining:
            pids = ", ".join(map(str, remaining))
            raise CommandError(f"Still running after {options['timeout']:g} s: {pids}. A second SIGTERM cuts them off.")

    def _ask(self, found: list[Server]) -> None:
        # A supervisor is told once for all its workers: a second time would cut them off.
        for told in {server.told: server for server in found}.values():
            try:
                told.ask_to_drain()
            except PermissionError:
                raise CommandError(f"Process {told.told} is another user's: run this as that user.") from None
            except ProcessLookupError:
                continue
        for server in found:
            self._say(f"{server.pid} drains")

    def _wait(self, found: list[Server], timeout: float) -> dict[Server, float]:
        """The seconds that each took which is gone in time."""
        began, took = time.monotonic(), dict[Server, float]()
        while len(took) < len(found) and (passed := time.monotonic() - began) < timeout:
            for server in found:
                if server not in took and not server.is_alive():
                    took[server] = passed
                    self._say(f"{server.pid} is gone after {passed:.1f} s")
            time.sleep(LOOK_SECONDS)
        return took

    def _say(self, text: str) -> None:
        if not self._quiet:
            self.stdout.write(text)
            self.stdout.flush()


def _found(pid: int | None) -> list[Server]:
    found = [server for server in servers.running() if pid in (None, server.pid, server.told)]
    if not found:
        which = "No server of this installation runs" if pid is None else f"No server with the pid {pid} runs"
        raise CommandError(f"{which} on this host, by {servers.folder()}; is VAR_DIR the server's?")
    return found
