"""manage.py revoke_api_key: ends an agent's key, and the one before it that may still work, at once."""

from typing import Any

from django.core.management.base import CommandParser

from pilots import actions, api_keys
from pilots.management.command import HouseCommand


class Command(HouseCommand):
    help = "End every key of this name at once, open sockets within seconds. Again changes nothing."
    example = "revoke_api_key --org acme --name invoices"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--org", required=True, metavar="SLUG")
        parser.add_argument("--name", required=True)

    def run(self, **options: Any) -> None:
        organization, name = actions.organization_of(options["org"]), options["name"]
        api_keys.newest(organization, name)
        ended = api_keys.revoke_all(organization, name)
        self.stdout.write(f"Revoked: {', '.join(row.key_id for row in ended) or 'nothing; no key of it was living'}.")
