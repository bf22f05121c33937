"""manage.py reset_second_factor: for a pilot who has lost phone, passkeys and recovery codes."""

from typing import Any

from django.core.management.base import CommandParser

from pilots import actions
from pilots.access_log import SYSTEM
from pilots.management.command import HouseCommand
from pilots.sign_in import second_factor


class Command(HouseCommand):
    help = (
        "Take a pilot's second factors away and sign them out. Make sure by another way that it is they who ask: "
        "afterwards the password, or the provider, is enough."
    )
    example = "reset_second_factor local:dana"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("pilot_id")

    def run(self, **options: Any) -> None:
        pilot = actions.pilot_of(options["pilot_id"])
        count = second_factor.reset(pilot, SYSTEM)
        if count:
            self.stdout.write(f"{pilot.pilot_id} has no second factor any more, and is signed out everywhere.")
        else:
            self.stdout.write(f"{pilot.pilot_id} had no second factor; signed out everywhere.")
