"""A PostgreSQL of its own with a second one that follows it by streaming replication, as a replica does."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parent / "services"))

# Found only now; they are programs of the tests, which run before anything is installed.
import postgresql
import programs

from tests import servers

_PASSWORD = "for replication only"


@dataclass
class Pair:
    """Where the two are; `hands` is somebody at the second one who may hold its replay up."""

    primary: str
    replica: str
    hands: str
    _standby: "subprocess.Popen[bytes]"

    def hold_up(self) -> None:
        """What is committed from now on is not seen on the replica."""
        self._run("SELECT pg_wal_replay_pause()")

    def let_go_on(self) -> None:
        self._run("SELECT pg_wal_replay_resume()")

    def end_replica(self) -> None:
        """As in a crash: told kindly it would wait for whoever is connected."""
        self._standby.send_signal(signal.SIGQUIT)
        self._standby.wait()

    def _run(self, statement: str) -> None:
        with psycopg.connect(self.hands, autocommit=True) as hands:
            hands.execute(statement)


@contextmanager
def pair() -> Iterator[Pair]:
    program = programs.find("postgresql")
    assert program is not None, "tests/services gets it"
    with ExitStack() as stack:
        settings = postgresql.SETTINGS | {"wal_level": "replica", "hot_standby": "on"}
        primary = postgresql.prepare(stack, program, settings)
        statement = f"CREATE ROLE hands SUPERUSER REPLICATION LOGIN PASSWORD '{_PASSWORD}';\n"
        postgresql._run(program, ["--single", "-D", str(primary.data), "postgres"], primary.identity, statement)
        with (primary.data / "pg_hba.conf").open("a") as file:
            file.write("host replication hands 127.0.0.1/32 scram-sha-256\n")
        postgresql.launch(stack, primary)
        port = servers.free_port()
        standby = replace(
            primary,
            data=primary.data.with_name("standby"),
            log=primary.log.with_name("standby-log"),
            url=primary.url.replace(f":{primary.url.rpartition(':')[2].partition('/')[0]}/", f":{port}/"),
        )
        _copy(primary, standby, port)
        process = postgresql.launch(stack, standby)
        hands = f"postgresql://hands:{_PASSWORD.replace(' ', '%20')}@127.0.0.1:{port}/chameleon"
        yield Pair(primary.url, standby.url, hands, process)


def _copy(primary: postgresql.Place, standby: postgresql.Place, port: int) -> None:
    from_where = primary.url.partition("@")[2].replace("/chameleon", "")
    host, _, own = from_where.partition(":")
    done = subprocess.run(  # noqa: S603
        [
            primary.postgres.with_name("pg_basebackup"),
            *("-D", str(standby.data), "-h", host, "-p", own, "-U", "hands"),
            *("-R", "-X", "stream", "--checkpoint=fast", "--no-sync"),
        ],
        cwd="/",
        env={"PGPASSWORD": _PASSWORD, "HOME": "/"},
        capture_output=True,
        text=True,
        **primary.identity,
    )
    assert done.returncode == 0, done.stderr
    # Of two lines with one name the last one counts.
    with (standby.data / "postgresql.conf").open("a") as file:
        file.write(f"port = {port}\n")
