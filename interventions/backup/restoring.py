"""How is a backup put back? In one transaction: all of it, or nothing, and until its end everybody sees what was."""

from typing import BinaryIO

from django.contrib.contenttypes.models import ContentType
from django.db import DEFAULT_DB_ALIAS, DataError, IntegrityError, connection
from django.db.models import Model

from interventions import entering
from interventions.backup import aftermath, archive, numbering, releases, rows, tables, verifying
from interventions.backup.archive import Manifest, Section, Unusable
from interventions.backup.verifying import Finding
from pilots import database
from pilots.errors import DomainError
from pilots.models import Organization, Pilot
from pilots.tenancy import across


class NotPossible(DomainError):
    """The database cannot take a backup as it is."""


class Differs(DomainError):
    """What was restored is not what it should be; so nothing was. `findings` says what."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__(
            f"Nothing was restored: {len(findings)} findings. Without --verify it would be, as it is in the backup."
        )
        self.findings = findings


def is_empty() -> bool:
    """Whether there is nobody's work in the database."""
    return not (Organization.objects.exists() or Pilot.objects.exists())


def restore(file: BinaryIO, manifest: Manifest, *, replace: bool = False, verify: bool = False) -> dict[str, str]:
    """Puts back what `examine` has found whole, in place of what is there where `replace`; returns the new epoch of
    each organization's log. Servers may go on: they see it at once when it is done, and none of it before.

    Raises NotPossible, Unusable, or with `verify` Differs; then everything is as it was.
    """
    _require_migrated()
    _require_rights()
    with across(), database.writing():
        _hold_everything()
        if not replace and not is_empty():
            raise NotPossible("There is somebody's work in this database: restore into an empty one, or with --force.")
        for model in reversed(tables.all_models()):
            _run(f"DELETE FROM {_table(model)}")  # noqa: S608 -- the name of a model's table
        _load(file)
        entering.enter_all()
        numbering.go_on_from(manifest.header.ids)
        if connection.vendor == "postgresql":
            # Without figures of its own the planner would read whole tables from here on.
            _run(f"ANALYZE {_all_tables()}")
        ContentType.objects.clear_cache()
        if verify and (findings := verifying.verify(manifest)):
            raise Differs(findings)
        return aftermath.settle(manifest.header.at)


def _require_migrated() -> None:
    """The tables must be those of this release: those of the backup are."""
    if releases.applied(DEFAULT_DB_ALIAS) != releases.of_today():
        raise NotPossible("The tables of this database are not those of this release: run manage.py migrate first.")


def _require_rights() -> None:
    """Who serves need not be able to say where numbers go on; who restores must."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, count(*) FILTER (WHERE NOT has_sequence_privilege(oid, 'UPDATE')) FROM pg_class "
            "WHERE relkind = 'S' AND relnamespace = current_schema()::regnamespace GROUP BY 1"
        )
        role, refused = cursor.fetchone()
    if refused:
        raise NotPossible(
            f"The role {role} does not own the tables: set DATABASE_OWNER_URL to the login that does, as for migrate."
        )


def _hold_everything() -> None:
    """Others read on, and wait with what they write. On SQLite the transaction itself keeps writers out."""
    if connection.vendor == "postgresql":
        _run(f"LOCK TABLE {_all_tables()} IN EXCLUSIVE MODE")
        # Else each row would be remembered until the end.
        _run("SET CONSTRAINTS ALL IMMEDIATE")


def _load(file: BinaryIO) -> None:
    models = {model._meta.db_table: model for model in tables.carried()}
    file.seek(0)
    for section in archive.Reader(file).sections():
        model = models[section.table]
        if section.columns != tables.columns_of(model):
            raise Unusable(f"The table {section.table} has other columns in this backup than in this release.")
        _store(model, section)


def _store(model: type[Model], section: Section) -> None:
    for batch in section.batches:
        try:
            rows.store(model, batch)
        except (DataError, IntegrityError) as error:
            text = " ".join(str(error).split())
            raise NotPossible(f"A row of {section.table} cannot be stored in this database: {text}") from error


def _all_tables() -> str:
    return ", ".join(map(_table, tables.all_models()))


def _table(model: type[Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)
