"""manage.py anchor_audit: prints where the logs end, to be noted where nobody can change it."""

from typing import Any

from django.core.management.base import CommandParser

from interventions import audits
from interventions.management import organizations
from pilots.management.command import HouseCommand


class Command(HouseCommand):
    help = (
        "Print the head of every log, one JSON object a line. Append them to a file on another machine, and hold the "
        "logs against it later with verify_audit --anchors: that also finds a log that was written anew or cut short."
    )
    example = "anchor_audit >> /mnt/elsewhere/anchors.jsonl"

    def add_arguments(self, parser: CommandParser) -> None:
        organizations.add_argument(parser)

    def run(self, **options: Any) -> None:
        for anchor in audits.heads(organizations.with_installation(options["org"])):
            self.stdout.write(audits.as_line(anchor))
