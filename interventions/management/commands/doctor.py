"""manage.py doctor: says what of the set-up works and what to do about the rest."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser

from interventions import diagnosis
from pilots.management.command import HouseCommand


class Command(HouseCommand):
    help = "Examine settings, database, Redis and worker. Exits with 1 where something cannot work; warnings pass."
    example = "doctor"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON document, for programs")

    def run(self, **options: Any) -> None:
        findings = diagnosis.examine()
        if options["json"]:
            self.stdout.write(json.dumps([asdict(finding) for finding in findings], indent=2))
        else:
            style = {"ok": self.style.SUCCESS, "warning": self.style.WARNING, "failed": self.style.ERROR}
            for finding in findings:
                self.stdout.write(f"{style[finding.state](f'{finding.state:8}')} {finding.subject}: {finding.text}")
        failed = sorted({finding.subject for finding in findings if finding.state == "failed"})
        if failed:
            raise CommandError(f"To be mended: {', '.join(failed)}.")
