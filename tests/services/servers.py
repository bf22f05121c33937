"""Starts and stops one server process in a folder of its own."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import interrupts
from programs import Unavailable

START_SECONDS = 30
STOP_SECONDS = 10


def folder(stack: ExitStack, name: str, parent: str | None = None) -> Path:
    with interrupts.held():
        path = Path(tempfile.mkdtemp(prefix=f"chameleon-{name}-", dir=parent))
        stack.callback(shutil.rmtree, path, ignore_errors=True)
    return path


def start(
    stack: ExitStack, program: Path, arguments: list[str], *, log: Path, stop_by: signal.Signals, **options: Any
) -> subprocess.Popen[bytes]:
    """Start a server that a Ctrl-C at the terminal does not reach: it has to outlive the tests that use it."""
    with interrupts.held(), log.open("wb") as output:
        process = subprocess.Popen(
            [program, *arguments],
            # The caller's folder may be closed to the user that the server runs as.
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **options,
        )
        stack.callback(_stop, process, stop_by)
    return process


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise Unavailable(f"a server did not start:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def password() -> str:
    """Other users of this machine reach 127.0.0.1 too, and a database without a password runs programs for them."""
    return secrets.token_hex(16)


def _stop(process: subprocess.Popen[bytes], stop_by: signal.Signals) -> None:
    process.send_signal(stop_by)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
