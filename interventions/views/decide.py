"""What a pilot does to an intervention: decide, claim, release, assign, extend, comment; each a form that is posted."""

from contextlib import suppress
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from interventions import actions, listing, wire
from interventions.actions import Seen
from interventions.errors import Conflict
from interventions.lifecycle import OPEN, Status, Type
from interventions.models import Intervention
from interventions.views import answer_form, more_time
from interventions.views.detail import Typed, show
from interventions.views.door import is_part, member, part
from interventions.views.typed import text_of, too_long, unconfirmed
from pilots.caller import Caller
from pilots.errors import InvalidInput


@require_POST
@member
def decide(request: HttpRequest, caller: Caller, request_id: str) -> HttpResponse:
    """Approves or rejects what the pilot saw. A refusal shows the form again, with all that was typed, 409 or 422."""
    posted = request.POST.dict()
    try:
        row = actions.decide(caller, request_id, _verdict(posted), **_given(caller, request_id, posted))
    except Conflict as conflict:
        return _refused(request, caller, request_id, conflict, posted)
    except InvalidInput as error:
        return show(request, caller, request_id, Typed(posted, errors=error.errors or {}), 422)
    _hand_on(caller, row)
    return _done(request, caller, request_id, row)


@require_POST
@member
def claim(request: HttpRequest, caller: Caller, request_id: str) -> HttpResponse:
    try:
        row = actions.claim(caller, request_id, take_over="take_over" in request.POST)
    except Conflict as conflict:
        return _refused(request, caller, request_id, conflict)
    return _done(request, caller, request_id, row)


@require_POST
@member
def renew(request: HttpRequest, caller: Caller, request_id: str) -> HttpResponse:
    """An open page keeps its pilot's claim alive; 409 where it is no longer theirs."""
    row = listing.detail(caller, request_id)
    if row.status != Status.IN_PROGRESS or row.assigned_to != caller.actor:
        return HttpResponse(status=409)
    try:
        actions.claim(caller, request_id)
    except Conflict:
        return HttpResponse(status=409)
    return HttpResponse(status=204)


@require_POST
@member
def release(request: HttpRequest, caller: Caller, request_id: str) -> HttpResponse:
    try:
        row = actions.release(caller, request_id)
    except Conflict as conflict:
        return _refused(request, caller, request_id, conflict)
    return _done(request, caller, request_id, row)


@require_POST
@member
def assign(request: HttpRequest, caller: Caller, request_id: str) -> HttpResponse:
    try:
        actions.assign(caller, request_id, pilot_id=request.POST.get("pilot_id", ""))
    except Conflict as conflict:
        return _refused(request, caller, request_id, conflict)
    except InvalidInput as error:
        return show(request, caller, request_id, Typed(errors=error.errors or {}), 422)
    return _done(request, caller, request_id)


@require_POST
@member
def extend(request: HttpRequest, caller: Caller, request_id: str) -> HttpResponse:
    """More time to decide, counted from the deadline there is; from now where there is none."""
    try:
        seconds = more_time.seconds_from_now(listing.detail(caller, request_id), request.POST.get("more", ""))
        actions.extend(caller, request_id, expires_in_seconds=seconds)
    except Conflict as conflict:
        return _refused(request, caller, request_id, conflict)
    except InvalidInput as error:
        return show(request, caller, request_id, Typed(errors=error.errors or {}), 422)
    return _done(request, caller, request_id)


@require_POST
@member
def comment(request: HttpRequest, caller: Caller, request_id: str) -> HttpResponse:
    text = text_of(request.POST, "text")
    wrong = "Write a note first." if not text.strip() else too_long(text)
    if wrong:
        return show(request, caller, request_id, Typed({"text": text}, {"text": [wrong]}), 422)
    actions.comment(caller, request_id, text=text)
    return _done(request, caller, request_id)


def _hand_on(caller: Caller, row: Intervention) -> None:
    """An approval that others must join ends its giver's work: the claim goes back, or it would keep them out."""
    if row.status == Status.IN_PROGRESS and row.assigned_to == caller.actor:
        # Where its time ran out this very moment there is nothing left to give back.
        with suppress(Conflict):
            actions.release(caller, row.request_id)


def _verdict(posted: dict[str, str]) -> str:
    verdict = posted.get("verdict", "")
    if verdict not in ("approve", "reject"):
        raise InvalidInput.field("verdict", "Choose: approve or reject.")
    return verdict


def _given(caller: Caller, request_id: str, posted: dict[str, str]) -> dict[str, Any]:
    """Reason, answer and what was seen; raises InvalidInput with everything that is wrong with them at once."""
    row = listing.detail(caller, request_id)
    reason = text_of(posted, "action_reason")
    approving = posted["verdict"] == "approve"
    errors: dict[str, list[str]] = {}
    if wrong := too_long(reason):
        errors["action_reason"] = [wrong]
    if approving and row.intervention_type == Type.KILL_SWITCH and (wrong := unconfirmed(posted)):
        errors["confirmation"] = [wrong]
    response = None
    if approving and row.response_schema and row.response is None:
        given = answer_form.read(row.response_schema, posted)
        response, errors = given.answer, errors | given.errors
    if errors:
        raise InvalidInput("The form is not complete.", errors=errors)
    seen = {"reason": reason, "seen": _seen(posted)}
    return seen | {"response": response} if approving else seen


def _seen(posted: dict[str, str]) -> Seen:
    version = posted.get("version", "")
    if not version.isdecimal() or len(version) > 10:
        raise InvalidInput.field("version", "The page is not complete; reload it.")
    # A card shows no content, and names none.
    return Seen(version=int(version), content_hash=posted.get("content_hash"))


def _done(request: HttpRequest, caller: Caller, request_id: str, row: Intervention | None = None) -> HttpResponse:
    """The result, read afresh: the card where a card asked, else the detail; without script its page."""
    if row is not None and _is_from_card(request):
        item = wire.intervention(listing.detail(caller, request_id))
        template = "interventions/_card.html" if item["status"] in OPEN else "interventions/_tombstone.html"
        return part(request, caller, template, {"item": item})
    if is_part(request):
        return show(request, caller, request_id)
    return redirect("detail", caller.organization.slug, request_id)


def _refused(
    request: HttpRequest, caller: Caller, request_id: str, conflict: Conflict, posted: dict[str, str] | None = None
) -> HttpResponse:
    if _is_from_card(request):
        return render(request, "interventions/_refusal.html", {"conflict": conflict}, status=409)
    return show(request, caller, request_id, Typed(posted or {}, conflict=conflict), 409)


def _is_from_card(request: HttpRequest) -> bool:
    """A card in the queue asks with the one form of the page, and takes its card anew, or what became of it."""
    return request.headers.get("HX-Target") == "quick"
