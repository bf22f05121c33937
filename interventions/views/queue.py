"""The queue: tiles, tabs, facets and four lanes; whole, in part, "what is new since", and "what comes next"."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from interventions.facets import Facets
from interventions.figures import Figures, figures_of, last_decision
from interventions.lanes import lane, lanes, most_urgent_unclaimed, tags_offered
from interventions.lifecycle import Priority, Type
from interventions.views.door import full_page, is_part, member, part, position
from pilots.caller import Caller
from pilots.errors import InvalidInput
from pilots.memberships import colleagues
from pilots.roles import Role


@require_safe
@member
def queue(request: HttpRequest, caller: Caller) -> HttpResponse:
    """The page, or its list alone. 204 where the reader's position is the log's: nothing has happened."""
    here = position(caller)
    if is_part(request) and request.headers.get("X-Position") == f"{here['epoch']}:{here['seq']}":
        return HttpResponse(status=204)
    facets = Facets.read(request.GET)
    if "after" in request.GET:
        return _rest_of_lane(request, caller, facets)
    figures = figures_of(caller.organization.pk)
    context = here | _list(caller, facets, figures) | _choices(caller, facets) | {"is_new": here["seq"] == 0}
    if is_part(request):
        return part(request, caller, "interventions/_queue.html", context)
    return full_page(request, caller, "interventions/queue.html", context)


@require_safe
@member
def without_slash(_request: HttpRequest, caller: Caller) -> HttpResponse:
    return redirect("queue", caller.organization.slug)


@require_safe
@member
def unclaimed(request: HttpRequest, caller: Caller) -> HttpResponse:
    """Leads to the most urgent request that nobody has taken, or else to the queue. A part of a page is told where."""
    facets = Facets.read(request.GET)
    request_id = most_urgent_unclaimed(caller, facets, besides=request.GET.get("besides", ""))
    slug = caller.organization.slug
    address = reverse("detail", args=[slug, request_id]) if request_id else reverse("queue", args=[slug])
    query = facets.query()
    address = f"{address}?{query}" if query else address
    return HttpResponse(status=204, headers={"Location": address}) if is_part(request) else redirect(address)


def _list(caller: Caller, facets: Facets, figures: Figures) -> dict[str, Any]:
    shown = lanes(caller, facets, figures)
    context = {"facets": facets, "figures": figures, "lanes": shown, "mine": figures.mine(caller.actor)}
    if not any(lane.cards for lane in shown):
        context["last_decision"] = last_decision(caller.organization.pk)
    return context


def _choices(caller: Caller, facets: Facets) -> dict[str, Any]:
    """What the facets offer; what the address names already is always among it."""
    people = {row.pilot.pilot_id: str(row.pilot) for row in colleagues(caller)}
    if facets.assignee:
        people.setdefault(facets.assignee, facets.assignee)
    tags = tags_offered(caller)
    return {
        "types": list(Type),
        "roles": [Role.OPERATOR, Role.ADMIN],
        "tags": tags if not facets.tag or facets.tag in tags else [facets.tag, *tags],
        "people": people,
    }


def _rest_of_lane(request: HttpRequest, caller: Caller, facets: Facets) -> HttpResponse:
    """The next page of one lane; without script a page of its own."""
    try:
        priority = Priority.of(request.GET.get("lane", ""))
        found = lane(caller, facets, priority, after=request.GET["after"])
    except (KeyError, InvalidInput):
        return redirect("queue", caller.organization.slug)
    context = {"facets": facets, "lane": found}
    if is_part(request):
        return part(request, caller, "interventions/_cards.html", context)
    return full_page(request, caller, "interventions/lane.html", context)
