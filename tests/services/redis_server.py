"""A throw-away Redis that writes nothing to disk."""

import signal
import socket
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import servers


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server is told its settings: started again, it is found at the same address, and empty."""

    program: Path
    settings: Path
    port: int
    url: str


def start(stack: ExitStack, program: Path) -> str:
    """Start the server and return REDIS_URL."""
    place = prepare(stack, program)
    launch(stack, place)
    return place.url


def prepare(stack: ExitStack, program: Path) -> Place:
    folder = servers.folder(stack, "redis")
    port, password = servers.free_port(), servers.password()
    # In a file, since every user of the machine may read the arguments of a process.
    settings = folder / "redis.conf"
    settings.write_text(f'bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir {folder}\nsave ""\nappendonly no\n')
    return Place(program, settings, port, f"redis://:{password}@127.0.0.1:{port}/0")


def launch(stack: ExitStack, place: Place) -> subprocess.Popen[bytes]:
    """Start the server and wait until it listens."""
    log = place.settings.with_name("log")
    process = servers.start(stack, place.program, [str(place.settings)], log=log, stop_by=signal.SIGTERM)
    servers.wait_until(lambda: _listens(place.port), process, log)
    return process


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
