"""manage.py verify_audit: walks the hash chains of the event logs and the access logs."""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from interventions import audits
from interventions.audits import ACCESS, INSTALLATION, RECORD, Anchor
from interventions.management import organizations
from pilots.chains import Audit, Finding
from pilots.management.command import HouseCommand
from pilots.models import Organization

type Audits = dict[str, dict[str, Audit]]
_NOTHING = Audit(0, "", [])


class Command(HouseCommand):
    help = (
        "Verify the hash chains of the event log and the access log. Exits with 1 where anything was changed, removed "
        "or inserted."
    )
    example = "verify_audit --org acme\nverify_audit --anchors /mnt/elsewhere/anchors.jsonl"

    def add_arguments(self, parser: CommandParser) -> None:
        organizations.add_argument(parser)
        parser.add_argument("--anchors", metavar="FILE", help="also hold the logs against this output of anchor_audit")
        parser.add_argument("--json", action="store_true", help="one JSON document, for programs")

    def run(self, **options: Any) -> None:
        chosen = {row.slug if row else INSTALLATION: row for row in organizations.with_installation(options["org"])}
        audited = {name: audits.of(row) for name, row in chosen.items()}
        if options["anchors"]:
            lost = self._hold(audited, chosen, _read(options["anchors"]), everything=not options["org"])
        else:
            lost = []
        if options["json"]:
            self.stdout.write(json.dumps({name: _document(found) for name, found in audited.items()}, indent=2))
        else:
            self._tell(audited)
        broken = [name for name, found in audited.items() if any(audit.findings for audit in found.values())] + lost
        if broken:
            names = ", ".join("the installation" if name == INSTALLATION else name for name in broken)
            raise CommandError(f"The log of {names} does not agree with itself: compare it with a backup.")

    def _hold(
        self, audited: Audits, chosen: dict[str, Organization | None], anchors: list[Anchor], *, everything: bool
    ) -> list[str]:
        """Adds what the anchors contradict to the audits; returns the organizations that are gone altogether."""
        for anchor in anchors:
            if anchor.organization in chosen and (finding := audits.held_against(anchor, chosen[anchor.organization])):
                audited[anchor.organization][anchor.log].findings.append(finding)
        gone = sorted({anchor.organization for anchor in anchors} - chosen.keys()) if everything else []
        for name in gone:
            self.stderr.write(f"{name}: its logs were noted, but there is no such organization any more.")
        return gone

    def _tell(self, audited: Audits) -> None:
        for name, found in audited.items():
            for log, audit in found.items():
                whose = _whose(name, log)
                for finding in audit.findings:
                    self.stdout.write(f"{whose}: {_described(finding)}")
                state = f"{len(audit.findings)} findings" if audit.findings else "the chain holds"
                self.stdout.write(f"{whose}: {audit.events} events verified, {state}.")


def _whose(name: str, log: str) -> str:
    if name == INSTALLATION:
        return "installation, access log"
    return name if log == RECORD else f"{name}, access log"


def _described(finding: Finding) -> str:
    return f"{finding.invariant} at seq {finding.seq}: {finding.problem}"


def _document(found: dict[str, Audit]) -> dict[str, Any]:
    return found.get(RECORD, _NOTHING).as_dict() | {ACCESS: found[ACCESS].as_dict()}


def _read(name: str) -> list[Anchor]:
    try:
        return audits.read(sys.stdin if name == "-" else Path(name).read_text().splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"The anchors cannot be read: {error}") from error
