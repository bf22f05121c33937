"""Beside one request: what came before in its unit of work, and similar decisions; a part of its page, or a page."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from interventions import listing
from interventions import related as precedents
from interventions.views.door import full_page, is_part, member, part
from pilots.caller import Caller


@require_safe
@member
def related(request: HttpRequest, caller: Caller, request_id: str) -> HttpResponse:
    row = listing.detail(caller, request_id)
    earlier = precedents.earlier(caller, row)
    context = {"item": row, "earlier": earlier, "similar": precedents.similar(caller, row, besides=earlier)}
    if is_part(request):
        return part(request, caller, "interventions/_related.html", context)
    return full_page(request, caller, "interventions/related.html", context)
