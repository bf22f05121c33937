"""One open WebSocket: accepted or refused, read until it ends, written through a bounded outbox.

An application of our own and not Channels' consumer class: that joins the channel layer once per socket, and asks a
shared thread before each message.
"""

import asyncio
import contextlib
import contextvars
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from interventions.live.outbox import Frame, Outbox

logger = logging.getLogger(__name__)

type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
type Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# A client that does not even take the close frame in this time is cut off.
CUT_SECONDS = 2.0

UNAUTHENTICATED = 4401
FORBIDDEN = 4403
TOO_SLOW = 4408
SERVER_ERROR = 1011
SERVICE_RESTART = 1012


class Socket:
    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self._receive = receive
        self._send = send
        self._outbox = Outbox()
        self._is_open = False
        self._closing: int | None = None
        self._cut_off = False
        self._is_writing = False
        self._writer: asyncio.Task[None] | None = None
        self._reader: asyncio.Task[Any] | None = None

    async def refuse(self, code: int) -> None:
        """Accepts and closes at once: a client that was never accepted could not read the code."""
        await self._send({"type": "websocket.accept"})
        await self._send({"type": "websocket.close", "code": code})

    async def turn_away(self, status: int, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        """Answers the handshake with an HTTP status, where the server can; else with its own refusal, 403."""
        if "websocket.http.response" not in (self.scope.get("extensions") or {}):
            await self._send({"type": "websocket.close"})
            return
        headers = [*headers, (b"content-length", b"0")]
        await self._send({"type": "websocket.http.response.start", "status": status, "headers": headers})
        await self._send({"type": "websocket.http.response.body", "body": b""})

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Accepted and being written to until the block ends."""
        await self._send({"type": "websocket.accept"})
        self._is_open = True
        try:
            yield
        finally:
            self._is_open = False
            if self._writer is not None:
                self._writer.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await self._writer
            if self._cut_off:
                await self._say_last()

    async def messages(self) -> AsyncIterator[str | bytes]:
        """What the client sends, until it or we close."""
        self._reader = asyncio.current_task()
        while True:
            try:
                message = await self._receive()
            except asyncio.CancelledError:
                if self._cut_off and self._reader is not None:
                    self._reader.uncancel()
                    return
                raise
            if message["type"] == "websocket.disconnect":
                return
            if self._closing is None:
                text = message.get("text")
                yield text if text is not None else message.get("bytes") or b""

    def send(self, text: str, sent: Callable[[], None] | None = None) -> None:
        self._offer(Frame(text, len(text), sent))

    def send_later(self, make: Callable[[], str], size: int) -> None:
        """Like `send`, with a text that is made when its turn comes; `size` is about what it will be."""
        self._offer(Frame(make, size))

    async def room(self) -> None:
        """Returns when there is room for more: what can wait is sent no faster than the client reads."""
        await self._outbox.room()

    def close(self, code: int) -> None:
        """Closes after the frame that is on its way; what still waits is not sent."""
        if self._closing is None and self._is_open:
            self._closing = code
            self._outbox.clear()
            asyncio.get_running_loop().call_later(CUT_SECONDS, self._cut, self._reader)
            self._keep_writing()

    def _offer(self, frame: Frame) -> None:
        if self._closing is not None or not self._is_open:
            return
        if self._outbox.put(frame):
            self._keep_writing()
        else:
            logger.info("a client reads too slowly and is closed")
            self.close(TOO_SLOW)

    def _keep_writing(self) -> None:
        """Writes at once as far as the client takes it; only what it does not take yet is a task of its own."""
        if self._is_writing:
            return
        self._is_writing = True
        # In a context of its own: what is told came from somebody else's request.
        loop, context = asyncio.get_running_loop(), contextvars.Context()
        writer = asyncio.Task(self._write(), loop=loop, context=context, eager_start=True)
        self._writer = None if writer.done() else writer

    async def _write(self) -> None:
        try:
            while self._closing is None and (frame := self._outbox.take()) is not None:
                text = frame.text if isinstance(frame.text, str) else frame.text()
                await self._send({"type": "websocket.send", "text": text})
                if frame.sent is not None:
                    frame.sent()
            if self._closing is not None:
                await self._send({"type": "websocket.close", "code": self._closing})
        except OSError:
            # The client has gone; reading ends by itself.
            return
        except Exception:
            logger.exception("a frame could not be sent")
            self.close(SERVER_ERROR)
            with contextlib.suppress(OSError):
                await self._send({"type": "websocket.close", "code": SERVER_ERROR})
        finally:
            self._is_writing = False

    async def _say_last(self) -> None:
        """Without waiting for the client: where the server must wait, it drops the connection when we return."""
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(CUT_SECONDS / 10):
                await self._send({"type": "websocket.close", "code": self._closing})

    def _cut(self, reader: asyncio.Task[Any] | None) -> None:
        if reader is not None and not reader.done() and self._writer is not None and not self._writer.done():
            self._cut_off = True
            reader.cancel()
