"""The team's first page: who is in the organization, as what, and who is invited."""

from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST, require_safe

from interventions.views.team.page import admins, done, refused, show
from interventions.views.typed import text_of
from pilots import actions, database, duty, invitations
from pilots.access_log import Party
from pilots.caller import Caller
from pilots.errors import InvalidInput, LastAdmin, NotFound
from pilots.memberships import last_seen
from pilots.models import Membership
from pilots.roles import Role
from pilots.sign_in import second_factor
from pilots.wire import moment

PAGE = 50
STATES = {
    "active": ("active", Q(deactivated_at=None, pilot__is_active=True)),
    "deactivated": ("deactivated", ~Q(deactivated_at=None, pilot__is_active=True)),
}


def _team(request: HttpRequest, caller: Caller) -> HttpResponse:
    return page(request, caller, {})


def page(request: HttpRequest, caller: Caller, more: dict[str, Any], status: int = 200) -> HttpResponse:
    """The tab, a part of the members at a time."""
    narrowing = {name: text_of(request.GET, name).strip()[:100] for name in ("q", "role", "state")}
    after = text_of(request.GET, "after")[:255]
    found = _members(caller, **narrowing)
    rows = list(found.filter(pilot__pilot_id__gt=after)[: PAGE + 1])
    onward = ""
    if len(rows) > PAGE:
        following = narrowing | {"after": rows[PAGE - 1].pilot.pilot_id}
        onward = urlencode({name: value for name, value in following.items() if value})
    context = {
        "members": _shown(caller, rows[:PAGE]),
        "count": found.count(),
        "narrowing": narrowing,
        "is_narrow": any(narrowing.values()),
        "states": STATES,
        "next": onward,
        "invitations": invitations.open_of(caller.organization),
        "roles": list(Role),
        "posted": {"role": Role.OPERATOR.value},
    }
    return show(request, caller, "team", "team", context | more, status)


def _members(caller: Caller, *, q: str, role: str, state: str) -> Any:
    """Nobody, where the address asks for a role or state that there is not."""
    rows = Membership.objects.and_deactivated().for_caller(caller).select_related("pilot", "organization")
    if role:
        rows = rows.filter(role=role)
    if state:
        rows = rows.filter(STATES[state][1]) if state in STATES else rows.none()
    if q:
        rows = rows.filter(Q(pilot__pilot_id__icontains=q) | Q(pilot__name__icontains=q) | Q(pilot__email__icontains=q))
    return rows.order_by("pilot__pilot_id")


def _shown(caller: Caller, rows: list[Membership]) -> list[dict[str, Any]]:
    lacking, enrolled = second_factor.lacking(rows), second_factor.enrolled(row.pilot_id for row in rows)
    seen, now = last_seen(caller.organization, rows), database.now()
    return [
        {
            "row": row,
            "pilot": row.pilot,
            "is_away": row.deactivated_at is not None or not row.pilot.is_active,
            "lacks_factor": row in lacking,
            "has_factor": row.pilot_id in enrolled,
            "seen": moment(seen[row.pilot_id]),
            "duty": duty.state(row.pilot, now),
        }
        for row in rows
    ]


def _change_role(request: HttpRequest, caller: Caller, pilot_id: str) -> HttpResponse:
    row = member_of(caller, pilot_id)
    try:
        role = role_of(request)
        actions.set_role(row.pilot, row.organization, role, by=Party.of(caller))
    except (InvalidInput, LastAdmin) as error:
        return refused(request, caller, "team", error)
    return done(request, caller, "team", f"{row.pilot} is {role.lower()} now.")


def member_of(caller: Caller, pilot_id: str) -> Membership:
    """One of the organization's own, deactivated or not; raises NotFound."""
    rows = Membership.objects.and_deactivated().for_caller(caller).select_related("pilot", "organization")
    row: Membership | None = rows.filter(pilot__pilot_id=pilot_id).first()
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
