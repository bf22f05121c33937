"""The history: what was decided, narrowed as the address says; as a page, a part of it, and as a file."""

from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_safe

from interventions import history as past
from interventions import history_export, wire
from interventions.history_filters import OUTCOMES, UTC_NAME, HistoryFilters
from interventions.lifecycle import Type
from interventions.live.database import in_organization
from interventions.models import Intervention
from interventions.views.door import full_page, is_part, member, part, position
from pilots import database, replica
from pilots.caller import Caller
from pilots.errors import InvalidInput

PERIODS = {"": "All time", "24h": "24 hours", "7d": "7 days", "30d": "30 days"}
# Said where a filter cannot be meant; htmx shows such an answer, as it does those of forms.
CANNOT_BE_MEANT = 422


@require_safe
@member
def history(request: HttpRequest, caller: Caller) -> HttpResponse:
    """The page, or its form and list alone. 204 where the reader's position is the log's: nothing has happened."""
    filters = HistoryFilters.read(request.GET)
    with replica.reading():
        here = position(caller)
        if is_part(request) and request.headers.get("X-Position") == f"{here['epoch']}:{here['seq']}":
            return HttpResponse(status=204)
        if "" in request.GET.values():
            # A form sends each of its fields; an address that is kept or sent on is short.
            return redirect(_address(caller, filters))
        if problems := filters.problems():
            return _refused(request, caller, here, filters, problems)
        try:
            page = past.history_page(caller, filters, after=request.GET.get("after"))
        except InvalidInput:
            return redirect(_address(caller, filters))
        context = here | _form(request, caller, filters) | {"page": page}
    return _shown(request, caller, context | {"as_of": wire.moment(past.lacking_since(caller, here["seq"]))})


@require_GET
@member
def export(request: HttpRequest, caller: Caller, form: str) -> HttpResponseBase:
    """What the address narrows the history to, all of it, as a file."""
    filters = HistoryFilters.read(request.GET)
    problems = filters.problems()
    if problems:
        return _refused(request, caller, position(caller), filters, problems)
    chunks = history_export.export(caller, filters, form)
    name = f"{caller.organization.slug}-history-{database.now():%Y-%m-%d}.{form}"
    return StreamingHttpResponse(
        _streamed(caller.organization.pk, chunks),
        content_type=history_export.KINDS[form],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _streamed(organization_id: int, chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Each chunk is read in a thread when the one before it is sent, so neither a thread nor a connection waits for
    a slow reader; nor is a step read for one that has gone. The page's own `acting_in` has ended by then; this one goes
    with each step."""
    while (chunk := await in_organization(organization_id, _next, chunks)) is not None:
        yield chunk


def _next(chunks: Iterator[bytes]) -> bytes | None:
    with replica.reading():
        return next(chunks, None)


def place_in_history(caller: Caller, query: str, row: Intervention) -> dict[str, Any]:
    """For the page of a request that was opened from the history as `query` narrows it: the way back there."""
    asked = QueryDict(query)
    filters = HistoryFilters.read(asked)
    previous, following = (None, None) if filters.problems() else past.neighbours(caller, filters, row)
    here = asked.urlencode()
    return {
        "origin": f"?{urlencode({'history': here})}",
        "back": reverse("history", args=[caller.organization.slug]) + (f"?{here}" if here else ""),
        "section": "history",
        "previous": previous,
        "following": following,
    }


def _refused(
    request: HttpRequest, caller: Caller, here: dict[str, Any], filters: HistoryFilters, problems: dict[str, str]
) -> HttpResponse:
    context = here | _form(request, caller, filters) | {"page": None, "problems": problems}
    return _shown(request, caller, context, CANNOT_BE_MEANT)


def _shown(request: HttpRequest, caller: Caller, context: dict[str, Any], status: int = 200) -> HttpResponse:
    if is_part(request):
        return part(request, caller, "history/_history.html", context, status)
    return full_page(request, caller, "history/history.html", context, status)


def _form(request: HttpRequest, caller: Caller, filters: HistoryFilters) -> dict[str, Any]:
    """What the filters offer; what the address names already is always among it."""
    after = request.GET.get("after")
    here = filters.query(**({"after": after} if after else {}))
    zone = filters.zone or getattr(request.user, "timezone", "") or UTC_NAME
    return {
        "filters": filters,
        "is_first": after is None,
        # Added to the address of each request: with it the way back leads here.
        "from_here": urlencode({"history": here}),
        "section": "history",
        "zone": zone,
        "periods": PERIODS,
        "outcomes": list(OUTCOMES),
        "types": list(Type),
        "people": past.people_offered(caller, filters.actor),
        "tags": past.tags_offered(caller),
    }


def _address(caller: Caller, filters: HistoryFilters) -> str:
    address, query = reverse("history", args=[caller.organization.slug]), filters.query()
    return f"{address}?{query}" if query else address
