"""A PgBouncer that pools by transaction, before the tests' own database."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tests import servers

START_SECONDS = 30
# So few that requests of different organizations must follow one another on the same connection.
CONNECTIONS = 2
_INI = """\
[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = {connections}
max_client_conn = 200
logfile = {folder}/log
"""


@contextmanager
def pooled(program: str, database_url: str) -> Iterator[str]:
    """DATABASE_URL through the pooler."""
    given, own, identity = urlsplit(database_url), servers.free_port(), _identity()
    folder = Path(tempfile.mkdtemp(prefix="chameleon-pgbouncer-", dir="/tmp" if identity else None))  # noqa: S108
    user, password = unquote(given.username or ""), unquote(given.password or "")
    (folder / "users").write_text(f'"{user}" "{password}"\n')
    ini = _INI.format(host=given.hostname, port=given.port, own=own, folder=folder, connections=CONNECTIONS)
    (folder / "ini").write_text(ini)
    for path in (folder, *folder.iterdir()):
        if identity:
            os.chown(path, identity["user"], identity["group"])
    process = subprocess.Popen(  # noqa: S603
        [program, "-q", str(folder / "ini")], cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **identity
    )
    try:
        _wait_for(own, process, folder / "log")
        yield database_url.replace(f"@{given.hostname}:{given.port}/", f"@127.0.0.1:{own}/")
    finally:
        servers.stop(process)
        shutil.rmtree(folder, ignore_errors=True)


def _identity() -> dict[str, Any]:
    """It refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam("nobody")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise AssertionError(log.read_text() if log.exists() else "PgBouncer did not start")
