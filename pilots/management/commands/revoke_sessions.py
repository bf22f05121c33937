"""manage.py revoke_sessions: signs pilots out everywhere."""

from typing import Any

from django.core.management.base import CommandParser

from pilots import actions
from pilots.management.command import HouseCommand
from pilots.models import Membership, Pilot
from pilots.sign_in import sessions


class Command(HouseCommand):
    help = (
        "End every session and token of a pilot, of an organization's members, or of everybody. A session is a "
        "person's: members of several organizations are signed out of all of them. Open sockets close within seconds."
    )
    example = "revoke_sessions --pilot local:dana"

    def add_arguments(self, parser: CommandParser) -> None:
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("--pilot", metavar="PILOT_ID")
        whose.add_argument("--org", metavar="SLUG", help="every member of it")
        whose.add_argument("--all", action="store_true", help="everybody")

    def run(self, **options: Any) -> None:
        pilots, name = self._chosen(options)
        count = actions.revoke_sessions(pilots)
        if options["all"]:
            # And what no pilot stands behind: sign-ins that were begun and not finished.
            sessions.end_everything()
        self.stdout.write(f"Ended {count} session{'' if count == 1 else 's'} of {name}.")

    def _chosen(self, options: dict[str, Any]) -> tuple[list[Pilot], str]:
        if options["pilot"]:
            pilot = actions.pilot_of(options["pilot"])
            return [pilot], pilot.pilot_id
        if options["org"]:
            organization = actions.organization_of(options["org"])
            rows = Membership.objects.for_organization(organization.pk).select_related("pilot")
            return [row.pilot for row in rows], organization.slug
        return list(Pilot.objects.all()), "everybody"
