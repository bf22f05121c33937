"""manage.py invite: makes a link by which somebody joins an organization."""

from typing import Any

from django.core.management.base import CommandParser
from django.urls import reverse

from pilots import actions, invitations
from pilots.management.command import HouseCommand
from pilots.management.server import server_address
from pilots.roles import Role


class Command(HouseCommand):
    help = (
        "Make an invitation and print its link, alone, on stdout: whoever opens it and signs in joins, once, within "
        f"{invitations.LIFETIME.days} days. With an e-mail address only its owner may."
    )
    example = "invite --org acme --role OPERATOR --email dana@acme.com --url https://chameleon.example.com"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--org", required=True, metavar="SLUG")
        parser.add_argument("--role", required=True, type=str.upper, choices=[role.value for role in Role])
        parser.add_argument("--email", default="", help="the address that a provider must vouch for")
        parser.add_argument("--url", help="where the server is reached; default: from the settings")

    def run(self, **options: Any) -> None:
        organization = actions.organization_of(options["org"])
        _, token = invitations.invite(organization, Role(options["role"]), email=options["email"])
        address = (options["url"] or server_address()).rstrip("/")
        self.stdout.write(address + reverse("invitation", args=[token]))
