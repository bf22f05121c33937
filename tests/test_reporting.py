"""What is reported to Sentry: that something broke and where, and nothing of what was sent."""

import gzip
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import brotli
import pytest

from tests import servers

# The SDK takes the best compression that is installed.
UNPACK = {"gzip": gzip.decompress, "br": brotli.decompress, None: bytes}

# A view that fails, in the real application with the real settings.
PROGRAM = """
import django
from django.conf import settings
django.setup()
from django.test import Client
from django.urls import path
from chameleon import urls

def broken(request, token):
    secret = request.POST["reason"]
    raise RuntimeError(f"failed at {request.path}")

# Put together here, for the lines of the source are reported.
word = "can" + "ary"
urls.urlpatterns.append(path("accounts/link/<token>/broken", broken))
client = Client(raise_request_exception=False, headers={"Authorization": "Bearer chm_Ab12Cd34Ef56_secretpart"})
client.cookies["sessionid"] = word
answer = client.post(f"/accounts/link/{word}/broken?token={word}", {"reason": word})
assert answer.status_code == 500, answer.status_code
import sentry_sdk
sentry_sdk.flush(10)
"""


@pytest.fixture
def sentry() -> Iterator[tuple[str, list[bytes]]]:
    """A DSN, and the envelopes that reach it."""
    envelopes: list[bytes] = []

    class Inbox(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            envelopes.append(UNPACK[self.headers.get("Content-Encoding")](body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Inbox)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://public@127.0.0.1:{server.server_port}/1", envelopes
    server.shutdown()
    server.server_close()


def test_an_error_is_reported_without_anything_that_was_sent(sentry: tuple[str, list[bytes]]) -> None:
    dsn, envelopes = sentry
    environment = {"DJANGO_SETTINGS_MODULE": "tests.settings", "SENTRY_DSN": dsn, "SENTRY_SPOTLIGHT": ""}
    process = servers.start(["-c", PROGRAM], output=subprocess.PIPE, **environment)
    output = b"".join(process.communicate(timeout=60)).decode()
    assert process.returncode == 0, output
    told = b"\n".join(envelopes).decode()
    assert "RuntimeError" in told
    assert "failed at /accounts/link/" in told
    at = told.find("canary")
    assert at < 0, told[max(0, at - 300) : at + 100]
    assert "secretpart" not in told
