"""Pages about who is here: a one-time sign-in, where a pilot starts, and what one without an organization sees."""

from typing import Any

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from pilots import invitations
from pilots.addresses import client_address
from pilots.errors import NotAllowed, NotAuthenticated, NotFound, TooMany
from pilots.memberships import deactivated_in, last_used, memberships_of
from pilots.models import Invitation, Pilot
from pilots.sign_in import links, tries


@require_safe
@never_cache
@login_required
def home(request: HttpRequest, path: str = "") -> HttpResponse:
    """To the same page in the organization last used; without a membership a page that says so."""
    membership = last_used(request.user, request.session) if isinstance(request.user, Pilot) else None
    if membership is None:
        shut = deactivated_in(request.user) if isinstance(request.user, Pilot) else []
        return render(request, "pilots/no_organization.html", {"deactivated_in": shut}, status=403)
    query = f"?{request.GET.urlencode()}" if request.GET else ""
    return redirect(f"/o/{membership.organization.slug}/{path}{query}")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_by_link(request: HttpRequest, token: str) -> HttpResponse:
    """Looking asks for a press of the button, so that a mail scanner that follows links does not use it up."""
    try:
        with tries.counted("a link", client_address(request), limit=tries.LOOKS):
            pilot = links.use(token) if request.method == "POST" else links.look(token)
    except NotAuthenticated:
        return render(request, "pilots/sign_in_link.html", {"stands": False}, status=410)
    except TooMany as error:
        return _too_many(request, error)
    if request.method != "POST":
        return render(request, "pilots/sign_in_link.html", {"stands": True})
    if request.user.is_authenticated:
        logout(request)
    record_authentication(request, pilot, "link")
    # The way every sign-in goes: who has set a second factor up is asked for it here too.
    done: HttpResponse = perform_login(
        request, Login(user=pilot, redirect_url="/" if memberships_of(pilot) else "/admin/")
    )
    return done


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Says where it leads; whoever is signed in takes it by pressing the button."""
    pilot = request.user if isinstance(request.user, Pilot) else None
    try:
        with tries.counted("an invitation", client_address(request), NotFound, tries.LOOKS):
            invited = invitations.look(token)
            if request.method == "POST" and pilot is not None:
                membership = invitations.accept(token, pilot)
                return redirect("queue", membership.organization.slug)
    except NotFound as error:
        return render(request, "pilots/invitation_ended.html", {"detail": error.detail}, status=410)
    except NotAllowed as error:
        return render(
            request, "pilots/invitation.html", _invited(invited, pilot) | {"refusal": error.detail}, status=403
        )
    except TooMany as error:
        return _too_many(request, error)
    return render(request, "pilots/invitation.html", _invited(invited, pilot))


def _invited(invitation: Invitation, pilot: Pilot | None) -> dict[str, Any]:
    members = [] if pilot is None else memberships_of(pilot)
    held = [row for row in members if row.organization_id == invitation.organization_id]
    return {"invitation": invitation, "organization": invitation.organization, "held": next(iter(held), None)}


def _too_many(request: HttpRequest, error: TooMany) -> HttpResponse:
    response = render(request, "429.html", status=429)
    response["Retry-After"] = str(error.retry_after)
    return response
