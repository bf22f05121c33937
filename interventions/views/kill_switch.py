"""The kill switch in the header: an admin stops an instance, whether or not its agent has asked."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from interventions import actions, policy
from interventions.errors import Conflict
from interventions.lifecycle import Type
from interventions.views.door import full_page, is_part, member, part
from interventions.views.typed import text_of, too_long, unconfirmed
from pilots.caller import Caller

FIELDS = ("instance_id", "reason", "confirmation")


@require_http_methods(["GET", "POST"])
@member
def kill_switch(request: HttpRequest, caller: Caller) -> HttpResponse:
    policy.require(caller, "command", Type.KILL_SWITCH)
    if request.method == "GET":
        return _form(request, caller, {})
    posted = {name: text_of(request.POST, name) for name in FIELDS}
    errors = _errors(posted)
    if not errors:
        try:
            return _gone_to(request, caller, _stop(caller, posted))
        except Conflict as conflict:
            errors = {"instance_id": [conflict.detail]}
    return _form(request, caller, {"posted": posted, "errors": errors}, 422)


def _stop(caller: Caller, posted: dict[str, str]) -> str:
    """The request_id of the intervention that tells the agents."""
    instance = posted["instance_id"]
    row = actions.command(
        caller, Type.KILL_SWITCH, instance, reason=posted["reason"], context={"instance_id": instance}
    )
    return row.request_id


def _errors(posted: dict[str, str]) -> dict[str, list[str]]:
    instance, reason = posted["instance_id"], posted["reason"]
    wrong = {
        "instance_id": "" if _is_instance(instance) else "Name the instance: 1 to 255 characters, no slash.",
        "reason": too_long(reason) if reason.strip() else "Say why; it is recorded and the agents read it.",
        "confirmation": unconfirmed(posted),
    }
    return {name: [text] for name, text in wrong.items() if text}


def _is_instance(text: str) -> bool:
    return bool(text.strip()) and len(text) <= 255 and "/" not in text and text.isprintable()


def _form(request: HttpRequest, caller: Caller, context: dict[str, Any], status: int = 200) -> HttpResponse:
    if is_part(request):
        return part(request, caller, "interventions/_kill_switch.html", context, status)
    return full_page(request, caller, "interventions/kill_switch.html", context, status)


def _gone_to(request: HttpRequest, caller: Caller, request_id: str) -> HttpResponse:
    response = redirect("detail", caller.organization.slug, request_id)
    if not is_part(request):
        return response
    return HttpResponse(status=204, headers={"HX-Redirect": response["Location"]})
