"""The organization's settings: its name, of whom a second factor is asked, which reasons stand ready, how long it keeps
what was decided. Who joins is the operator's."""

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.views.decorators.http import require_http_methods

from interventions import canned, retention
from interventions.views.team.page import admins, done, show
from interventions.views.typed import text_of
from pilots import actions
from pilots.access_log import Party
from pilots.caller import Caller
from pilots.errors import InvalidInput
from pilots.models import Membership, Organization
from pilots.roles import Role
from pilots.sign_in import joining, second_factor


def _settings(request: HttpRequest, caller: Caller) -> HttpResponse:
    if request.method != "POST":
        return _page(request, caller, _standing(caller.organization))
    posted = _posted(request.POST)
    try:
        changes = _changes(posted)
        _keep_the_door_open(caller, changes[second_factor.REQUIRED_ROLES])
        _write(caller, posted["name"], changes)
    except InvalidInput as error:
        return _page(request, caller, posted | {"errors": error.errors or {}}, 422)
    return done(request, caller, "team_settings", "Saved.")


def _standing(organization: Organization) -> dict[str, Any]:
    reasons = canned.reasons_of(organization.settings)
    texts = {verdict: "\n".join(reasons[verdict]) for verdict in canned.VERDICTS}
    standing = {"name": organization.name, "roles": second_factor.required_roles(organization), "canned": texts}
    return standing | {retention.SETTING: str(retention.days_of(organization.settings) or "")}


def _posted(posted: QueryDict) -> dict[str, Any]:
    texts = {verdict: text_of(posted, verdict) for verdict in canned.VERDICTS if verdict in posted}
    given = {"name": text_of(posted, "name").strip(), "roles": posted.getlist("mfa_required_roles"), "canned": texts}
    if retention.SETTING in posted:
        given[retention.SETTING] = text_of(posted, retention.SETTING).strip()
    return given


def _changes(posted: dict[str, Any]) -> dict[str, Any]:
    """The settings that were sent; raises InvalidInput naming what is wrong with each."""
    errors: dict[str, list[str]] = {}
    changes: dict[str, Any] = {}
    if not set(posted["roles"]) <= set(Role):
        errors["roles"] = ["Choose viewer, operator or admin."]
    else:
        changes[second_factor.REQUIRED_ROLES] = [Role(role).value for role in posted["roles"]]
    reasons: canned.Reasons = {}
    for verdict, text in posted["canned"].items():
        try:
            reasons[verdict] = canned.read(verdict, text)
        except InvalidInput as error:
            errors |= error.errors or {}
    if retention.SETTING in posted:
        try:
            changes[retention.SETTING] = retention.read(posted[retention.SETTING])
        except InvalidInput as error:
            errors |= error.errors or {}
    if errors:
        raise InvalidInput("Some of it cannot be saved.", errors=errors)
    return changes | ({canned.SETTING: reasons} if reasons else {})


def _write(caller: Caller, name: str, changes: dict[str, Any]) -> None:
    """What equals the reasons everybody starts with is not stored: such an organization gets better ones with us."""
    without: list[str] = []
    if retention.SETTING in changes and changes[retention.SETTING] is None:
        del changes[retention.SETTING]
        without.append(retention.SETTING)
    if sent := changes.pop(canned.SETTING, None):
        reasons = canned.reasons_of(caller.organization.settings) | sent
        if reasons == canned.reasons_of({}):
            without.append(canned.SETTING)
        else:
            changes[canned.SETTING] = reasons
    actions.rename_organization(caller.organization, name, by=Party.of(caller))
    actions.change_settings(caller.organization, changes, without=without, by=Party.of(caller))


def _keep_the_door_open(caller: Caller, roles: list[str]) -> None:
    """Whoever asks a factor of admins has one: otherwise the next page would put them out."""
    row = Membership.objects.for_caller(caller).select_related("pilot").get(pilot__pilot_id=caller.actor)
    if row.role in roles and not second_factor.is_enrolled(row.pilot):
        raise InvalidInput.field("roles", "set up a second factor for yourself first, then ask it of your own role")


def _page(request: HttpRequest, caller: Caller, posted: dict[str, Any], status: int = 200) -> HttpResponse:
    context = {"posted": posted, "errors": posted.get("errors", {}), "roles": list(Role)}
    context |= {"max_reasons": canned.MAX_REASONS, "max_length": canned.MAX_LENGTH, "min_days": retention.MIN_DAYS}
    return show(
        request,
        caller,
        "team_settings",
        "settings",
        context | {"joining": joining.rules_of(caller.organization)},
        status,
    )


rules = require_http_methods(["GET", "HEAD", "POST"])(admins("change_settings", _settings))
