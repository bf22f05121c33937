"""manage.py export_org: writes everything of one organization, as lines of JSON."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from interventions.exporting import export
from pilots import actions
from pilots.management import output
from pilots.management.command import HouseCommand


class Command(HouseCommand):
    help = (
        "Export one organization as lines of JSON: members, keys, interventions and both logs as of one moment, with "
        "what is needed to verify them. Secrets are not in it; the data is not encrypted."
    )
    example = "export_org acme --output acme.jsonl\nexport_org acme | gzip > acme.jsonl.gz"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="the organization")
        parser.add_argument("--output", metavar="FILE", help="a new file; default: standard output")

    def run(self, **options: Any) -> None:
        organization = actions.organization_of(options["slug"])
        count = 0
        with output.whole(Path(options["output"])) if options["output"] else output.standard() as out:
            for line in export(organization):
                out.write(line)
                count += 1
        if options["output"]:
            self.stdout.write(f"Exported {organization.slug}: {count} lines in {options['output']}.")
