"""The application as it runs in production: a process of its own, reached over the network."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests import servers


@contextmanager
def running(database_url: str, *, application: str = "chameleon.asgi:application", **environment: str) -> Iterator[str]:
    """The address of a server that lives as long as the block."""
    port = servers.free_port()
    arguments = ["-m", "daphne", "-b", "127.0.0.1", "-p", str(port), application]
    process = servers.start(arguments, DATABASE_URL=database_url, **environment)
    try:
        address = f"http://127.0.0.1:{port}"
        if not servers.answers(address, process):
            raise RuntimeError(f"The server does not answer; its exit code is {process.poll()}.")
        yield address
    finally:
        servers.stop(process)
