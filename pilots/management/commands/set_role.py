"""manage.py set_role: gives a pilot a role in an organization."""

from typing import Any

from django.core.management.base import CommandParser

from pilots import actions
from pilots.management.command import HouseCommand
from pilots.roles import Role


class Command(HouseCommand):
    help = "Give a pilot a role in an organization, joining it where they have not yet. Repeating it changes nothing."
    example = "set_role github:octocat ADMIN --org acme"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("pilot_id")
        parser.add_argument("role", type=str.upper, choices=[role.value for role in Role])
        parser.add_argument("--org", required=True, metavar="SLUG")

    def run(self, **options: Any) -> None:
        organization = actions.organization_of(options["org"])
        pilot = actions.pilot_of(options["pilot_id"])
        membership, joined = actions.set_role(pilot, organization, Role(options["role"]))
        words = "has joined as" if joined else "is"
        self.stdout.write(f"{pilot.pilot_id} {words} {membership.role} in {organization.slug}.")
