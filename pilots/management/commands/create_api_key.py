"""manage.py create_api_key: makes an agent's key and prints it, alone, on standard output."""

from typing import Any

from django.core.management.base import CommandParser

from pilots import actions, api_keys
from pilots.management.command import HouseCommand


class Command(HouseCommand):
    help = "Make an API key and print it, once: it is not kept. The same name again is refused."
    example = "create_api_key --org acme --name invoices --scopes interventions:read,interventions:write"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--org", required=True, metavar="SLUG")
        parser.add_argument("--name", required=True, help="events name the agent by it: key:NAME")
        parser.add_argument("--scopes", required=True, help=f"with commas: {','.join(api_keys.SCOPES)}")

    def run(self, **options: Any) -> None:
        organization = actions.organization_of(options["org"])
        scopes = list(dict.fromkeys(scope.strip() for scope in options["scopes"].split(",") if scope.strip()))
        _, key = api_keys.make(organization, options["name"], scopes)
        self.stdout.write(key)
