"""Refusals as RFC 9457 problem documents: the one table from errors to HTTP statuses."""

import logging
from http import HTTPStatus
from typing import Any

import orjson
from django.core.exceptions import (
    BadRequest,
    DisallowedHost,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.template import loader
from django.views import csrf
from rest_framework import exceptions as drf

from chameleon.middleware import AroundResponse
from interventions import wire
from interventions.errors import Conflict, LogTruncated
from pilots import errors

logger = logging.getLogger(__name__)

STATUSES: dict[type[errors.DomainError], int] = {
    errors.InvalidInput: 400,
    errors.NotAuthenticated: 401,
    errors.NotAllowed: 403,
    errors.NotFound: 404,
    Conflict: 409,
    LogTruncated: 410,
    errors.LastAdmin: 409,
    errors.TooLarge: 413,
    errors.Unsupported: 415,
    errors.TooMany: 429,
    errors.Unavailable: 503,
}
# What Django and DRF themselves refuse with, by the status they answer.
CODES = {
    400: "invalid",
    401: "not_authenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
    500: "server_error",
    503: "unavailable",
}
PREFIXES = ("/api/", "/pilot/")
# Locked for too long, restarting, or out of connections: all of it passes.
_PASSING = (OperationalError, InterfaceError)


def problem(status: int, code: str, detail: str, **members: Any) -> HttpResponse:
    """A problem document; `members` stand beside the standard ones."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, "code": code}
    response = HttpResponse(orjson.dumps(body | members), status=status, content_type="application/problem+json")
    response["Cache-Control"] = "no-store"
    if status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = 'Bearer realm="chameleon"'
    return response


def of_error(error: Exception) -> HttpResponse | None:
    """The document for a refusal; None for what is no refusal but a fault."""
    if isinstance(error, errors.DomainError):
        return _of_domain_error(error)
    if isinstance(error, drf.APIException):
        return _of_drf_error(error)
    if isinstance(error, _PASSING):
        logger.warning("database unavailable: %s", error)
        return _of_domain_error(errors.Unavailable("The database cannot answer now; try again in a moment."))
    if isinstance(error, Http404):
        return problem(404, "not_found", "There is nothing at this address.")
    if isinstance(error, RequestDataTooBig):
        return problem(413, "too_large", "The body is too large; send less at once.")
    if isinstance(error, PermissionDenied):
        return problem(403, "forbidden", str(error) or "You may not do this.")
    if isinstance(error, DisallowedHost):
        return problem(400, "bad_host", "This server does not answer to that host name; see ALLOWED_HOSTS.")
    if isinstance(error, BadRequest | SuspiciousOperation):
        return problem(400, "invalid", "The request cannot be read.")
    return None


def exception_handler(error: Exception, _context: dict[str, Any]) -> HttpResponse | None:
    """DRF's EXCEPTION_HANDLER."""
    return of_error(error)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF_FAILURE_VIEW, for programs and people."""
    if _is_api(request):
        return problem(403, "csrf_failed", "The CSRF token is missing or wrong; reload the page and try again.")
    return csrf.csrf_failure(request, reason)


class ProblemDocuments(AroundResponse):
    """Lets everything under /api and /pilot fail as a problem document, also before a view is reached; and a page that
    the database did not answer say so."""

    def before(self, request: HttpRequest) -> HttpResponse | None:
        return _bad_host(request)

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        return _mended(request, response)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if _is_api(request):
            return of_error(error)
        return _page_of_what_passes(error) if isinstance(error, _PASSING) else None


def _page_of_what_passes(error: Exception) -> HttpResponse:
    logger.warning("database unavailable: %s", error)
    # As for 500: without a request, for whom to greet and how the database would have to be asked.
    page = loader.get_template("503.html").render()
    return HttpResponse(page, status=503, headers={"Retry-After": str(errors.Unavailable.retry_after)})


def _bad_host(request: HttpRequest) -> HttpResponse | None:
    # Django would find out in a middleware further in, and answer with a page.
    if not _is_api(request):
        return None
    try:
        request.get_host()
    except DisallowedHost as error:
        return of_error(error)
    return None


def _mended(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Django's own error pages, said to a program."""
    kind = response.headers.get("Content-Type", "")
    if response.status_code < 400 or not _is_api(request) or kind.startswith("application/problem+json"):
        return response
    status = response.status_code
    detail = {404: "There is nothing at this address.", 405: f"{request.method} is not possible here."}
    mended = problem(status, CODES.get(status, "invalid"), detail.get(status, HTTPStatus(status).description))
    if "Allow" in response.headers:
        mended["Allow"] = response.headers["Allow"]
    return mended


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith(PREFIXES) or request.path in ("/api", "/pilot")


def _of_domain_error(error: errors.DomainError) -> HttpResponse:
    status = next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)
    members: dict[str, Any] = {}
    if error.errors is not None:
        members["errors"] = error.errors
    if isinstance(error, Conflict):
        members["intervention"] = wire.intervention(error.intervention) if error.intervention else None
    if isinstance(error, LogTruncated):
        members |= {"seq": error.seq, "epoch": error.epoch}
    response = problem(status, error.code, error.detail, **members)
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        response["Retry-After"] = str(retry_after)
    return response


def _of_drf_error(error: drf.APIException) -> HttpResponse:
    code = CODES.get(error.status_code, "invalid")
    if isinstance(error, drf.PermissionDenied) and error.get_codes() == "csrf_failed":
        code = "csrf_failed"
    response = problem(error.status_code, code, str(error.detail))
    if isinstance(error, drf.Throttled) and error.wait:
        response["Retry-After"] = str(int(error.wait) + 1)
    return response
