"""manage.py compare_stores: holds a Phase 2 installation against an organization, request by request."""

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from interventions.phase2.comparing import compare
from interventions.phase2.sources import opened
from interventions.phase2.tables import REQUESTS
from pilots import actions
from pilots.management.command import HouseCommand


class Command(HouseCommand):
    help = (
        "Compare the requests of a Phase 2 installation with those of an organization. Of moments only counts whether "
        "there is one. Exits with 1 where something differs; the secondary is the organization."
    )
    example = "compare_stores postgresql://reader:…@host/phase2 --org acme"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", help="a file of SQLite, a .jsonl file, or a DATABASE_URL; it is only read")
        parser.add_argument("--org", required=True, metavar="SLUG", help="the organization to hold it against")
        parser.add_argument("--json", action="store_true", help="lines of JSON, for programs")

    def run(self, **options: Any) -> None:
        organization = actions.organization_of(options["org"])
        count = 0
        with opened(options["source"]) as source:
            rows = source.count(REQUESTS)
            for difference in compare(source, organization):
                count += 1
                line = {"kind": "difference", "request_id": difference.request_id, "problem": difference.problem}
                self.stdout.write(json.dumps(line) if options["json"] else str(difference))
        if options["json"]:
            self.stdout.write(json.dumps({"kind": "summary", "rows": rows, "differences": count}))
        elif not count:
            self.stdout.write(f"{rows:,} requests of the source and {organization.slug} agree.")
        if count:
            raise CommandError(f"{count:,} differences between the source and {organization.slug}.")
