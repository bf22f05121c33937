"""Is what was restored what was backed up, and does it agree with itself?"""

from collections.abc import Iterator
from dataclasses import dataclass

from interventions import audits, invariants
from interventions.audits import INSTALLATION, Anchor
from interventions.backup import tables
from interventions.backup.archive import Manifest
from pilots.models import Organization


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be."""

    where: str
    problem: str

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}"


def verify(manifest: Manifest) -> list[Finding]:
    """Everything that is wrong; nothing, where all is well. Inside the transaction that has stored the rows."""
    organizations: dict[str, Organization | None] = {INSTALLATION: None}
    organizations |= {row.slug: row for row in Organization.objects.all()}
    return [
        *_miscounted(manifest),
        *_ended_elsewhere(manifest, organizations),
        *(finding for name, row in organizations.items() for finding in _broken(name, row)),
    ]


def _miscounted(manifest: Manifest) -> Iterator[Finding]:
    for model in tables.carried():
        table, rows = model._meta.db_table, model._base_manager.count()
        if rows != manifest.tables[table].rows:
            yield Finding(table, f"{rows} rows, {manifest.tables[table].rows} in the backup")


def _ended_elsewhere(manifest: Manifest, organizations: dict[str, Organization | None]) -> Iterator[Finding]:
    noted = {_log(head): head for head in manifest.header.heads}
    found = {_log(head): head for head in audits.heads(organizations.values()) if head.seq}
    for log in sorted(noted.keys() | found.keys()):
        there, was = found.get(log), noted.get(log)
        if was is not None and was.seq and (there is None or (there.seq, there.hash) != (was.seq, was.hash)):
            yield Finding(log, f"ends at {there.seq if there else 0}, at {was.seq} in the backup, or with another hash")
        if was is None:
            yield Finding(log, "is no log of the backup")


def _log(head: Anchor) -> str:
    return f"{head.organization}, {head.log}"


def _broken(name: str, organization: Organization | None) -> Iterator[Finding]:
    """What `verify_audit` and `check_invariants` find."""
    for log, audit in audits.of(organization).items():
        for link in audit.findings:
            yield Finding(f"{name}, {log}", f"{link.invariant} at seq {link.seq}: {link.problem}")
    if organization is not None:
        for finding in invariants.check(organization.pk):
            yield Finding(name, str(finding))
