"""What every page does first and last: who is asking, in which organization, and an answer nobody else may keep."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers

from interventions.events import stream_of
from interventions.facets import Facets
from interventions.figures import figures_of
from pilots.caller import Caller
from pilots.errors import NotAllowed, NotFound
from pilots.memberships import choose, memberships_of, remember
from pilots.models import Pilot
from pilots.sign_in import second_factor, sessions
from pilots.tenancy import acting_in

type PageView[**Rest] = Callable[Concatenate[HttpRequest, Caller, Rest], HttpResponseBase]


def member[**Rest](view: PageView[Rest]) -> Callable[..., HttpResponseBase]:
    """Gives the view its Caller. Another's organization is 404, no session leads to sign-in, a refusal is 403."""

    @wraps(view)
    def guarded(request: HttpRequest, slug: str, *args: Rest.args, **kwargs: Rest.kwargs) -> HttpResponseBase:
        _require_text(request)
        if not isinstance(request.user, Pilot) or _is_anothers_page(request, request.user):
            return signed_out(request)
        try:
            membership = choose(request.user, slug)
            sessions.seen(request)
            if second_factor.is_missing(membership):
                return to_second_factor(request)
            remember(request.session, membership)
            caller = Caller.of_pilot(membership, credential=f"session:{request.session.session_key}")
            with acting_in(caller.organization.pk):
                return private(view(request, caller, *args, **kwargs))
        except NotFound as error:
            raise Http404(error.detail) from error
        except NotAllowed as error:
            raise PermissionDenied(error.detail) from error

    return guarded


def signed_out(request: HttpRequest) -> HttpResponse:
    """Sign-in for a page; for a part of one a bare 401, at which the page opens its dialog."""
    back = request.get_full_path() if request.method == "GET" else request.headers.get("Referer", "/")
    return private(HttpResponse(status=401)) if is_part(request) else redirect_to_login(back)


def to_second_factor(request: HttpRequest) -> HttpResponse:
    """Where this role needs a second factor and the pilot has none, every page leads to where one is set up.

    An open page asks what is wrong, and says so in its dialog: what is typed there stays.
    """
    return private(HttpResponse(status=401) if is_part(request) else redirect("mfa_index"))


def is_part(request: HttpRequest) -> bool:
    """True where the page's own script asks and takes a fragment."""
    return request.headers.get("HX-Request") == "true"


def full_page(
    request: HttpRequest, caller: Caller, template: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    """A whole page in the frame, which knows the pilot, the organization and the pilot's other organizations."""
    frame = {
        "caller": caller,
        "organizations": [row.organization for row in memberships_of(_pilot(request))],
        "figures": context.get("figures") or figures_of(caller.organization.pk),
    }
    return render(request, template, base_context(caller) | frame | context, status=status)


def part(
    request: HttpRequest, caller: Caller, template: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    """A fragment for a page that is open already."""
    return render(request, template, base_context(caller) | context, status=status)


def base_context(caller: Caller) -> dict[str, Any]:
    return {
        "caller": caller,
        "base": reverse("queue", args=[caller.organization.slug]),
        "role": caller.role,
        "me": caller.actor,
        "facets": Facets(),
    }


def position(caller: Caller) -> dict[str, Any]:
    """Where in the log a page stands. Read before its rows: what happens in between is told twice, never lost."""
    stream = stream_of(caller.organization.pk)
    return {"seq": stream.last_seq, "epoch": stream.epoch}


def private[Response: HttpResponseBase](response: Response) -> Response:
    response["Cache-Control"] = "no-store"
    patch_vary_headers(response, ["HX-Request"])
    return response


def _require_text(request: HttpRequest) -> None:
    """Refuses NUL, which PostgreSQL cannot hold; no browser sends it, from no field."""
    fields = [text for query in (request.GET, request.POST) for _, texts in query.lists() for text in texts]
    if any("\x00" in text for text in (request.path, *fields)):
        raise BadRequest("a text contains the NUL character")


def _is_anothers_page(request: HttpRequest, pilot: Pilot) -> bool:
    """True where somebody else has signed in since the page was opened: nothing on it is done in their name."""
    return request.headers.get("X-Pilot", pilot.pilot_id) != pilot.pilot_id


def _pilot(request: HttpRequest) -> Pilot:
    if not isinstance(request.user, Pilot):
        raise PermissionDenied
    return request.user
