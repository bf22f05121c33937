"""How does an installation that began on SQLite move to PostgreSQL? As a backup that is restored there at once."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from allauth.mfa.models import Authenticator
from django.db import DatabaseError, connection, connections

from interventions.backup import examining, making, releases, restoring
from interventions.backup.archive import Manifest
from interventions.backup.restoring import NotPossible
from interventions.models import ChatHook
from pilots import database
from pilots.sign_in import sealing

SOURCE = "source"


def move(path: Path, *, verify: bool = False) -> Manifest:
    """Copies what the SQLite file holds into the empty, migrated PostgreSQL of DATABASE_URL: all of it, or nothing.

    Raises NotPossible also where somebody wrote to the file meanwhile.
    """
    if connection.vendor != "postgresql":
        raise NotPossible("DATABASE_URL does not lead to PostgreSQL: set it to the new, migrated database.")
    with _opened(path), tempfile.TemporaryFile() as file:
        state = _state()
        _require_keys()
        making.make(file, SOURCE)
        file.seek(0)
        manifest = examining.examine(file)
        with database.writing():
            restoring.restore(file, manifest, verify=verify)
            if _state() != state:
                raise NotPossible(f"{path} was written to meanwhile: stop every server and worker, and start again.")
    return manifest


@contextmanager
def _opened(path: Path) -> Iterator[None]:
    """The connection SOURCE, by which nothing can be written."""
    if not path.is_file():
        raise NotPossible(f"There is no file {path}.")
    place = f"file:{quote(str(path.resolve()))}?mode=ro"
    handler: Any = connections
    given = {"default": {}, SOURCE: {"ENGINE": "django.db.backends.sqlite3", "NAME": place}}
    handler.databases[SOURCE] = handler.configure_settings(given)[SOURCE]
    try:
        _require_migrated(path)
        yield
    finally:
        connections[SOURCE].close()
        del connections[SOURCE], handler.databases[SOURCE]


def _require_migrated(path: Path) -> None:
    try:
        applied = releases.applied(SOURCE)
    except DatabaseError as error:
        raise NotPossible(f"{path} cannot be read as SQLite: {error}.") from error
    if applied != releases.of_today():
        raise NotPossible(f"The tables of {path} are not those of this release: run manage.py migrate there first.")


def _state() -> int:
    """Another number once somebody else has written."""
    with connections[SOURCE].cursor() as cursor:
        cursor.execute("PRAGMA data_version")
        version: int = cursor.fetchone()[0]
        return version


def _require_keys() -> None:
    """What is sealed must be readable there too."""
    sealed = list(ChatHook._base_manager.using(SOURCE).values_list("sealed_url", flat=True))
    for data in Authenticator._base_manager.using(SOURCE).values_list("data", flat=True):
        sealed += [data[name] for name in ("secret", "seed") if name in data]
    if not all(map(sealing.is_ours, sealed)):
        raise NotPossible(
            "SECRET_KEY is another than that of the SQLite installation, and its second factors and chat addresses "
            "could not be opened: set SECRET_KEY to that one, or add that one to SECRET_KEY_FALLBACKS."
        )
