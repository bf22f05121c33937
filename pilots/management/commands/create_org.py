"""manage.py create_org: makes an organization."""

from typing import Any

from django.core.management.base import CommandParser

from pilots import actions
from pilots.management.command import HouseCommand


class Command(HouseCommand):
    help = "Make an organization. Repeating it changes nothing."
    example = "create_org acme --name 'Acme Ltd'"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="its name in addresses: letters, digits, - and _")
        parser.add_argument("--name", required=True, help="its name for people")

    def run(self, **options: Any) -> None:
        organization, made = actions.create_organization(options["slug"], name=options["name"])
        words = "Made organization" if made else "There already is an organization"
        self.stdout.write(f"{words} {organization.slug} ({organization.name}).")
