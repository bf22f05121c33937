"""manage.py migrate: Django's own, across all organizations."""

from typing import Any

from django.core.management.commands import migrate

from pilots.tenancy import across


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        # Row-level security binds the owner too: a data migration would find no rows, and so do nothing, silently.
        with across():
            super().handle(*args, **options)
