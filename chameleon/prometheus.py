"""What a monitoring system reads at /metrics: requests, waiting work and the process, as Prometheus text."""

import ipaddress
import os
import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.db import DatabaseError
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from chameleon.problems import problem
from interventions import tallies
from interventions.lifecycle import Status
from interventions.models import Tally

_METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"})
_requests: Counter[tuple[str, int]] = Counter()
_seconds: defaultdict[str, float] = defaultdict(float)
_started = time.time()


class CountRequests:
    """Counts what this process answers, and how long it took."""

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
        begun = time.perf_counter()
        response: HttpResponseBase = self.get_response(request)
        return _counted(request, response, begun)

    async def _call_async(self, request: HttpRequest) -> HttpResponseBase:
        begun = time.perf_counter()
        return _counted(request, await self.get_response(request), begun)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """For who shows METRICS_TOKEN, or asks from this machine itself."""
    if not (_has_token(request) or _is_here(request)):
        return problem(403, "forbidden", "Send METRICS_TOKEN as a bearer token, or ask from this machine.")
    lines = [*_http(), *_work(), *_process()]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4; charset=utf-8")


def _counted(request: HttpRequest, response: HttpResponseBase, begun: float) -> HttpResponseBase:
    # A client may make up methods; what it makes up must not become series without end.
    method = request.method if request.method in _METHODS else "OTHER"
    _requests[str(method), response.status_code] += 1
    _seconds[str(method)] += time.perf_counter() - begun
    return response


def _has_token(request: HttpRequest) -> bool:
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return bool(settings.METRICS_TOKEN) and secrets.compare_digest(given.encode(), settings.METRICS_TOKEN.encode())


def _is_here(request: HttpRequest) -> bool:
    # Behind a proxy on this machine everybody comes from loopback; the proxy says so.
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def _http() -> Iterator[str]:
    yield from _head("chameleon_http_requests_total", "counter", "Requests answered by this process.")
    for (method, status), count in sorted(_requests.items()):
        yield f'chameleon_http_requests_total{{method="{method}",status="{status}"}} {count}'
    yield from _head("chameleon_http_seconds_total", "counter", "Time spent on them, long polls included.")
    for method, seconds in sorted(_seconds.items()):
        yield f'chameleon_http_seconds_total{{method="{method}"}} {seconds:.6f}'


def _work() -> Iterator[str]:
    try:
        rows = Tally.across_organizations.filter(day=tallies.ALL_TIME).values_list("status").annotate(Sum("count"))
        counts = dict(rows.order_by())
    except DatabaseError:
        counts = None
    yield from _head("chameleon_database_up", "gauge", "Whether the database answers.")
    yield f"chameleon_database_up {int(counts is not None)}"
    if counts is None:
        return
    yield from _head("chameleon_interventions", "gauge", "Interventions of all organizations, by the status stored.")
    for status in Status:
        yield f'chameleon_interventions{{status="{status}"}} {counts.get(status, 0)}'


def _process() -> Iterator[str]:
    yield from _head("process_start_time_seconds", "gauge", "When this process began.")
    yield f"process_start_time_seconds {_started:.3f}"
    times = os.times()
    yield from _head("process_cpu_seconds_total", "counter", "Processor time used.")
    yield f"process_cpu_seconds_total {times.user + times.system:.2f}"
    try:
        with open("/proc/self/statm") as statm:
            pages = int(statm.read().split()[1])
        files = len(os.listdir("/proc/self/fd"))
    except OSError:
        return  # not Linux
    yield from _head("process_resident_memory_bytes", "gauge", "Memory in use.")
    yield f"process_resident_memory_bytes {pages * os.sysconf('SC_PAGE_SIZE')}"
    yield from _head("process_open_fds", "gauge", "Open file descriptors.")
    yield f"process_open_fds {files}"


def _head(name: str, kind: str, help_text: str) -> Iterator[str]:
    yield f"# HELP {name} {help_text}"
    yield f"# TYPE {name} {kind}"
