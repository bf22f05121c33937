"""Programs of the product as processes of their own, on the tests' database: how they are started, found and ended."""

import os
import socket
import subprocess
import sys
import time
from contextlib import suppress
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

from django.conf import settings
from django.db import connection

START_SECONDS = 60
STOP_SECONDS = 10


def start(arguments: list[str], output: Any = subprocess.DEVNULL, **environment: str) -> "subprocess.Popen[bytes]":
    """Python with these arguments; what `environment` does not say is as in the tests."""
    return subprocess.Popen(  # noqa: S603
        [sys.executable, *arguments],
        cwd=settings.BASE_DIR,
        # What a test is not about ends at once.
        env=os.environ | {"DRAIN_SECONDS": "0"} | environment,
        stdout=output,
        stderr=output,
    )


def stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def answers(address: str, process: "subprocess.Popen[bytes]") -> bool:
    """Waits until the server answers; False where it ended instead, or never does."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), urlopen(f"{address}/health", timeout=5):  # noqa: S310
            return True
        time.sleep(0.05)
    return False


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def database_url() -> str:
    """Where the tests' own database is; it exists only while they run."""
    given = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{given['NAME']}"
    login = ":".join(quote(part, safe="") for part in (given["USER"], given["PASSWORD"]) if part)
    return f"postgres://{login}@{given['HOST']}:{given['PORT']}/{quote(given['NAME'], safe='')}"
