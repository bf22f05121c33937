"""How does this server process end without a failed request? Clients are sent elsewhere first, then it stops.

SIGTERM begins it. For a quarter of DRAIN_SECONDS the server goes on answering while it says that it is going: `/ready`
is 503, long polls are answered at once, sockets are closed one after the other. Then it takes no more connections,
finishes what runs, and ends. A second signal ends it at once.
"""

import asyncio
import contextlib
import logging
import signal
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from types import FrameType
from typing import Any, Protocol

from django.conf import settings

from interventions import servers
from interventions.live.hub import get_hub
from interventions.live.standing import get_watchman

logger = logging.getLogger(__name__)

type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Any]]
type Send = Callable[[Any], Awaitable[None]]
type Application = Callable[[Scope, Receive, Send], Awaitable[None]]

# Of DRAIN_SECONDS, how much sockets are closed over, and proxies have to notice.
FAREWELL_SHARE = 0.25
# For so long nothing may run before it ends: a connection just taken may not have said yet what it wants.
QUIET_SECONDS = 0.3
# systemd may tell a worker and its supervisor, which tells the worker too: that is one signal.
ECHO_SECONDS = 1.0
LOOK_SECONDS = 0.05

_CLOSE = (b"connection", b"close")


class Host(Protocol):
    """The server that runs the application, as far as its end is concerned."""

    def stop_listening(self) -> None: ...

    def is_busy(self) -> bool:
        """Whether a request is on its way in, or an answer on its way out, that the application knows nothing of."""

    def stop(self, seconds: float) -> None:
        """Ends the server; what runs may take so many seconds more. With 0 it is cut off."""


class Drain:
    """One per process: its requests are counted from the start, and it begins once."""

    def __init__(self) -> None:
        self.has_begun = False
        self._began_at = 0.0
        self._requests = 0
        self._host: Host | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._work: asyncio.Task[None] | None = None

    def attend(self, host: Host) -> None:
        """Takes SIGTERM over from the server; called on its loop, after the server has set handlers of its own."""
        servers.register()
        if settings.DRAIN_SECONDS and threading.current_thread() is threading.main_thread():
            self._host, self._loop = host, asyncio.get_running_loop()
            signal.signal(signal.SIGTERM, self._on_signal)

    def counting(self, application: Application) -> Application:
        """The HTTP application, whose running requests are waited for, and whose answers end their connections."""

        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            async def send_on(message: Any) -> None:
                if self.has_begun and message["type"] == "http.response.start" and scope["http_version"] < "2":
                    message = {**message, "headers": [*message.get("headers", ()), _CLOSE]}
                await send(message)

            self._requests += 1
            try:
                await application(scope, receive, send_on)
            finally:
                self._requests -= 1

        return counted

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        try:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._begin)
        except RuntimeError:
            # The loop is closed: only a thread that hangs is still there.
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

    def _begin(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._host is None or (self.has_begun and now < self._began_at + ECHO_SECONDS):
            return
        if self.has_begun:
            logger.warning("told again to stop: what still runs is cut off")
            self._host.stop(0)
            return
        self.has_begun, self._began_at = True, now
        signal.signal(signal.SIGINT, self._on_signal)
        self._work = asyncio.create_task(self._drain(self._host))

    async def _drain(self, host: Host) -> None:
        clock, began = asyncio.get_running_loop().time, self._began_at
        farewell = settings.DRAIN_SECONDS * FAREWELL_SHARE
        get_hub().leave()
        sockets = get_watchman().dismiss(farewell)
        logger.info("draining: %s sockets are closed over %.1f s, %s requests run", sockets, farewell, self._requests)
        await asyncio.sleep(farewell)
        # By a timer, which the loop serves after what it has to accept: who stands in the queue when it ends is reset.
        asyncio.get_running_loop().call_later(0, host.stop_listening)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(began + settings.DRAIN_SECONDS):
                await self._quiet(host)
        if self._requests:
            logger.warning("%s requests still run after DRAIN_SECONDS and are cut off", self._requests)
        else:
            logger.info("drained in %.1f s", clock() - began)
        # What the server itself has to finish, such as bytes that a client has not taken yet.
        host.stop(max(began + settings.DRAIN_SECONDS - clock(), QUIET_SECONDS))

    async def _quiet(self, host: Host) -> None:
        clock = asyncio.get_running_loop().time
        since = clock()
        while clock() - since < QUIET_SECONDS:
            await asyncio.sleep(LOOK_SECONDS)
            if self._requests or host.is_busy():
                since = clock()


drain = Drain()
