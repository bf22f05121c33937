"""EMAIL_URL, from what an operator writes to what arrives."""

import socketserver
import subprocess
import threading
from collections.abc import Iterator

import pytest
from environs import EnvValidationError

from chameleon.mail import mailers
from tests import servers

PROGRAM = """
import django
django.setup()
from django.core.mail import send_mail
send_mail("Join Acme", "Open this link", None, ["nina@acme.test"])
"""


class Sink(socketserver.StreamRequestHandler):
    """As much of SMTP as it takes to be handed a mail."""

    inbox: list[str]

    def handle(self) -> None:
        self._say("220 sink")
        while line := self.rfile.readline().decode().strip().upper():
            if line == "QUIT":
                return self._say("221 bye")
            if line == "DATA":
                self._say("354 go on")
                text = ""
                while (more := self.rfile.readline().decode()) != ".\r\n":
                    text += more
                self.inbox.append(text)
            self._say("250 ok")
        return None

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@pytest.fixture
def sink() -> Iterator[tuple[int, list[str]]]:
    """Its port, and what arrives."""
    inbox: list[str] = []
    handler = type("Handler", (Sink,), {"inbox": inbox})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], inbox
        server.shutdown()


def test_a_mail_arrives_with_the_sender_of_the_url(sink: tuple[int, list[str]]) -> None:
    port, inbox = sink
    url = f"smtp://127.0.0.1:{port}/?_default_from_email=desk@acme.test"
    process = servers.start(
        ["-c", PROGRAM], output=subprocess.PIPE, DJANGO_SETTINGS_MODULE="tests.settings", EMAIL_URL=url
    )
    output = b"".join(process.communicate(timeout=60)).decode()
    assert process.returncode == 0, output
    (mail,) = inbox
    assert "From: desk@acme.test" in mail
    assert "To: nina@acme.test" in mail
    assert "Open this link" in mail


@pytest.mark.parametrize(
    ("url", "host", "port", "use_tls", "use_ssl"),
    [
        ("smtp://mail", "mail", 25, False, False),
        ("smtp+tls://dana:secret@mail", "mail", 587, True, False),
        ("submission://mail:2525", "mail", 2525, True, False),
        ("smtps://mail:465", "mail", 465, False, True),
    ],
)
def test_a_way_to_a_server(url: str, host: str, port: int, use_tls: bool, use_ssl: bool) -> None:
    options = mailers(url)[0]["default"]["OPTIONS"]
    found = {name: options[name] for name in ("host", "port", "use_tls", "use_ssl")}
    assert found == {"host": host, "port": port, "use_tls": use_tls, "use_ssl": use_ssl}


def test_a_password_may_hold_what_an_address_may_not() -> None:
    assert mailers("smtp+tls://dana:p%40ss%2F@mail")[0]["default"]["OPTIONS"]["password"] == "p@ss/"


def test_without_a_url_nothing_is_sent() -> None:
    assert mailers("") == ({}, "")


@pytest.mark.parametrize("url", ["mail.acme.test", "https://mail.acme.test", "smtp://mail:port"])
def test_what_is_no_such_address_stops_the_start_with_a_sentence(url: str) -> None:
    with pytest.raises(EnvValidationError, match="EMAIL_URL"):
        mailers(url)
