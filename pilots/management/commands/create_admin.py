"""manage.py create_admin: makes a superuser, who signs in by a one-time link."""

from typing import Any

from django.core.management.base import CommandParser
from django.urls import reverse

from pilots import actions
from pilots.management.command import HouseCommand
from pilots.management.server import server_address
from pilots.models import Organization, Pilot
from pilots.roles import Role
from pilots.sign_in import links


class Command(HouseCommand):
    help = (
        "Make a superuser and print a link that signs them in: once, within "
        f"{links.LIFETIME.seconds // 60} minutes. Repeating it makes a new link; the one before ends."
    )
    example = "create_admin --link --url https://chameleon.example.com"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("pilot_id", nargs="?", default="local:admin", help="default: local:admin")
        parser.add_argument("--link", action="store_true", required=True, help="print a one-time sign-in link")
        parser.add_argument("--name", default="Admin", help="the name for people")
        parser.add_argument("--org", metavar="SLUG", help="join it as ADMIN; default: the only one, where there is one")
        parser.add_argument("--url", help="where the server is reached; default: from the settings")

    def run(self, **options: Any) -> None:
        organization = actions.organization_of(options["org"]) if options["org"] else _only_organization()
        pilot = actions.create_superuser(options["pilot_id"], name=options["name"])
        if organization is not None:
            actions.join(pilot, organization, Role.ADMIN)
        address = (options["url"] or server_address()).rstrip("/")
        self.stdout.write(address + reverse("sign_in_by_link", args=[links.make(pilot)]))
        self._advise(pilot, organization)

    def _advise(self, pilot: Pilot, organization: Organization | None) -> None:
        minutes = links.LIFETIME.seconds // 60
        self.stderr.write(f"Open it within {minutes} minutes; it signs in {pilot.pilot_id}, once.", self.style.NOTICE)
        if organization is None:
            self.stderr.write(
                f"To work in an organization: set_role {pilot.pilot_id} ADMIN --org SLUG", self.style.NOTICE
            )


def _only_organization() -> Organization | None:
    rows = list(Organization.objects.all()[:2])
    return rows[0] if len(rows) == 1 else None
