"""How does a command work as the role that owns the tables, where that is not the one that serves?"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.management.base import CommandError
from django.db import DEFAULT_DB_ALIAS, connections

from pilots import row_security

_ANOTHER = "DATABASE_OWNER_URL leads to another database than DATABASE_URL: only login, host and port may differ."


@contextmanager
def as_owner() -> Iterator[None]:
    """Inside, the connection is that of DATABASE_OWNER_URL; without one nothing changes."""
    if not settings.DATABASE_OWNER:
        yield
        return
    connection = connections[DEFAULT_DB_ALIAS]
    owner, given = settings.DATABASE_OWNER, connection.settings_dict
    # Past a pooler the same database is at another place.
    is_elsewhere = any(str(owner[name]) != str(given[name]) for name in ("HOST", "PORT"))
    if any(owner[name] != given[name] for name in ("ENGINE", "NAME")):
        raise CommandError(_ANOTHER)
    installed = row_security.installation() if is_elsewhere else ""
    connection.close()
    # Without the pool: it belongs to the other role, and is there already.
    options = {name: value for name, value in given["OPTIONS"].items() if name != "pool"} | owner.get("OPTIONS", {})
    login = {name: owner[name] for name in ("USER", "PASSWORD", "HOST", "PORT")}
    connection.settings_dict = given | login | {"OPTIONS": options}
    try:
        if is_elsewhere and row_security.installation() != installed:
            raise CommandError(_ANOTHER)
        yield
    finally:
        connection.close()
        connection.settings_dict = given
