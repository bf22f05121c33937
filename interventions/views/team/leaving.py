"""Members who shall not get in any more, for now or for good: told once more what it ends; and the way back."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from interventions.actions.claiming import count_in_hands_of
from interventions.views.team.members import member_of
from interventions.views.team.page import admins, done, refused, show
from pilots import actions, deactivating
from pilots.access_log import Party
from pilots.caller import Caller
from pilots.errors import LastAdmin, NotAllowed
from pilots.models import Membership


def _remove(request: HttpRequest, caller: Caller, pilot_id: str) -> HttpResponse:
    row = member_of(caller, pilot_id)
    if request.method != "POST":
        return show(request, caller, "team", "team_remove", _ending(row))
    try:
        actions.remove_member(row.pilot, row.organization, by=Party.of(caller))
    except LastAdmin as error:
        return refused(request, caller, "team", error)
    if row.pilot.pilot_id == caller.actor:
        # Who removes themselves has no team to go back to.
        return HttpResponse(status=302, headers={"Location": reverse("home")})
    return done(request, caller, "team", f"{row.pilot} is out of {caller.organization}.")


def _deactivate(request: HttpRequest, caller: Caller, pilot_id: str) -> HttpResponse:
    row = member_of(caller, pilot_id)
    if request.method != "POST":
        return show(request, caller, "team", "team_deactivate", _ending(row) | {"refusal": _refusal(caller, row)})
    released = count_in_hands_of(row.organization, pilot_id)
    try:
        ended = deactivating.deactivate(row.pilot, row.organization, by=Party.of(caller))
    except (LastAdmin, NotAllowed) as error:
        return refused(request, caller, "team", LastAdmin(error.detail))
    if not ended:
        return done(request, caller, "team", f"{row.pilot} was deactivated already.")
    claims = "1 request goes" if released == 1 else f"{released} requests go"
    return done(request, caller, "team", f"{row.pilot} is deactivated. {claims} back to everybody.")


def _reactivate(request: HttpRequest, caller: Caller, pilot_id: str) -> HttpResponse:
    row = member_of(caller, pilot_id)
    if request.method != "POST":
        return show(request, caller, "team", "team_reactivate", {"member": row})
    if not deactivating.reactivate(row.pilot, row.organization, by=Party.of(caller)):
        return done(request, caller, "team", f"{row.pilot} was not deactivated here.")
    return done(request, caller, "team", f"{row.pilot} can sign in here again, as {row.role.lower()}.")


def _ending(row: Membership) -> dict[str, Any]:
    held = deactivating.holdings(row.pilot, row.organization)
    return {"member": row, "held": held, "claims": count_in_hands_of(row.organization, row.pilot.pilot_id)}


def _refusal(caller: Caller, row: Membership) -> str:
    """Why it will not be done, said before it is tried; what decides is asked again when it is."""
    try:
        deactivating.require_deactivable(row, by=Party.of(caller))
    except (LastAdmin, NotAllowed) as error:
        return error.detail
    return "" if row.deactivated_at is None else f"{row.pilot} is deactivated already."


_methods = require_http_methods(["GET", "HEAD", "POST"])
remove = _methods(admins("remove_member", _remove))
deactivate = _methods(admins("deactivate_member", _deactivate))
reactivate = _methods(admins("deactivate_member", _reactivate))
