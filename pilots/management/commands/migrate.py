"""manage.py migrate: Django's own, across all organizations, and as the owner of the tables where there is one."""

from typing import Any

from django.conf import settings
from django.core.management.commands import migrate
from django.db import DEFAULT_DB_ALIAS, connections

from pilots import row_security
from pilots.management.owner import as_owner
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
        with as_owner():
            super().handle(*args, **options)
            if role != settings.DATABASE_OWNER["USER"] and not (options["plan"] or options["check_unapplied"]):
                row_security.grant_to(role)
                if options["verbosity"] >= 1:
                    self.stdout.write(f"  {role} may read and write rows, and nothing else.")
