"""manage.py set_password: gives a local pilot a new password."""

from typing import Any

from django.core.management.base import CommandParser

from pilots import actions
from pilots.management import passwords
from pilots.management.command import HouseCommand


class Command(HouseCommand):
    help = (
        "Set a local pilot's password: asked for at a terminal, else one line of standard input. "
        "Everything the pilot is signed in with ends."
    )
    example = "set_password local:dana"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("pilot_id")
        parser.add_argument("--password-stdin", action="store_true", help="read it from standard input in any case")

    def run(self, **options: Any) -> None:
        pilot = actions.pilot_of(options["pilot_id"])
        password = passwords.from_stdin() if options["password_stdin"] else passwords.ask()
        actions.set_password(pilot, password)
        self.stdout.write(f"Set the password of {pilot.pilot_id}.")
        if weakness := actions.weakness_of(password):
            self.stderr.write(f"It is weak: {weakness}")
