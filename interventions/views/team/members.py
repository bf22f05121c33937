"""The team's first page: who is in the organization, as what, and who is invited."""

from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from interventions.views.team.page import admins, done, refused, show
from interventions.views.typed import text_of
from pilots import actions, invitations
from pilots.access_log import Party
from pilots.caller import Caller
from pilots.errors import InvalidInput, LastAdmin, NotFound
from pilots.models import Membership
from pilots.roles import Role
from pilots.sign_in import second_factor

PAGE = 50


def _team(request: HttpRequest, caller: Caller) -> HttpResponse:
    return page(request, caller, {})


def page(request: HttpRequest, caller: Caller, more: dict[str, Any], status: int = 200) -> HttpResponse:
    """The tab, a part of the members at a time."""
    sought = text_of(request.GET, "q").strip()[:100]
    after = text_of(request.GET, "after")[:255]
    found = _members(caller, sought)
    rows = list(found.filter(pilot__pilot_id__gt=after)[: PAGE + 1])
    context = {
        "members": _shown(rows[:PAGE]),
        "count": found.count(),
        "sought": sought,
        "next": rows[PAGE - 1].pilot.pilot_id if len(rows) > PAGE else "",
        "invitations": invitations.open_of(caller.organization),
        "roles": list(Role),
        "posted": {"role": Role.OPERATOR.value},
    }
    return show(request, caller, "team", "team", context | more, status)


def _members(caller: Caller, sought: str) -> Any:
    rows = Membership.objects.for_caller(caller).select_related("pilot", "organization").order_by("pilot__pilot_id")
    if not sought:
        return rows
    return rows.filter(
        Q(pilot__pilot_id__icontains=sought) | Q(pilot__name__icontains=sought) | Q(pilot__email__icontains=sought)
    )


def _shown(rows: list[Membership]) -> list[dict[str, Any]]:
    lacking, enrolled = second_factor.lacking(rows), second_factor.enrolled(row.pilot_id for row in rows)
    return [
        {"row": row, "pilot": row.pilot, "lacks_factor": row in lacking, "has_factor": row.pilot_id in enrolled}
        for row in rows
    ]


def _change_role(request: HttpRequest, caller: Caller, pilot_id: str) -> HttpResponse:
    row = _member(caller, pilot_id)
    try:
        role = role_of(request)
        actions.set_role(row.pilot, row.organization, role, by=Party.of(caller))
    except (InvalidInput, LastAdmin) as error:
        return refused(request, caller, "team", error)
    return done(request, caller, "team", f"{row.pilot} is {role.lower()} now.")


def _remove(request: HttpRequest, caller: Caller, pilot_id: str) -> HttpResponse:
    row = _member(caller, pilot_id)
    if request.method != "POST":
        return show(request, caller, "team", "team_remove", {"member": row})
    try:
        actions.remove_member(row.pilot, row.organization, by=Party.of(caller))
    except LastAdmin as error:
        return refused(request, caller, "team", error)
    if row.pilot.pilot_id == caller.actor:
        # Who removes themselves has no team to go back to.
        return HttpResponse(status=302, headers={"Location": reverse("home")})
    return done(request, caller, "team", f"{row.pilot} is out of {caller.organization}.")


def _member(caller: Caller, pilot_id: str) -> Membership:
    rows = Membership.objects.for_caller(caller).select_related("pilot", "organization")
    row = rows.filter(pilot__pilot_id=pilot_id).first()
    if row is None:
        raise NotFound(f"{pilot_id} is not in this organization.")
    return row


def role_of(request: HttpRequest) -> Role:
    """The role that was chosen; raises InvalidInput."""
    try:
        return Role(text_of(request.POST, "role"))
    except ValueError as error:
        raise InvalidInput.field("role", "choose viewer, operator or admin") from error


team = require_safe(admins("read_team", _team))
change_role = require_POST(admins("change_role", _change_role))
remove = admins("remove_member", _remove)
