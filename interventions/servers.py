"""Which server processes of this installation run on this host? Each has a file under VAR_DIR, locked while it lives.

The lock and not the number of the process tells whether it lives: numbers are given out again, and a lock ends with
its process however that ends.
"""

import fcntl
import json
import logging
import multiprocessing
import os
import secrets
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.conf import settings

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Server:
    """A process that serves. `told` is who is signalled: a supervisor would only replace a worker that ends."""

    pid: int
    told: int
    file: Path

    def is_alive(self) -> bool:
        try:
            with self.file.open("rb") as file:
                return _is_locked(file)
        except FileNotFoundError:
            return False

    def ask_to_drain(self) -> None:
        """Returns at once. Raises PermissionError where the process is another user's."""
        os.kill(self.told, signal.SIGTERM)


_own: IO[str] | None = None


def register() -> None:
    """Makes this process known, once. Where VAR_DIR cannot be written only `manage.py drain` does not find it."""
    global _own
    if _own is not None:
        return
    supervisor = multiprocessing.parent_process()
    told = supervisor.pid if supervisor is not None and supervisor.pid else os.getpid()
    name = secrets.token_hex(8)
    try:
        folder().mkdir(parents=True, exist_ok=True)
        # Whoever comes tidies up after those who have gone.
        running()
        hidden = folder() / f".{name}"
        _own = hidden.open("w")
        fcntl.flock(_own, fcntl.LOCK_EX)
        json.dump({"pid": os.getpid(), "told": told, "place": _place()}, _own)
        _own.flush()
        # Seen by others only once it is locked.
        hidden.rename(folder() / f"{name}.json")
    except OSError as error:
        logger.warning("manage.py drain will not find this server: %s", error)


def running() -> list[Server]:
    """Those that live in this host's, or this container's, processes; what others left behind is removed."""
    return sorted(_running(), key=lambda server: server.pid)


def folder() -> Path:
    path: Path = settings.VAR_DIR / "servers"
    return path


def _running() -> Iterator[Server]:
    for path in folder().glob("*.json"):
        try:
            with path.open() as file:
                if not _is_locked(file):
                    path.unlink(missing_ok=True)
                    continue
                said = json.load(file)
        except FileNotFoundError:
            continue
        if said["place"] == _place():
            yield Server(said["pid"], said["told"], path)


def _is_locked(file: IO[str] | IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def _place() -> str:
    """Where a number means the same process: containers may share a folder."""
    try:
        numbering = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        numbering = ""
    return f"{socket.gethostname()} {numbering}".strip()
