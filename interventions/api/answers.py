"""How operations answer: an intervention, a page of them, events; and who has thereby received a decision."""

import logging
from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse

from interventions import actions, wire
from interventions.lifecycle import ANSWERS
from interventions.listing import Page
from interventions.models import Event, Intervention
from pilots import database
from pilots.caller import Caller
from pilots.operations import Call, answer

logger = logging.getLogger(__name__)


def one(row: Intervention, status: int = 200) -> HttpResponse:
    return answer(wire.intervention(row), status)


def received(call: Call, row: Intervention, status: int = 200) -> HttpResponse:
    """The intervention; an agent that reads its decision here has received it."""
    return note_delivery(call, [row], one(row, status))


def page(call: Call, found: Page[Intervention]) -> HttpResponse:
    results = [wire.intervention(row) for row in found.rows]
    body = {"results": results, "next": _next_address(call.request, found.next)}
    return note_delivery(call, found.rows, answer(body))


def trail(call: Call, found: Page[Event]) -> HttpResponse:
    body = {"results": [wire.event(row) for row in found.rows], "next": _next_address(call.request, found.next)}
    return note_told(call, found.rows, answer(body))


def note_delivery(call: Call, rows: Iterable[Intervention], response: HttpResponse) -> HttpResponse:
    """Records, once the answer is out, that an agent has received the decisions in it."""
    return _after(call, [row.request_id for row in rows if row.status in ANSWERS and not row.delivered_at], response)


def note_told(call: Call, events: Iterable[Event], response: HttpResponse) -> HttpResponse:
    """As `note_delivery`, for events: those that made a status final."""
    return _after(call, [event.request_id for event in events if event.data.get("status") in ANSWERS], response)


def _after(call: Call, request_ids: list[str], response: HttpResponse) -> HttpResponse:
    caller = call.caller
    if request_ids and caller.kind == "key" and call.request.method != "HEAD":
        # Django closes a response when its last byte was handed to the server: nothing here delays the answer.
        response._resource_closers.append(lambda: _record(caller, request_ids))  # type: ignore[attr-defined]
    return response


def _record(caller: Caller, request_ids: list[str]) -> None:
    try:
        # Most reads are not the first: those take no lock.
        rows = Intervention.objects.for_caller(caller).filter(request_id__in=request_ids, delivered_at=None)
        if rows.exists():
            actions.record_delivery(caller, request_ids)
    except Exception:
        # The agent has its answer; that this went unnoted is for the log only. The next read notes it.
        logger.exception("could not record the delivery of %s", ", ".join(request_ids[:5]))
    finally:
        database.give_back()


def _next_address(request: HttpRequest, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    query = request.GET.copy()
    query["cursor"] = cursor
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
