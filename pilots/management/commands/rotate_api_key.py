"""manage.py rotate_api_key: makes the next key of a name and prints it, alone; the one before works a while longer."""

from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser

from pilots import actions, api_keys
from pilots.errors import InvalidInput
from pilots.management.command import HouseCommand

MAX_HOURS = 30 * 24


class Command(HouseCommand):
    help = "Make the next key of this name and print it, once. The key before it works for the overlap, then no more."
    example = "rotate_api_key --org acme --name invoices --overlap-hours 48"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--org", required=True, metavar="SLUG")
        parser.add_argument("--name", required=True)
        parser.add_argument(
            "--overlap-hours", type=int, default=24, metavar="N", help="24 unless told; 0 ends the old key at once"
        )

    def run(self, **options: Any) -> None:
        hours = options["overlap_hours"]
        if not 0 <= hours <= MAX_HOURS:
            raise InvalidInput.field("overlap-hours", f"must be from 0 to {MAX_HOURS}")
        key = api_keys.newest(actions.organization_of(options["org"]), options["name"])
        _, text = api_keys.rotate(key, timedelta(hours=hours))
        self.stdout.write(text)
