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
    if name is None:
        with _standard_output() as out:
            yield out
    else:
        with _new_file(Path(name), Path(f"{name}.part")) as out:
            yield out


@contextmanager
def _standard_output() -> Iterator[BinaryIO]:
    try:
        yield sys.stdout.buffer
        sys.stdout.flush()
    except BrokenPipeError as error:
        # Or Python would complain once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise CommandError("The reader went away: the export is not whole.") from error


@contextmanager
def _new_file(target: Path, part: Path) -> Iterator[BinaryIO]:
    """For the owner's eyes only; it has its name once it is whole."""
    if target.exists():
        raise CommandError(f"{target} is there already; choose another name.")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise CommandError(f"{part} is there: an export is under way, or one was cut off; remove it.") from error
    except OSError as error:
        raise CommandError(f"{target} cannot be written: {error}") from error
    try:
        with os.fdopen(handle, "wb") as out:
            yield out
        part.rename(target)
    except OSError as error:
        raise CommandError(f"{target} cannot be written: {error}") from error
    finally:
        part.unlink(missing_ok=True)
