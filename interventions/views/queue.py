"""The queue: tiles, tabs and four lanes; whole, in part, and "what is new since"."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from interventions.figures import figures_of, last_decision
from interventions.lanes import TABS, lane, lanes
from interventions.lifecycle import Priority
from interventions.models import Event
from interventions.views.door import full_page, is_part, member, part, position
from pilots.caller import Caller
from pilots.errors import InvalidInput


@require_safe
@member
def queue(request: HttpRequest, caller: Caller) -> HttpResponse:
    """The page, or its list alone. 204 where the reader's position is the log's: nothing has happened."""
    here = position(caller)
    if is_part(request) and request.headers.get("X-Position") == f"{here['epoch']}:{here['seq']}":
        return HttpResponse(status=204)
    tab = _tab(request)
    if "after" in request.GET:
        return _rest_of_lane(request, caller, tab)
    figures = figures_of(caller.organization.pk)
    shown = lanes(caller, tab, figures)
    context = here | {"tab": tab, "figures": figures, "lanes": shown, "mine": figures.mine(caller.actor)}
    if not any(lane.cards for lane in shown):
        context |= {"last_decision": last_decision(caller.organization.pk), "is_new": not _has_history(caller)}
    if is_part(request):
        return part(request, caller, "interventions/_queue.html", context)
    return full_page(request, caller, "interventions/queue.html", context)


@require_safe
@member
def without_slash(_request: HttpRequest, caller: Caller) -> HttpResponse:
    return redirect("queue", caller.organization.slug)


def _rest_of_lane(request: HttpRequest, caller: Caller, tab: str) -> HttpResponse:
    """The next page of one lane; without script a page of its own."""
    try:
        priority = Priority.of(request.GET.get("lane", ""))
        found = lane(caller, tab, priority, after=request.GET["after"])
    except (KeyError, InvalidInput):
        return redirect("queue", caller.organization.slug)
    context = {"tab": tab, "lane": found}
    if is_part(request):
        return part(request, caller, "interventions/_cards.html", context)
    return full_page(request, caller, "interventions/lane.html", context)


def _tab(request: HttpRequest) -> str:
    tab = request.GET.get("tab", "all")
    return tab if tab in TABS else "all"


def _has_history(caller: Caller) -> bool:
    return Event.objects.for_caller(caller).exists()
