"""manage.py backup: copies everything into one file, while all go on working."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from interventions.backup import making
from pilots.management import output
from pilots.management.command import HouseCommand


class Command(HouseCommand):
    help = (
        "Copy everything as of one moment into one file for manage.py restore, while servers and workers go on. It "
        "holds personal data, and secrets sealed with SECRET_KEY, which is not in it: keep that too, elsewhere. An "
        "older backup of this name is replaced once the new one is whole."
    )
    example = "backup /var/backups/chameleon.backup\nbackup - | age -r age1… > chameleon.backup.age"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="-: standard output")
        parser.add_argument("--json", action="store_true", help="what is in it as a JSON document, for programs")

    def run(self, **options: Any) -> None:
        name = options["file"]
        with output.standard() if name == "-" else output.whole(Path(name), replace=True) as out:
            manifest = making.make(out)
        told = json.dumps(manifest.as_dict(), indent=2) if options["json"] else f"Backed up {manifest}."
        # Standard output is the backup's where it goes there.
        (self.stderr if name == "-" else self.stdout).write(told, lambda text: text)
