"""manage.py prune: removes what is older than an organization keeps, at once."""

import json
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from interventions import retention
from interventions.actions import Archive, Pruned, prune, would_prune
from interventions.archive_file import ArchiveFile
from interventions.management import organizations
from pilots.management.command import HouseCommand
from pilots.models import Organization


class Command(HouseCommand):
    help = (
        "Remove decided requests, and the beginning of the event log, where they are older than their organization "
        "keeps them. What stays goes on verifying. The worker does the same once a day."
    )
    example = "prune --dry-run\nprune --org acme --days 365 --archive acme.jsonl"

    def add_arguments(self, parser: CommandParser) -> None:
        organizations.add_argument(parser)
        parser.add_argument("--days", type=int, metavar="N", help="older than this; default: what the organization set")
        parser.add_argument("--dry-run", action="store_true", help="say what would go, and remove nothing")
        parser.add_argument("--archive", metavar="FILE", help="first add it to this file, as lines of JSON")
        parser.add_argument("--json", action="store_true", help="one JSON document, for programs")

    def run(self, **options: Any) -> None:
        if options["days"] is not None and not options["org"]:
            raise CommandError("--days is for one organization: add --org SLUG.")
        given = None if options["days"] is None else retention.check(options["days"])
        chosen = {row: given or retention.days_of(row.settings) for row in organizations.chosen(options["org"])}
        found: dict[str, Any] = {}
        try:
            with _opened(None if options["dry_run"] else options["archive"]) as archive:
                for row, days in chosen.items():
                    found[row.slug] = _pruned(row, days, archive, dry_run=options["dry_run"])
                    if not options["json"]:
                        self.stdout.write(_sentence(row.slug, found[row.slug], dry_run=options["dry_run"]))
        except OSError as error:
            raise CommandError(f"{options['archive']}: {error.strerror}. What is not in it was not removed.") from error
        if options["json"]:
            self.stdout.write(json.dumps(found, indent=2))


def _opened(name: str | None) -> AbstractContextManager[ArchiveFile | None]:
    return nullcontext() if name is None else ArchiveFile(Path(name))


def _pruned(organization: Organization, days: int | None, archive: Archive | None, *, dry_run: bool) -> dict[str, Any]:
    if days is None:
        found = Pruned()
    elif dry_run:
        found = would_prune(organization, timedelta(days=days))
    else:
        found = prune(organization, timedelta(days=days), archive)
    return {"days": days} | asdict(found)


def _sentence(slug: str, found: dict[str, Any], *, dry_run: bool) -> str:
    if found["days"] is None:
        return f"{slug}: keeps everything."
    what = f"{found['interventions']} requests and {found['events']} events"
    told = f"{slug}: {what} {'would go' if dry_run else 'removed'}, older than {found['days']} days."
    return told + (f" The log begins with {found['held_by']}, which is kept." if found["held_by"] else "")
