"""manage.py create_pilot: makes a local pilot and puts them into an organization."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from pilots import actions
from pilots.management import passwords
from pilots.management.command import HouseCommand
from pilots.roles import Role


class Command(HouseCommand):
    help = "Make a local pilot in an organization. Repeating it changes neither role nor password."
    example = (
        "echo 'a long pass phrase' | manage.py create_pilot local:dana --org acme --role OPERATOR --password-stdin"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("pilot_id", help="local:NAME; a space or / in NAME is not possible")
        parser.add_argument("--org", required=True, metavar="SLUG", help="the organization to join")
        parser.add_argument("--role", required=True, type=str.upper, choices=[role.value for role in Role])
        parser.add_argument("--name", default="", help="the name for people; default: NAME")
        parser.add_argument("--email", default="")
        parser.add_argument("--password-stdin", action="store_true", help="read the password: one line of input")

    def run(self, **options: Any) -> None:
        organization = actions.organization_of(options["org"])
        password = passwords.from_stdin() if options["password_stdin"] else ""
        joined = actions.create_pilot(
            options["pilot_id"],
            organization,
            Role(options["role"]),
            name=options["name"],
            email=options["email"],
            password=password,
        )
        self._tell(joined, password, options["role"])

    def _tell(self, joined: actions.Joined, password: str, asked: str) -> None:
        pilot, role = joined.membership.pilot, joined.membership.role
        slug = joined.membership.organization.slug
        words = "Made" if joined.made else "There already is"
        self.stdout.write(f"{words} {pilot.pilot_id}, {role} in {slug}.")
        if role != asked:
            self.stderr.write(f"The role stays {role}; to change it: set_role {pilot.pilot_id} {asked} --org {slug}")
        if not settings.LOCAL_ACCOUNTS:
            self.stderr.write("LOCAL_ACCOUNTS is off: nobody can sign in with a password until it is switched on.")
        if not pilot.has_usable_password():
            self.stderr.write(f"There is no password yet: set_password {pilot.pilot_id}")
        elif password and not pilot.check_password(password):
            self.stderr.write(f"The password stays as it was; to change it: set_password {pilot.pilot_id}")
        elif password and (weakness := actions.weakness_of(password)):
            self.stderr.write(f"The password is set, but weak: {weakness}")
