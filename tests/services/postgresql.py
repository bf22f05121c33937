"""A throw-away PostgreSQL with a role that may create databases and roles but is no superuser."""

import os
import pwd
import signal
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import interrupts
import servers
from programs import Unavailable

# Durability costs most of a test's time, and this data dies with the server.
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "300",
    "listen_addresses": "'127.0.0.1'",
    # Paths of sockets are limited to about 100 characters, temporary folders are not.
    "unix_socket_directories": "''",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server's data is: what is started there, stopped and started again goes on with it."""

    postgres: Path
    data: Path
    log: Path
    url: str
    identity: dict[str, Any]


def start(stack: ExitStack, postgres: Path) -> str:
    """Start the server and return DATABASE_URL."""
    place = prepare(stack, postgres, SETTINGS)
    launch(stack, place)
    return place.url


def prepare(stack: ExitStack, postgres: Path, settings: dict[str, str]) -> Place:
    port, password, identity = servers.free_port(), servers.password(), _identity()
    # Root's own temporary folder may be closed to the user that the server runs as.
    folder = servers.folder(stack, "postgresql", parent="/tmp" if identity else None)  # noqa: S108
    if identity:
        os.chown(folder, identity["user"], identity["group"])
    data = folder / "data"
    _create(postgres, data, settings | {"port": str(port)}, identity)
    _add_role(postgres, data, password, identity)
    url = f"postgresql://chameleon:{password}@127.0.0.1:{port}/chameleon"
    return Place(postgres, data, folder / "log", url, identity)


def as_superuser(place: Place, database: str, *statements: str) -> None:
    """Runs what the role may not, while the server does not run."""
    text = "".join(f"{each};\n" for each in statements)
    _run(place.postgres, ["--single", "-D", str(place.data), database], place.identity, text)


def launch(stack: ExitStack, place: Place) -> subprocess.Popen[bytes]:
    """Start the server and wait until it answers."""
    arguments = ["-D", str(place.data)]
    process = servers.start(stack, place.postgres, arguments, log=place.log, stop_by=signal.SIGINT, **place.identity)
    servers.wait_until(lambda: _answers(place.postgres, place.url), process, place.log)
    return process


def _identity() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = names.get("postgres") or names["nobody"]
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _create(postgres: Path, data: Path, settings: dict[str, str], identity: dict[str, Any]) -> None:
    options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
    _run(postgres.with_name("initdb"), ["-D", str(data), *options], identity)
    with (data / "postgresql.conf").open("a") as file:
        file.writelines(f"{name} = {value}\n" for name, value in settings.items())
    (data / "pg_hba.conf").write_text("host all all 127.0.0.1/32 scram-sha-256\n")


def _add_role(postgres: Path, data: Path, password: str, identity: dict[str, Any]) -> None:
    # A plain role: a superuser would pass by row-level security unseen.
    statements = (
        f"CREATE ROLE chameleon LOGIN CREATEDB CREATEROLE PASSWORD '{password}';\n"
        "CREATE DATABASE chameleon OWNER chameleon;\n"
    )
    _run(postgres, ["--single", "-D", str(data), "postgres"], identity, statements)


def _answers(postgres: Path, url: str) -> bool:
    attempt = subprocess.run(
        [postgres.with_name("psql"), "--no-psqlrc", "--command=SELECT 1", url], capture_output=True
    )
    return attempt.returncode == 0


def _run(program: Path, arguments: list[str], identity: dict[str, Any], text: str = "") -> None:
    # Killed half-way, initdb leaves a child behind that goes on writing into the folder while that is being removed.
    with interrupts.held():
        done = subprocess.run([program, *arguments], cwd="/", input=text, text=True, capture_output=True, **identity)
    if done.returncode != 0:
        raise Unavailable(f"{program} failed:\n{done.stdout}{done.stderr}")
