"""What daphne is taught, without a server around it."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.protocol import Factory, Protocol

from chameleon.on_daphne import Host, reactor


@pytest.fixture
def port() -> Iterator[Any]:
    """Takes no connection by itself: nothing runs its loop."""
    port = reactor.listenTCP(0, Factory.forProtocol(Protocol), interface="127.0.0.1")
    yield port
    port.socket.close()


def test_who_stands_in_the_queue_when_it_stops_listening_is_taken(port: Any) -> None:
    taken: list[Any] = []
    port.factory.buildProtocol = lambda _address: taken.append(Protocol()) or taken[-1]
    # As after a quiet moment, in which one came.
    port.numberAccepts = 1
    host = Host()
    host._listening.append((None, port))
    waiting = [socket.create_connection(("127.0.0.1", port.getHost().port)) for _ in range(5)]
    host.stop_listening()
    assert len(taken) == len(waiting)
    for client, protocol in zip(waiting, taken, strict=True):
        client.close()
        protocol.transport.socket.close()
