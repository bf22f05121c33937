"""manage.py migrate: Django's own, across all organizations, and as the owner of the tables where there is one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import DEFAULT_DB_ALIAS, connections

from pilots import row_security
from pilots.tenancy import across


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        # Row-level security binds the owner too: a data migration would find no rows, and so do nothing, silently.
        with across():
            if settings.DATABASE_OWNER and options["database"] == DEFAULT_DB_ALIAS:
                self._migrate_as_owner(*args, **options)
            else:
                super().handle(*args, **options)

    def _migrate_as_owner(self, *args: Any, **options: Any) -> None:
        role: str = connections[DEFAULT_DB_ALIAS].settings_dict["USER"]
        with _as_owner():
            super().handle(*args, **options)
            if role != settings.DATABASE_OWNER["USER"] and not (options["plan"] or options["check_unapplied"]):
                row_security.grant_to(role)
                if options["verbosity"] >= 1:
                    self.stdout.write(f"  {role} may read and write rows, and nothing else.")


@contextmanager
def _as_owner() -> Iterator[None]:
    connection = connections[DEFAULT_DB_ALIAS]
    owner, given = settings.DATABASE_OWNER, connection.settings_dict
    places = [tuple(str(part[name]) for name in ("ENGINE", "NAME", "HOST", "PORT")) for part in (owner, given)]
    if places[0] != places[1]:
        raise CommandError("DATABASE_OWNER_URL leads to another database than DATABASE_URL: only the login may differ.")
    connection.close()
    # Without the pool: it belongs to the other role, and is there already.
    options = {name: value for name, value in given["OPTIONS"].items() if name != "pool"}
    connection.settings_dict = given | {"USER": owner["USER"], "PASSWORD": owner["PASSWORD"], "OPTIONS": options}
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict = given
