"""The organization's settings: its name, and for which roles a second factor is asked. Who joins is the operator's."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from interventions.views.team.page import admins, done, show
from interventions.views.typed import text_of
from pilots import actions
from pilots.access_log import Party
from pilots.caller import Caller
from pilots.errors import InvalidInput
from pilots.models import Membership
from pilots.roles import Role
from pilots.sign_in import joining, second_factor


def _settings(request: HttpRequest, caller: Caller) -> HttpResponse:
    if request.method != "POST":
        posted = {"name": caller.organization.name, "roles": second_factor.required_roles(caller.organization)}
        return _page(request, caller, posted)
    posted = {"name": text_of(request.POST, "name").strip(), "roles": request.POST.getlist("mfa_required_roles")}
    try:
        roles = [Role(role).value for role in posted["roles"]]
        _keep_the_door_open(caller, roles)
        actions.rename_organization(caller.organization, str(posted["name"]), by=Party.of(caller))
        actions.change_settings(caller.organization, {second_factor.REQUIRED_ROLES: roles}, by=Party.of(caller))
    except (InvalidInput, ValueError) as error:
        errors = getattr(error, "errors", None) or {"roles": ["Choose viewer, operator or admin."]}
        return _page(request, caller, posted | {"errors": errors}, 422)
    return done(request, caller, "team_settings", "Saved.")


def _keep_the_door_open(caller: Caller, roles: list[str]) -> None:
    """Whoever asks a factor of admins has one: otherwise the next page would put them out."""
    row = Membership.objects.for_caller(caller).select_related("pilot").get(pilot__pilot_id=caller.actor)
    if row.role in roles and not second_factor.is_enrolled(row.pilot):
        raise InvalidInput.field("roles", "set up a second factor for yourself first, then ask it of your own role")


def _page(request: HttpRequest, caller: Caller, posted: dict[str, Any], status: int = 200) -> HttpResponse:
    context = {"posted": posted, "errors": posted.get("errors", {}), "roles": list(Role)}
    return show(
        request,
        caller,
        "team_settings",
        "settings",
        context | {"joining": joining.rules_of(caller.organization)},
        status,
    )


rules = require_http_methods(["GET", "HEAD", "POST"])(admins("change_settings", _settings))
