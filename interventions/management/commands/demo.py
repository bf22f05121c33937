"""manage.py demo: makes an organization to look at."""

from typing import Any

from django.core.management.base import CommandParser

from interventions import demo
from pilots.management.command import HouseCommand


class Command(HouseCommand):
    help = (
        "Make an organization with pilots of each role and a few days of interventions, open and decided. "
        "An organization that has interventions is left alone."
    )
    example = "demo --org acme"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--org", metavar="SLUG", default="acme", help="default: acme")
        parser.add_argument("--name", default="Acme", help="its name for people, where it is new")

    def run(self, **options: Any) -> None:
        made = demo.set_up(options["org"], options["name"])
        slug = made.organization.slug
        if made.added:
            self.stdout.write(f"Added {made.added} interventions of the last days to {slug}.")
        else:
            self.stdout.write(f"{slug} has interventions already; nothing was added.")
        for person in made.people:
            row = person.membership
            password = person.password or "(as it was set)"
            self.stdout.write(f"  {row.pilot.pilot_id:12} {row.role:9} password: {password}")
