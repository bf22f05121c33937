"""A chat's end of a hook, on this machine: keeps what comes and says what it was told to say."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Receiver:
    """Says `status` and `body` to whatever comes."""

    address: str
    status: int = 200
    body: str = "ok"
    headers: dict[str, str] = field(default_factory=dict)
    got: list[Any] = field(default_factory=list)

    def reset(self) -> None:
        self.status, self.body = 200, "ok"
        self.headers.clear()
        self.got.clear()


@contextmanager
def running() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.got.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            body = receiver.body.encode()
            self.send_response(receiver.status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing on the tests' output."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver = Receiver(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield receiver
        server.shutdown()
        thread.join(5)
