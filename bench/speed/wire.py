"""Clients that cost little beside a server on the same cores: HTTP/1.1 and WebSocket, written and read by hand."""

import asyncio
import os
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

OPENING_AT_ONCE = 50
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class Gone(ConnectionError):
    """The server ended the connection, or answered what a client cannot use."""


class Connection:
    """One connection that is kept open; one request at a time."""

    def __init__(self, port: int, headers: Mapping[str, str]) -> None:
        self._port = port
        lines = {"Host": f"127.0.0.1:{port}", "Content-Type": "application/json", **headers}
        self._head = "".join(f"{name}: {value}\r\n" for name, value in lines.items()).encode()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Status and body; a connection that was lost is opened anew the next time."""
        try:
            return await self._ask(method, path, body)
        except (OSError, asyncio.IncompleteReadError) as error:
            self.close()
            raise Gone(str(error)) from error

    async def _ask(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        length = b"Content-Length: %d\r\n\r\n" % len(body)
        writer.write(b"%b %b HTTP/1.1\r\n%b%b%b" % (method.encode(), path.encode(), self._head, length, body))
        head = await reader.readuntil(b"\r\n\r\n")
        size = _content_length(head)
        answer = await reader.readexactly(size)
        return int(head[9:12]), answer

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def _content_length(head: bytes) -> int:
    lowered = head.lower()
    at = lowered.find(b"content-length:")
    if at < 0:
        raise Gone(f"an answer of unknown length: {head[:80]!r}")
    return int(lowered[at + 15 : lowered.index(b"\r\n", at)])


class Listener(asyncio.Protocol):
    """One open socket. `hear` gets the bytes of each text frame; None: they are skipped unread."""

    def __init__(self, path: str, headers: Mapping[str, str], hear: Callable[[bytes], None] | None = None) -> None:
        self._path, self._headers, self._hear = path, headers, hear
        self._buffer = bytearray()
        self._skip = 0
        self._opened = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport | None = None
        self.closed: int | None = None

    async def open(self, port: int) -> "Listener":
        lines = {"Host": f"127.0.0.1:{port}", "Upgrade": "websocket", "Connection": "Upgrade", **self._headers}
        lines |= {"Sec-WebSocket-Key": b64encode(os.urandom(16)).decode(), "Sec-WebSocket-Version": "13"}
        await asyncio.get_running_loop().create_connection(lambda: self, "127.0.0.1", port)
        assert self._transport is not None  # noqa: S101 -- it is connected
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self._transport.write(f"GET {self._path} HTTP/1.1\r\n{head}\r\n".encode())
        await self._opened
        return self

    def say(self, text: bytes, opcode: int = TEXT) -> None:
        """Masked with zeros: as the standard asks for, and free."""
        size = len(text)
        length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2)
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(bytes([0x80 | opcode]) + length + bytes(4) + text)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 -- TCP's is
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = self.closed or 1006
        if not self._opened.done():
            self._opened.set_exception(Gone("closed while it was opened"))

    def data_received(self, data: bytes) -> None:
        if self._skip >= len(data):
            self._skip -= len(data)
            return
        self._buffer += memoryview(data)[self._skip :]
        self._skip = 0
        if not self._opened.done():
            self._read_answer()
        if self._opened.done():
            self._read_frames()

    def _read_answer(self) -> None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        status = bytes(self._buffer[9:12])
        del self._buffer[: end + 4]
        if status == b"101":
            self._opened.set_result(None)
        else:
            self._opened.set_exception(Gone(f"the handshake was answered {status.decode()}"))

    def _read_frames(self) -> None:
        buffer, at = self._buffer, 0
        while len(buffer) - at >= 2:
            size, begin = _frame(buffer, at)
            if begin < 0:
                break
            opcode, end = buffer[at] & 15, begin + size
            if end > len(buffer):
                if self._hear is None and opcode == TEXT:
                    self._skip, at = end - len(buffer), len(buffer)
                break
            if opcode != TEXT or self._hear is not None:
                self._take(opcode, bytes(buffer[begin:end]))
            at = end
        del buffer[:at]

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == TEXT and self._hear is not None:
            self._hear(payload)
        elif opcode == PING:
            self.say(payload, PONG)
        elif opcode == CLOSE:
            self.closed = int.from_bytes(payload[:2])


def _frame(buffer: bytearray, at: int) -> tuple[int, int]:
    """Size of the payload of the frame at `at`, and where it begins; -1 while its head is not complete."""
    size = buffer[at + 1] & 127
    extra = {126: 2, 127: 8}.get(size, 0)
    if len(buffer) - at < 2 + extra:
        return 0, -1
    return (int.from_bytes(buffer[at + 2 : at + 2 + extra]) if extra else size), at + 2 + extra


async def open_all(port: int, listeners: Sequence[Listener]) -> None:
    """Some at a time: a server has a backlog, and daphne a time in which a handshake must be through."""
    for first in range(0, len(listeners), OPENING_AT_ONCE):
        await asyncio.gather(*(each.open(port) for each in listeners[first : first + OPENING_AT_ONCE]))


def close_all(listeners: Iterable[Listener]) -> None:
    for each in listeners:
        with suppress(OSError):
            each.close()
