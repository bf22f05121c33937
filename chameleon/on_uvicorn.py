"""How is uvicorn ended? As its own handler of SIGTERM does, but within a time, and with exit code 0.

It is not imported, for it need not be installed: the handler that it sets leads to it.
"""

import math
import signal
from typing import Any


class Host:
    def __init__(self, server: Any) -> None:
        self._server = server

    def stop_listening(self) -> None:
        for listener in self._server.servers:
            listener.close()

    def is_busy(self) -> bool:
        """Never: the application runs from a request's headers on, and uvicorn waits until answers are taken."""
        return False

    def stop(self, seconds: float) -> None:
        """Its own handler would end the process by the signal afterwards, which no supervisor takes for success."""
        if self._server.should_exit and not seconds:
            for connection in list(self._server.server_state.connections):
                connection.transport.abort()
        own = self._server.config.timeout_graceful_shutdown
        self._server.config.timeout_graceful_shutdown = min(math.ceil(seconds), math.inf if own is None else own)
        self._server.should_exit = True


def host() -> Host | None:
    """Where uvicorn runs this process and handles its signals; else None."""
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return Host(server) if type(server).__module__ == "uvicorn.server" else None
