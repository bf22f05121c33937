"""What daphne leaves out: an HTTP status as the answer to a handshake, every close code, a `send` that waits for a slow
client, the end of a connection whose answer says so, a word to its sockets before it goes, and an answer to requests
that it cannot read or reads too well."""

import asyncio
import contextlib
import struct
from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from weakref import WeakSet

from autobahn.exception import Disconnected
from autobahn.websocket.types import ConnectionDeny
from daphne import http_protocol
from daphne.access import AccessLogGenerator
from daphne.http_protocol import WebRequest
from daphne.server import Server
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.error import ReactorNotRunning
from twisted.internet.task import deferLater
from twisted.web.http import HTTPChannel

from chameleon.log_lines import safe
from chameleon.problems import CODES, problem

SERVICE_RESTART = 1012
# For the close frames to leave before the process does.
FAREWELL_SECONDS = 0.3
# The first byte of a frame that is a whole text.
_TEXT = 0x81
_SHARED_LENGTH = 128 * 1024

_open: "WeakSet[Protocol]" = WeakSet()
_create_application = Server.create_application
_handle_reply = Server.handle_reply
_listen_success = Server.listen_success
_write_entry = AccessLogGenerator.write_entry


class Protocol(WebSocketProtocol):
    """Its transport tells it, as a producer, when the client does not keep up: `writable` is clear meanwhile."""

    writable: asyncio.Event

    def onOpen(self) -> None:
        super().onOpen()
        self.writable.set()
        self.transport.unregisterProducer()
        self.transport.registerProducer(self, True)
        _open.add(self)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self.writable.set()
        super().onClose(wasClean, code, reason)

    def pauseProducing(self) -> None:
        self.writable.clear()

    def resumeProducing(self) -> None:
        self.writable.set()

    def stopProducing(self) -> None:
        self.writable.set()

    def serverClose(self, code: int | None = None) -> None:
        # Without a code it is daphne that ends a day-old socket: the client is to come back. autobahn's own `sendClose`
        # refuses 1011 to 1013, which a server may well send.
        self.sendCloseFrame(code=SERVICE_RESTART if code is None else code)

    def handle_reply(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.send" and message.get("text"):
            self._say(message["text"])
        elif message["type"] == "websocket.http.response.start":
            self._deny(HTTPStatus(message["status"]))
        elif message["type"] != "websocket.http.response.body":
            super().handle_reply(message)

    def _say(self, text: str) -> None:
        """An event is one text to thousands of sockets: framed once, and handed to the system at once where nothing
        waits before it. twisted would ask the loop first, for each of them, whether the client takes any."""
        if self.state != self.STATE_OPEN:
            raise Disconnected("the client has gone")
        frame = _shared_frame(text) if len(text) <= _SHARED_LENGTH else _frame(text)
        if not (self.transport.dataBuffer or self.transport._tempDataLen):
            sent = self.transport.writeSomeData(frame)
            # A connection that is lost is noticed by the loop.
            frame = frame[sent:] if isinstance(sent, int) else frame
        self.transport.write(frame)

    def _deny(self, status: HTTPStatus) -> None:
        self.handshake_deferred.errback(ConnectionDeny(code=status.value, reason=status.phrase))
        del self.handshake_deferred
        self.server.protocol_disconnected(self)


class Request(WebRequest):
    """An HTTP request as it came, for Django to judge; its answer waits for a client that does not keep up, or all of a
    long file would be held for it here."""

    writable: asyncio.Event

    def __init__(self, *args: Any, **options: Any) -> None:
        # twisted would read each form for itself, on the loop that all wait for, and hang up at one it cannot read.
        super().__init__(*args, parsePOSTFormSubmission=False, **options)
        self.writable = asyncio.Event()
        self.writable.set()

    def process(self) -> Any:
        # Where the application is mounted is not for a client to say.
        self.requestHeaders.removeHeader(b"Daphne-Root-Path")
        if all(value.isascii() for value in self.requestHeaders.getRawHeaders(b"Sec-WebSocket-Protocol", [])):
            return super().process()
        # Where this is wrong daphne answers 500, and writes a traceback into the log.
        return self.basic_error(HTTPStatus.BAD_REQUEST, b"Bad Request", "The subprotocols cannot be read.")

    def handle_reply(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.body" and self.channel is not None and not self.finished:
            self._produce(message.get("more_body", False))
        super().handle_reply(message)

    def _produce(self, goes_on: bool) -> None:
        """While there is more to come, the transport tells this request whether the client keeps up."""
        if goes_on and self.producer is None:
            self.registerProducer(self, True)
        elif not goes_on and self.producer is not None:
            self.unregisterProducer()

    def pauseProducing(self) -> None:
        self.writable.clear()

    def resumeProducing(self) -> None:
        self.writable.set()

    def stopProducing(self) -> None:
        self.writable.set()

    def connectionLost(self, reason: Any) -> None:
        self.writable.set()
        super().connectionLost(reason)

    def basic_error(self, status: int, _phrase: bytes, detail: str) -> None:
        """What Django never gets to see, said as Django says it to programs: people's browsers send nothing such."""
        refusal = problem(status, CODES.get(status, "invalid"), detail)
        headers = [(b"Content-Type", refusal["Content-Type"].encode())]
        self.handle_reply({"type": "http.response.start", "status": int(status), "headers": headers})
        self.handle_reply({"type": "http.response.body", "body": refusal.content})


class Host:
    """daphne as it is ended: it neither waits for requests by itself nor knows what clients have not taken yet."""

    def __init__(self) -> None:
        self._listening: list[tuple[Server, Any]] = []

    def note(self, server: Server, port: Any) -> None:
        self._listening.append((server, port))
        _listen_success(server, port)

    def stop_listening(self) -> None:
        for _, port in self._listening:
            # twisted takes as many at once as came the last time, and who still stands in the queue when it ends is
            # reset. The system lets one more stand there than it was told.
            port.numberAccepts = port.backlog + 1
            port.doRead()
            port.stopListening()

    def is_busy(self) -> bool:
        """A request whose body is still coming in is one that the application has not seen."""
        known = [item for server, _ in self._listening for item in server.connections.items()]
        unanswered = any(isinstance(each, WebRequest) and "disconnected" not in state for each, state in known)
        writing = [each for each in reactor.getWriters() if not isinstance(getattr(each, "protocol", None), Protocol)]
        return unanswered or bool(writing)

    def stop(self, _seconds: float) -> None:
        with contextlib.suppress(ReactorNotRunning):
            reactor.stop()


def install(attend: Callable[[Host], None]) -> None:
    """Once, before daphne listens; under another server it does nothing. `attend` is called when its loop runs."""
    WebSocketFactory.protocol = Protocol
    http_protocol.WebRequest = Request
    # A reason of 2,000 characters may stand in an address, where it takes up to 24 KB; twisted hangs up at 16.
    HTTPChannel.MAX_LENGTH = HTTPChannel.totalHeadersSize = 64 * 1024
    HTTPChannel.lineLengthExceeded = _refuse_long_line
    Server.create_application = _with_extension
    Server.handle_reply = _when_writable
    host = Host()
    Server.listen_success = lambda server, port: host.note(server, port)
    # A turn later: its handlers of signals are in place then.
    reactor.callWhenRunning(reactor.callLater, 0, attend, host)
    AccessLogGenerator.write_entry = _write_safely
    reactor.addSystemEventTrigger("before", "shutdown", _say_goodbye)


def _frame(text: str) -> bytes:
    """One unmasked, uncompressed frame of text (RFC 6455, 5.2)."""
    payload = text.encode()
    size = len(payload)
    if size < 126:
        return bytes((_TEXT, size)) + payload
    if size < 1 << 16:
        return struct.pack("!BBH", _TEXT, 126, size) + payload
    return struct.pack("!BBQ", _TEXT, 127, size) + payload


# One event has a few texts: as programs and as pages read it. Long ones are answers to one socket.
_shared_frame = lru_cache(maxsize=8)(_frame)


def _refuse_long_line(channel: HTTPChannel, _line: bytes) -> None:
    """twisted hangs up without a word, which a client takes for a broken server and tries again."""
    channel.transport.write(b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n\r\n")
    channel.loseConnection()


def _with_extension(server: Server, protocol: Any, scope: dict[str, Any]) -> Any:
    if isinstance(protocol, Protocol):
        protocol.writable = asyncio.Event()
        protocol.writable.set()
        scope["extensions"] = {"websocket.http.response": {}}
    return _create_application(server, protocol, scope)


async def _when_writable(server: Server, protocol: Any, message: dict[str, Any]) -> None:
    if message["type"] in ("websocket.send", "http.response.body") and isinstance(protocol, Protocol | Request):
        await protocol.writable.wait()
    elif message["type"] == "http.response.start" and (b"connection", b"close") in message.get("headers", ()):
        protocol.channel.persistent = False
    try:
        await _handle_reply(server, protocol, message)
    except Disconnected as error:
        # What ASGI says a `send` raises once the client has gone.
        raise ConnectionError("the client has gone") from error


def _say_goodbye() -> "Deferred[None]":
    for protocol in list(_open):
        protocol.serverClose(SERVICE_RESTART)
    return deferLater(reactor, FAREWELL_SECONDS if _open else 0)


def _write_safely(log: AccessLogGenerator, host: str, date: Any, request: str, *rest: Any, **more: Any) -> None:
    """The access log is written past the loggers: the same rule holds there."""
    _write_entry(log, host, date, safe(request), *rest, **more)
