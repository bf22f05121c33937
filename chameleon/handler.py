"""How does a request reach its view? In one thread, from the first middleware to the last.

Django's own handler walks the middlewares on the loop and borrows a thread for every step that is not written for it,
there and back about fourteen times a request. Only a view that waits has to be reached that way: it must hold no
thread meanwhile. And it begins a thread with each request and ends it with another one; here they go from hand to hand.
"""

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from asgiref.sync import ThreadSensitiveContext, iscoroutinefunction, sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest, HttpResponseBase
from django.urls import Resolver404, resolve

# In the scope of a request: whether its view waits.
WAITS = "chameleon.waits"
# What a burst has begun beyond these ends with it.
MOST_IDLE_THREADS = 32
THREADS_FOR_WAITING = 8


class Handler(ASGIHandler):
    """Django's handler with both kinds of chain, of the same middlewares."""

    def __init__(self) -> None:
        super().__init__()
        self._in_thread = BaseHandler()
        self._in_thread.load_middleware(is_async=False)
        self._threads = Threads()
        # What waits gives its connection back after each look at the database, so that any thread will do for the next.
        self._few = ThreadPoolExecutor(THREADS_FOR_WAITING, "waiting-request")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        waits = _waits(scope["path"].removeprefix(scope.get("root_path", "")))
        scope = {**scope, WAITS: waits}
        if waits:
            await self._handle_in(self._few, scope, receive, send)
            return
        with self._threads.one() as thread:
            await self._handle_in(thread, scope, receive, send)

    async def _handle_in(self, executor: Executor, scope: Any, receive: Any, send: Any) -> None:
        async with ThreadSensitiveContext(executor=executor):
            await self.handle(scope, receive, send)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        scope: dict[str, Any] = request.scope  # type: ignore[attr-defined]
        if scope[WAITS]:
            return await super().get_response_async(request)
        return await sync_to_async(self._in_thread.get_response)(request)


class Threads:
    """Threads that are lent, each to one request at a time: it holds the request's connection to the database."""

    def __init__(self) -> None:
        self._idle: list[ThreadPoolExecutor] = []

    @contextmanager
    def one(self) -> Iterator[ThreadPoolExecutor]:
        thread = self._idle.pop() if self._idle else ThreadPoolExecutor(1, "request")
        try:
            yield thread
        finally:
            if len(self._idle) < MOST_IDLE_THREADS:
                self._idle.append(thread)
            else:
                thread.shutdown(wait=False)


def _waits(path: str) -> bool:
    try:
        return iscoroutinefunction(resolve(path).func)
    except Resolver404:
        return False
