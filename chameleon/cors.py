"""Which other origins' pages may call the API from a browser: those in CORS_ALLOWED_ORIGINS, and no others."""

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import patch_vary_headers

from chameleon.problems import PREFIXES

_METHODS = "GET, HEAD, POST, PATCH, OPTIONS"
_HEADERS = "Authorization, Content-Type, Idempotency-Key, X-API-Key, X-CSRFToken, X-Organization"
_SHOWN = "Location, Retry-After, WWW-Authenticate"
_DAY = "86400"


class CrossOrigin:
    """Answers a browser's preflight and marks the answers it may show to another origin's page."""

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
        response: HttpResponseBase = _preflight(request) or self.get_response(request)
        return _marked(request, response)

    async def _call_async(self, request: HttpRequest) -> HttpResponseBase:
        return _marked(request, _preflight(request) or await self.get_response(request))


def _preflight(request: HttpRequest) -> HttpResponse | None:
    asks = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
    if not asks or not _is_allowed(request):
        return None
    headers = {
        "Access-Control-Allow-Methods": _METHODS,
        "Access-Control-Allow-Headers": _HEADERS,
        "Access-Control-Max-Age": _DAY,
    }
    response = HttpResponse(status=204, headers=headers)
    del response["Content-Type"]
    return response


def _marked(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    if settings.CORS_ALLOWED_ORIGINS and request.path.startswith(PREFIXES):
        patch_vary_headers(response, ["Origin"])
    if _is_allowed(request):
        response["Access-Control-Allow-Origin"] = request.headers["Origin"]
        response["Access-Control-Allow-Credentials"] = "true"
        response["Access-Control-Expose-Headers"] = _SHOWN
    return response


def _is_allowed(request: HttpRequest) -> bool:
    return request.path.startswith(PREFIXES) and request.headers.get("Origin") in settings.CORS_ALLOWED_ORIGINS
