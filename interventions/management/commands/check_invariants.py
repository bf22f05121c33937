"""manage.py check_invariants: proves from the database that nothing in it contradicts itself."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser

from interventions import invariants
from interventions.management import organizations
from pilots.management.command import HouseCommand


class Command(HouseCommand):
    help = (
        "Check what must always hold: one decision each, none after its deadline, a gap-free log that gives the rows, "
        "tallies that are a recount. Exits with 1 where anything does not."
    )
    example = "check_invariants --org acme"

    def add_arguments(self, parser: CommandParser) -> None:
        organizations.add_argument(parser)
        parser.add_argument("--json", action="store_true", help="one JSON document, for programs")

    def run(self, **options: Any) -> None:
        found = {row.slug: invariants.check(row.pk) for row in organizations.chosen(options["org"])}
        if options["json"]:
            document = {slug: [asdict(finding) for finding in findings] for slug, findings in found.items()}
            self.stdout.write(json.dumps(document, indent=2))
        else:
            for slug, findings in found.items():
                self.stdout.writelines(f"{slug}: {finding}\n" for finding in findings)
                self.stdout.write(f"{slug}: {len(findings) or 'no'} findings.")
        broken = [slug for slug, findings in found.items() if findings]
        if broken:
            raise CommandError(f"What is stored for {', '.join(broken)} contradicts itself.")
