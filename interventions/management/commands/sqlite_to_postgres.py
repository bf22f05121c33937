"""manage.py sqlite_to_postgres: moves an installation that began on SQLite."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from interventions.backup import moving
from pilots.management.command import HouseCommand
from pilots.management.owner import as_owner


class Command(HouseCommand):
    help = (
        "Copy everything from a SQLite file into the empty, migrated PostgreSQL of DATABASE_URL: all of it, or "
        "nothing. Stop every server and worker first, and keep SECRET_KEY. The file is only read."
    )
    example = (
        "DATABASE_URL=postgresql://… python manage.py migrate\n"
        "DATABASE_URL=postgresql://… python manage.py sqlite_to_postgres var/chameleon.sqlite3 --verify"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", help="the SQLite file")
        parser.add_argument("--verify", action="store_true", help="keep it only if logs, counts and invariants hold")

    def run(self, **options: Any) -> None:
        with as_owner():
            manifest = moving.move(Path(options["source"]), verify=options["verify"])
        held = " Both logs of each organization and all invariants hold." if options["verify"] else ""
        self.stdout.write(f"Moved {manifest}.{held} Start the servers with this DATABASE_URL; everybody signs in anew.")
