"""One moment for many reads."""

from threading import Thread

import pytest
from django.db import connection

from pilots.database import snapshot
from pilots.models import Organization

# Not on SQLite: the tests' own is in memory, where a reader keeps the writer out.
pytestmark = pytest.mark.django_db(transaction=True)


def test_a_snapshot_does_not_see_what_is_written_meanwhile() -> None:
    with snapshot():
        assert Organization.objects.count() == 0
        writer = Thread(target=write_elsewhere)
        writer.start()
        writer.join()
        assert Organization.objects.count() == 0
    assert Organization.objects.count() == 1


def write_elsewhere() -> None:
    Organization.objects.create(slug="meanwhile", name="Meanwhile")
    connection.close()
