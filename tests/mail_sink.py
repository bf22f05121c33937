"""A mail server of our own: speaks SMTP, keeps what it is handed, and refuses what it is told to refuse."""

import email
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import default

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests import servers


class Sink:
    """`inbox` is what has arrived. `answer` is said to each mail, as `451 later`; '' takes it."""

    def __init__(self) -> None:
        self.inbox: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.answer = ""
        self.port = servers.free_port()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}/?_default_from_email=desk@acme.test"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        if self.answer:
            return self.answer
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        mail = email.message_from_bytes(raw, policy=default)
        assert isinstance(mail, EmailMessage)
        self.inbox.append(mail)
        self.recipients.append(envelope.rcpt_tos)
        return "250 taken"


@contextmanager
def running() -> Iterator[Sink]:
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    sink = Sink()
    controller = Controller(sink, hostname="127.0.0.1", port=sink.port)
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()
