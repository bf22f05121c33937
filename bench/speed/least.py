"""The least ASGI application: it accepts each socket and waits for its end."""

import gc
import signal
from collections.abc import Awaitable, Callable
from typing import Any

type Channel = Callable[..., Awaitable[Any]]

signal.signal(signal.SIGUSR1, lambda *_: gc.collect())


async def application(scope: Any, receive: Channel, send: Channel) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] != "websocket.disconnect":
            pass
