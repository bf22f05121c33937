"""manage.py erase_pilot: forgets a person, and keeps the record."""

import sys
import time
from typing import Any

from django.core.management.base import CommandError, CommandParser

from interventions.actions import Erased, erase
from pilots import actions, erasing
from pilots.management.command import HouseCommand
from pilots.models import Pilot

# Open sockets notice within five seconds that a pilot may no longer act; nothing is erased before.
NOTICE_SECONDS = 6.0


class Command(HouseCommand):
    help = (
        "Forget a pilot: name, e-mail, provider accounts, sessions, tokens, second factors and memberships go, and a "
        "neutral name takes their place in the record, which goes on verifying. It cannot be undone."
    )
    example = "erase_pilot github:octocat --dry-run\nerase_pilot github:octocat --yes"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("pilot_id")
        parser.add_argument("--dry-run", action="store_true", help="say what would be changed, and change nothing")
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument("--texts", action="store_true", help="erase the reasons and comments they wrote too")
        parser.add_argument(
            "--force", action="store_true", help="even the last ADMIN, and even where a log does not verify"
        )

    def run(self, **options: Any) -> None:
        pilot = actions.pilot_of(options["pilot_id"])
        if erasing.is_erased(pilot):
            self.stdout.write(f"{pilot.pilot_id} stands for somebody who was erased already; there is nothing to do.")
            return
        wanted = {"texts": options["texts"], "force": options["force"]}
        # Refuses before anything is asked or done.
        planned = erase(pilot_of(pilot), dry_run=True, **wanted)
        if options["dry_run"]:
            self._tell("Would become", pilot.pilot_id, planned)
            return
        if not options["yes"]:
            _ask(pilot.pilot_id)
        erasing.lock_out(pilot)
        time.sleep(NOTICE_SECONDS)
        self._tell("Became", pilot.pilot_id, erase(pilot_of(pilot), **wanted))

    def _tell(self, words: str, pilot_id: str, erased: Erased) -> None:
        counts = ", ".join(f"{count} {kind}" for kind, count in erased.counts.items() if count)
        self.stdout.write(
            f"{words} {erased.neutral} in {', '.join(erased.organizations) or 'no organization'}: {counts}."
        )


def pilot_of(pilot: Pilot) -> Pilot:
    """A fresh copy: what is erased, even in a trial, is emptied in memory too."""
    return Pilot.objects.get(pk=pilot.pk)


def _ask(pilot_id: str) -> None:
    if not sys.stdin.isatty():
        raise CommandError("Nothing was erased: add --yes where nobody can be asked.")
    if input(f"Type {pilot_id} to erase it for good: ") != pilot_id:
        raise CommandError("Nothing was erased.")
