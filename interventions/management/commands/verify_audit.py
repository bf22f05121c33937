"""manage.py verify_audit: walks the event log's hash chain."""

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from interventions import events
from interventions.management import organizations
from pilots.management.command import HouseCommand


class Command(HouseCommand):
    help = "Verify the hash chain of the event log. Exits with 1 where anything was changed, removed or inserted."
    example = "verify_audit --org acme"

    def add_arguments(self, parser: CommandParser) -> None:
        organizations.add_argument(parser)
        parser.add_argument("--json", action="store_true", help="one JSON document, for programs")

    def run(self, **options: Any) -> None:
        audits = {row.slug: events.audit(row.pk) for row in organizations.chosen(options["org"])}
        if options["json"]:
            self.stdout.write(json.dumps({slug: audit.as_dict() for slug, audit in audits.items()}, indent=2))
        else:
            self._tell(audits)
        broken = [slug for slug, audit in audits.items() if audit.findings]
        if broken:
            raise CommandError(f"The log of {', '.join(broken)} does not agree with itself: compare it with a backup.")

    def _tell(self, audits: dict[str, events.Audit]) -> None:
        for slug, audit in audits.items():
            for finding in audit.findings:
                self.stdout.write(f"{slug}: {finding.invariant} at seq {finding.seq}: {finding.problem}")
            state = f"{len(audit.findings)} findings" if audit.findings else "the chain holds"
            self.stdout.write(f"{slug}: {audit.events} events verified, {state}.")
        if not audits:
            self.stdout.write("There is no organization yet, and nothing to verify.")
