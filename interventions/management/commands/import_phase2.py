"""manage.py import_phase2: takes over the requests of a Phase 2 installation."""

import json
import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from interventions.lifecycle import Type
from interventions.phase2.importing import import_all
from interventions.phase2.reporting import Line, Progress, Report, as_text, written_to
from interventions.phase2.sources import opened
from interventions.phase2.tables import TABLES
from pilots import actions
from pilots.management.command import HouseCommand


class Command(HouseCommand):
    help = (
        "Take over the requests of a Phase 2 installation, with their history; it may go on working meanwhile. Run "
        "again it takes what is new there, and follows what has moved on. Exits with 1 where a row was refused, of "
        "which each is named."
    )
    example = (
        "import_phase2 /srv/phase2/chameleon.db --org acme --dry-run\n"
        "import_phase2 postgresql://reader:…@host/phase2 --org acme --report refused.jsonl"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", help="a file of SQLite, a .jsonl file, or a DATABASE_URL; it is only read")
        parser.add_argument("--org", required=True, metavar="SLUG", help="the organization that they become part of")
        parser.add_argument("--dry-run", action="store_true", help="say what would be taken, and change nothing")
        parser.add_argument("--report", metavar="FILE", help="a new file for the lines on rows, as JSON")
        parser.add_argument("--json", action="store_true", help="lines of JSON, for programs")
        parser.add_argument(
            "--history-type",
            choices=[kind.value for kind in Type],
            help="take what stands in the history only, as requests of this type without content",
        )

    def run(self, **options: Any) -> None:
        organization = actions.organization_of(options["org"])
        kind = Type(options["history_type"]) if options["history_type"] else None
        with opened(options["source"]) as source, written_to(options["report"]) as write:
            for remark in source.remarks:
                self.stderr.write(f"The source: {remark}.")

            def tell(line: Line) -> None:
                write(line)
                self.stdout.write(json.dumps(line) if options["json"] else as_text(line))

            progress = Progress(sum(map(source.count, TABLES)), sys.stderr)
            report = Report(tell, progress.advance)
            try:
                import_all(source, organization, report, history_type=kind, dry_run=options["dry_run"])
            except KeyboardInterrupt as error:
                raise CommandError("Interrupted. What was taken stays; the same command goes on from there.") from error
            write({"kind": "summary"} | report.summary())
        self._sum_up(report, as_json=options["json"], dry_run=options["dry_run"])

    def _sum_up(self, report: Report, *, as_json: bool, dry_run: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps({"kind": "summary"} | report.summary()))
        else:
            for table, counts in report.summary().items():
                said = ", ".join(f"{count:,} {fate}" for fate, count in counts.items())
                self.stdout.write(f"{'Would be: ' if dry_run else ''}{table}: {said}.")
        if report.refused:
            raise CommandError(f"{report.refused:,} rows were not taken, for the reasons named; the others were.")
