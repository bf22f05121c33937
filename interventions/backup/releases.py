"""Of which release are the tables of a database, or of a backup? Its migrations tell, `app.name` each."""

from collections.abc import Iterable

from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder


def of_today() -> list[str]:
    """What this release has to apply."""
    return sorted(_named(MigrationLoader(None, ignore_no_migrations=True).disk_migrations))


def applied(using: str) -> list[str]:
    """What of that was applied to a database; what is left there of libraries that we no longer use does not count."""
    found = _named(MigrationRecorder(connections[using]).applied_migrations())
    return sorted(found & set(of_today()))


def _named(migrations: Iterable[tuple[str, str]]) -> set[str]:
    return {f"{app}.{name}" for app, name in migrations}
