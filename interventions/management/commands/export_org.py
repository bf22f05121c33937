"""manage.py export_org: writes everything of one organization, as lines of JSON."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import CommandError, CommandParser

from interventions.exporting import export
from pilots import actions
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
        with _opened(options["output"]) as out:
            for line in export(organization):
                out.write(line)
                count += 1
        if options["output"]:
            self.stdout.write(f"Exported {organization.slug}: {count} lines in {options['output']}.")


@contextmanager
def _opened(name: str | None) -> Iterator[BinaryIO]:
    """Standard output, or a new file for the owner's eyes, which has its name only once it is whole."""
    if name is None:
        yield sys.stdout.buffer
        sys.stdout.flush()
        return
    target, part = Path(name), Path(f"{name}.part")
    if target.exists():
        raise CommandError(f"{target} is there already; choose another name.")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            yield out
        part.rename(target)
    except OSError as error:
        raise CommandError(f"{target} cannot be written: {error}") from error
    finally:
        part.unlink(missing_ok=True)
