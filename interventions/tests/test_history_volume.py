"""A history that is long: no filter walks the table, a file holds one step in memory, and nothing is made for a client
that does not read or has gone. `python -m bench.history` does the same with a million."""

import os
import socket
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client

from conftest import World
from interventions import history, history_export
from interventions.history_filters import HistoryFilters
from tests import servers
from tests.e2e import server
from tests.past import past

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]

MIB = 1024 * 1024
MANY = 10_000
QUERIES = ["", "outcome=expired", "actor=local:p7", "type=resume", "tag=t7", "last=24h", "q=heron", "q=heron&tag=none"]


@pytest.fixture(autouse=True)
def _postgresql() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("the history is made by PostgreSQL")


def test_no_filter_walks_the_table_and_none_looks_too_far(world: World) -> None:
    with connection.cursor() as cursor:
        # Gaps that other tests left would make the way by an index look dearer than it is.
        cursor.execute("VACUUM (FULL) interventions_intervention")
    # Were it half of the table, reading all of it would be hardly dearer than the index.
    past(world.globex.pk, 4 * MANY)
    past(world.acme.pk, MANY)
    for query in QUERIES:
        filters = HistoryFilters.read(QueryDict(query))
        search = history._Search(world.pilot("otto"), filters)
        look = search.look(None, 2_000)
        rows = look.rows.order_by("-action_timestamp", "-id")
        # A page of them, and as many as are counted; without a filter tests/test_plans.py looks at that.
        plans = [rows[:size].explain() for size in ((51, 1001) if filters.looks else (51,))]
        assert not [plan for plan in plans if "Seq Scan on interventions_intervention" in plan], query
        # What hardly any request holds the index has listed whole.
        is_listed = "heron" in query
        assert (search._found.rows is not None) == is_listed, query
        assert (look.end is not None) == (filters.looks and not is_listed), query


def test_a_file_holds_a_step_of_it_however_long_it_is(world: World) -> None:
    past(world.acme.pk, 4_000)

    def most(query: str) -> tuple[int, int]:
        """Bytes held at most, and bytes told."""
        chunks = history_export.export(world.pilot("otto"), HistoryFilters.read(QueryDict(query)), "json")
        tracemalloc.start()
        told = sum(map(len, chunks))
        held = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return held, told

    # What is made once in a process is not counted.
    most("tag=t7")
    some, whole = most("type=resume"), most("")
    assert whole[1] > 2.5 * some[1] > 2.5 * MIB
    assert whole[0] < 1.2 * some[0]


def test_nothing_is_made_for_who_does_not_read_or_has_gone(world: World) -> None:
    past(world.acme.pk, MANY)
    session = world.session("otto")
    with server.running(servers.database_url()) as address:
        pid = server_of(address)
        with ask(address, session) as line:
            # Long before the rest could have been read.
            assert line.recv(4096).startswith(b"HTTP/1.1 200")
            until(lambda: computed_in_a_second(pid) < 0.2)
            before, read = resident(pid), 0
            assert computed_in_a_second(pid) < 0.2
            assert resident(pid) - before < MIB
            # On from where it stood: the rest waited, and was not made.
            began = computed(pid)
            while read < 6 * MIB:
                some = line.recv(65_536)
                assert some
                read += len(some)
            assert computed(pid) - began > 0.05
        until(lambda: computed_in_a_second(pid) < 0.2)


def ask(address: str, session: Client) -> socket.socket:
    at = urlsplit(address)
    line = socket.create_connection((at.hostname or "", at.port or 0), timeout=60)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    cookie = f"sessionid={session.cookies['sessionid'].value}"
    head = f"GET /o/acme/history/export.json HTTP/1.1\r\nHost: {at.netloc}\r\nCookie: {cookie}\r\n"
    line.sendall(f"{head}Connection: close\r\n\r\n".encode())
    return line


def server_of(address: str) -> int:
    """The process that listens there."""
    wanted = f"-p\0{urlsplit(address).port}\0".encode()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if wanted in path.read_bytes():
                return int(path.parent.name)
        except OSError:
            continue
    raise AssertionError("nobody listens there")


def computed_in_a_second(pid: int) -> float:
    before = computed(pid)
    time.sleep(1)
    return computed(pid) - before


def computed(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
