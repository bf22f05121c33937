"""The product on one server, its floor on another of the same kind, one database under both."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import psycopg

from bench.cluster import Cluster, Process, Server, free_port
from bench.faults.stage import Stage, stage
from bench.speed import statements
from bench.speed.wire import Connection

PRODUCT = "bench.speed.served:application"
FLOOR = "bench.speed.floor:application"
TICKS = os.sysconf("SC_CLK_TCK")
# What a server with open sockets computes in a second although nothing happens, at most.
IDLE_SECONDS = 0.08
DRAFT = {"uow_id": "uow-1", "intervention_type": "clarification", "title": "Which vendor is it?"}


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says: how many rounds, how long each is in seconds, how many sockets, interventions/s."""

    rounds: int = 5
    seconds: float = 5.0
    sockets: int | None = None
    rate: float = 30.0


class Arena:
    """Servers of one kind to measure on, made once for all benchmarks of a run."""

    def __init__(self, running: Cluster, kind: str, options: Options) -> None:
        self.cluster, self.kind, self.options = running, kind, options
        self._names = iter(range(1, 1_000_000))
        with psycopg.connect(self.database_url) as connection:
            connection.execute(statements.CREATE_TABLE)

    @property
    def database_url(self) -> str:
        return self.cluster.environment["DATABASE_URL"]

    async def stage(self, name: str) -> Stage:
        """An organization with nothing in it, with an agent's key and pilots' tokens."""
        return await asyncio.to_thread(stage, self.cluster, f"{name}-{next(self._names)}")

    @contextmanager
    def serve(self, application: str) -> Iterator[Server]:
        log = self.cluster.logs / f"{application}-{next(self._names)}"
        server = Server(self.kind, self.cluster.environment, log, application)
        with running(server):
            server.wait_until_ready()
            yield server

    @contextmanager
    def both(self) -> Iterator[tuple[Server, Server]]:
        """The product and its floor."""
        with self.serve(PRODUCT) as ours, self.serve(FLOOR) as theirs:
            yield ours, theirs

    @contextmanager
    def plain(self) -> Iterator[tuple[Process, int]]:
        """A bare `websockets` server and its port."""
        port = free_port()
        server = Process(["-m", "bench.speed.plain", str(port)], self.cluster.environment, self.cluster.logs / "plain")
        with running(server):
            time.sleep(1)
            yield server, port


@contextmanager
def running(process: Process) -> Iterator[None]:
    process.start()
    try:
        yield
    finally:
        process.end(signal.SIGKILL)


def agent(server: Server, at: Stage) -> Connection:
    return Connection(server.port, {"Authorization": f"Bearer {at.key}"})


def pilot(server: Server, at: Stage) -> Connection:
    return Connection(server.port, {"Authorization": f"Bearer {next(iter(at.pilots.values()))}"})


def draft(request_id: str) -> bytes:
    return orjson.dumps(DRAFT | {"request_id": request_id})


async def fill(server: Server, at: Stage, ids: Sequence[str], **fields: object) -> None:
    """Requests of these ids, 500 at once; `fields` beside those of every draft."""
    connection = agent(server, at)
    for first in range(0, len(ids), 500):
        drafts = [DRAFT | {"request_id": each} | fields for each in ids[first : first + 500]]
        status, body = await connection.ask("POST", "/api/interventions/batch", orjson.dumps({"interventions": drafts}))
        if status != 201:
            raise RuntimeError(f"a batch was answered {status}: {body[:300]!r}")
    connection.close()


def resident(process: Process) -> int:
    """Bytes in memory, after what is garbage has been collected."""
    os.kill(process.pid, signal.SIGUSR1)
    time.sleep(1)
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def computed(process: Process) -> float:
    """Seconds that the process has been on the processors, its threads that have ended included."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def loop_computed(process: Process) -> float:
    """Seconds that its main thread, which runs the loop, has been on the processors: finer than `computed`."""
    return int(Path(f"/proc/{process.pid}/schedstat").read_text().split()[0]) / 1e9


def threads(process: Process) -> int:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("Threads:")[2].split()[0])


def connections(arena: Arena) -> int:
    """Of the database, in all, but for the one that asks."""
    with psycopg.connect(arena.database_url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone()
    return int(row[0]) if row else 0


async def settled(process: Process) -> None:
    """Returns when the process has hardly anything to do: so all that was asked of it waits or is done."""
    quiet = 0
    while quiet < 3:
        before = computed(process)
        await asyncio.sleep(1)
        quiet = quiet + 1 if computed(process) - before < IDLE_SECONDS else 0


async def stop(tasks: Sequence["asyncio.Task[Any]"]) -> None:
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError, OSError):
            await task
