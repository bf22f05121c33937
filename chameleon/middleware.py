"""The frame of our middlewares, which hold no thread while a long poll waits; and the one that lets nothing be kept."""

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponseBase


class AroundResponse:
    """Looks at a request before the rest does, and at its response afterwards; alike in a thread and on the loop."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self._call_async(request)
        return self.before(request) or self.after(request, self.get_response(request))

    async def _call_async(self, request: HttpRequest) -> HttpResponseBase:
        return self.before(request) or self.after(request, await self.get_response(request))

    def before(self, _request: HttpRequest) -> HttpResponseBase | None:
        """An answer given here is the answer."""
        return None

    def after(self, _request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        return response


class NothingIsKept(AroundResponse):
    """What says nothing about caches is kept by none: it is one person's view of one moment."""

    def after(self, _request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        response.headers.setdefault("Cache-Control", "no-store")
        return response
