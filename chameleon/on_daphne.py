"""What daphne leaves out: an HTTP status as the answer to a handshake, and a word to its sockets before it goes."""

from http import HTTPStatus
from typing import Any
from weakref import WeakSet

from autobahn.websocket.types import ConnectionDeny
from daphne.server import Server
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

SERVICE_RESTART = 1012
# For the close frames to leave before the process does.
FAREWELL_SECONDS = 0.3

_open: "WeakSet[Protocol]" = WeakSet()
_create_application = Server.create_application


class Protocol(WebSocketProtocol):
    def onOpen(self) -> None:
        super().onOpen()
        _open.add(self)

    def handle_reply(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.http.response.start":
            self._deny(HTTPStatus(message["status"]))
        elif message["type"] != "websocket.http.response.body":
            super().handle_reply(message)

    def _deny(self, status: HTTPStatus) -> None:
        self.handshake_deferred.errback(ConnectionDeny(code=status.value, reason=status.phrase))
        del self.handshake_deferred
        self.server.protocol_disconnected(self)


def install() -> None:
    """Once, before daphne listens; under another server it does nothing."""
    WebSocketFactory.protocol = Protocol
    Server.create_application = _with_extension
    reactor.addSystemEventTrigger("before", "shutdown", _say_goodbye)


def _with_extension(server: Server, protocol: Any, scope: dict[str, Any]) -> Any:
    if scope["type"] == "websocket":
        scope["extensions"] = {"websocket.http.response": {}}
    return _create_application(server, protocol, scope)


def _say_goodbye() -> "Deferred[None]":
    for protocol in list(_open):
        protocol.sendClose(code=SERVICE_RESTART)
    return deferLater(reactor, FAREWELL_SECONDS if _open else 0)
