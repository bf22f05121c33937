"""manage.py restore: puts a backup back, all of it or nothing."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import connection

from interventions.backup import examining, restoring
from interventions.backup.archive import Manifest
from pilots.management import source
from pilots.management.command import HouseCommand
from pilots.management.owner import as_owner


class Command(HouseCommand):
    help = (
        "Put a backup back into an empty, migrated database, in one transaction: all of it, or nothing. Each log gets "
        "a new epoch, everybody signs in anew, and what happened since the backup is lost."
    )
    example = "restore chameleon.backup --dry-run\nrestore chameleon.backup --verify"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="what manage.py backup wrote; -: standard input")
        parser.add_argument("--verify", action="store_true", help="keep it only if logs, counts and invariants hold")
        parser.add_argument("--dry-run", action="store_true", help="only say whether the file can be restored here")
        parser.add_argument("--force", action="store_true", help="in place of everything that is in the database")
        parser.add_argument("--yes", action="store_true", help="do not ask, with --force")
        parser.add_argument("--other-key", action="store_true", help="even where sealed secrets cannot be opened")
        parser.add_argument("--json", action="store_true", help="one JSON document, for programs")

    def run(self, **options: Any) -> None:
        with source.opened(options["file"]) as file, as_owner():
            manifest = examining.examine(file, other_key=options["other_key"])
            epochs = None if options["dry_run"] else self._restore(file, manifest, options)
        if options["json"]:
            document = manifest.as_dict() | {"restored": epochs is not None, "epochs": epochs or {}}
            self.stdout.write(json.dumps(document, indent=2))
        elif epochs is None:
            self.stdout.write(f"This backup is whole and can be restored here: {manifest}.")
        else:
            held = " Both logs of each organization and all invariants hold." if options["verify"] else ""
            self.stdout.write(
                f"Restored {manifest}.{held}\nWhat was revoked, removed or changed since then counts again."
            )

    def _restore(self, file: Any, manifest: Manifest, options: dict[str, Any]) -> dict[str, str]:
        if options["force"] and not options["yes"] and not restoring.is_empty():
            _ask(Path(connection.settings_dict["NAME"]).name)
        try:
            return restoring.restore(file, manifest, replace=options["force"], verify=options["verify"])
        except restoring.Differs as error:
            if options["json"]:
                self.stdout.write(
                    json.dumps({"restored": False, "findings": [asdict(each) for each in error.findings]})
                )
            else:
                self.stdout.writelines(f"{finding}\n" for finding in error.findings)
            raise


def _ask(name: str) -> None:
    if not sys.stdin.isatty():
        raise CommandError("Nothing was restored: add --yes where nobody can be asked.")
    if input(f"Type {name} to replace everything in this database: ") != name:
        raise CommandError("Nothing was restored.")
