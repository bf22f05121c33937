"""How are the tables emptied after a test that really commits?

Django's `flush` takes ten times as long: it gives each table new files and then makes the permissions and content types
anew, which nothing here changes.
"""

from functools import cache

from django.db import IntegrityError, OperationalError, connection, transaction
from django.test import TransactionTestCase

from pilots import database, tenancy
from tests.stage import STANDING

# A server that the test started may still write: then a row is left that points to one that goes, or the two block each
# other and PostgreSQL ends one.
TRIES = 5


def empty_tables(_case: TransactionTestCase) -> None:
    """Takes the place of `TransactionTestCase._fixture_teardown`."""
    for tries in range(1, TRIES + 1):
        try:
            # Foreign keys are looked at when it commits, so any order will do.
            with tenancy.across(), transaction.atomic():
                database.run((f"DELETE FROM {table}", []) for table in _tables())  # noqa: S608
            return
        except (IntegrityError, OperationalError):
            if tries == TRIES:
                raise


@cache
def _tables() -> list[str]:
    kept = {model._meta.db_table for model in STANDING}
    return sorted(set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - kept)
