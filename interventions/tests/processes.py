"""Real servers of the product beside the test, and a Redis that a test can take away from all of them."""

import base64
import signal
import socket
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import orjson

from tests import servers

APPLICATION = "chameleon.asgi:application"
COMMANDS = {
    "daphne": ["-m", "daphne", "-b", "127.0.0.1", "-p", "{port}", "{application}"],
    "uvicorn": [
        "-m",
        "uvicorn",
        "--port",
        "{port}",
        "--log-level",
        "warning",
        "--timeout-graceful-shutdown",
        "2",
        "{application}",
    ],
    "runserver": ["manage.py", "runserver", "--noreload", "{port}"],
}


class Proxy:
    """Stands before Redis: `cut` refuses and drops everybody, `hang` takes bytes and forwards none, `mend` is well.
    `lose` turns the connections there are into black holes for ever, as a network does that forgets them."""

    def __init__(self, url: str) -> None:
        self._target = (urlsplit(url).hostname or "", urlsplit(url).port or 6379)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._well = threading.Event()
        self._well.set()
        self._refusing = False
        self._open: set[socket.socket] = set()
        self._lost: set[socket.socket] = set()
        credentials, _, _ = urlsplit(url).netloc.rpartition("@")
        netloc = f"{credentials}@127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = urlunsplit(urlsplit(url)._replace(netloc=netloc))
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._refusing = True
        for each in list(self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def hang(self) -> None:
        self._well.clear()

    def lose(self) -> None:
        self._lost |= self._open

    def mend(self) -> None:
        self._refusing = False
        self._well.set()

    def end(self) -> None:
        self.cut()
        self._well.set()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._refusing:
                client.close()
                continue
            redis = socket.create_connection(self._target)
            self._open |= {client, redis}
            for pair in ((client, redis), (redis, client)):
                threading.Thread(target=self._forward, args=pair, daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._well.wait()
                if source not in self._lost:
                    target.sendall(data)
        for each in (source, target):
            self._open.discard(each)
            # Wakes the other thread of the pair, which a mere close does not.
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


class Server:
    """One process of the product, on the test's own database; at a `port` that is free, or where one was before."""

    def __init__(
        self, kind: str, log: Path, redis_url: str, port: int = 0, application: str = APPLICATION, **environment: str
    ) -> None:
        self.port = port or servers.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = log
        arguments = [part.format(port=self.port, application=application) for part in COMMANDS[kind]]
        self._process = start(arguments, log, redis_url, **environment)

    def wait_until_ready(self) -> None:
        if not servers.answers(self.url, self._process):
            raise AssertionError(self._log.read_text()[-3000:])

    def post(self, path: str, body: Any, bearer: dict[str, str]) -> tuple[int, Any]:
        headers = bearer | {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}{path}", orjson.dumps(body), headers)  # noqa: S310
        try:
            with urllib.request.urlopen(request) as answer:  # noqa: S310
                return answer.status, orjson.loads(answer.read())
        except urllib.error.HTTPError as refusal:
            return refusal.code, orjson.loads(refusal.read())

    def socket_address(self, token: str) -> str:
        return f"ws://127.0.0.1:{self.port}/ws?token={token}"

    def connect_and_read_nothing(self, token: str) -> socket.socket:
        """A socket that subscribes and then takes no byte more than the system's own buffers hold."""
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", self.port))
        handshake = (
            f"GET /ws?token={token} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        connection.sendall(handshake.encode())
        assert connection.recv(12) == b"HTTP/1.1 101"
        text = b'{"type": "subscribe"}'
        connection.sendall(bytes([0x81, 0x80 | len(text)]) + bytes(4) + text)
        return connection

    def ask_to_stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def said(self) -> str:
        return self._log.read_text()

    def exit_code(self, patience_seconds: float) -> int:
        """Once it has ended by itself."""
        return self._process.wait(patience_seconds)

    def end(self) -> None:
        servers.stop(self._process)


def start(arguments: list[str], log: Path, redis_url: str, **environment: str) -> "subprocess.Popen[bytes]":
    """Python with the environment that makes it work on the test's own database, and a VAR_DIR beside the log."""
    always = {"DJANGO_SETTINGS_MODULE": "tests.settings", "REDIS_URL": redis_url, "DATABASE_POOL": "4"}
    always |= {"DATABASE_URL": servers.database_url(), "VAR_DIR": str(log.parent / "var")}
    with log.open("wb") as output:
        return servers.start(arguments, output, **always | environment)


@contextmanager
def running(arguments: list[str], log: Path, redis_url: str, **environment: str) -> Iterator[None]:
    process = start(arguments, log, redis_url, **environment)
    try:
        yield
    finally:
        servers.stop(process)
