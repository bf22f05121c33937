"""What a monitoring system reads at /metrics: requests, waiting work and the process, as Prometheus text."""

import ipaddress
import secrets
import time
from collections.abc import Iterator

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from chameleon.middleware import AroundResponse
from chameleon.problems import problem
from interventions import tallies
from interventions.lifecycle import Status
from interventions.models import Tally

_BEGUN = "chameleon.begun"
_METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"})
REQUESTS = Counter("chameleon_http_requests", "Requests answered by this process.", ["method", "status"])
SECONDS = Counter("chameleon_http_seconds", "Time spent on them, long polls included.", ["method"])


class CountRequests(AroundResponse):
    """Counts what this process answers, and how long it took."""

    def before(self, request: HttpRequest) -> None:
        request.META[_BEGUN] = time.perf_counter()

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        return _counted(request, response, request.META[_BEGUN])


class Work(Collector):
    """What waits and what was done, read from the tallies when it is asked for."""

    def describe(self) -> list[Metric]:
        # Says that there is nothing to ask the database while the collector is registered.
        return []

    def collect(self) -> Iterator[Metric]:
        try:
            rows = Tally.across_organizations.filter(day=tallies.ALL_TIME).values_list("status").annotate(Sum("count"))
            counts = dict(rows.order_by())
        except DatabaseError:
            yield GaugeMetricFamily("chameleon_database_up", "Whether the database answers.", value=0)
            return
        yield GaugeMetricFamily("chameleon_database_up", "Whether the database answers.", value=1)
        text = "Interventions of all organizations, by the status stored."
        waiting = GaugeMetricFamily("chameleon_interventions", text, labels=["status"])
        for status in Status:
            waiting.add_metric([status.value], counts.get(status.value, 0))
        yield waiting


REGISTRY.register(Work())


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """For who shows METRICS_TOKEN, or asks from this machine itself."""
    if not (_has_token(request) or _is_here(request)):
        return problem(403, "forbidden", "Send METRICS_TOKEN as a bearer token, or ask from this machine.")
    return HttpResponse(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)


def _counted(request: HttpRequest, response: HttpResponseBase, begun: float) -> HttpResponseBase:
    # A client may make up methods; what it makes up must not become series without end.
    method = str(request.method) if request.method in _METHODS else "OTHER"
    REQUESTS.labels(method, str(response.status_code)).inc()
    SECONDS.labels(method).inc(time.perf_counter() - begun)
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
