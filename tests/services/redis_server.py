"""A throw-away Redis that writes nothing to disk."""

import signal
import socket
from contextlib import ExitStack
from pathlib import Path

import servers


def start(stack: ExitStack, program: Path) -> str:
    """Start the server and return REDIS_URL."""
    folder = servers.folder(stack, "redis")
    port, password = servers.free_port(), servers.password()
    # In a file, since every user of the machine may read the arguments of a process.
    settings = folder / "redis.conf"
    settings.write_text(f'bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir {folder}\nsave ""\nappendonly no\n')
    log = folder / "log"
    process = servers.start(stack, program, [str(settings)], log=log, stop_by=signal.SIGTERM)
    servers.wait_until(lambda: _listens(port), process, log)
    return f"redis://:{password}@127.0.0.1:{port}/0"


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
