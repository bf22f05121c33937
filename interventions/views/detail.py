"""One intervention: what is asked, its context, the decision form, and what has happened so far."""

from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.views.decorators.http import require_safe

from interventions import canned, listing, policy, wire
from interventions.actions import count_open
from interventions.errors import Conflict
from interventions.facets import Facets
from interventions.lanes import neighbours
from interventions.lifecycle import ANSWERS, FINAL, OPEN, Status, Type, claim_lives, is_past, reason_needed
from interventions.lost_claims import lost_claim
from interventions.models import Event, Intervention
from interventions.views import answer_form, more_time
from interventions.views.door import full_page, is_part, member, part, position
from interventions.views.history import place_in_history
from pilots import database
from pilots.caller import Caller
from pilots.memberships import colleagues
from pilots.models import Membership

# Longer trails show their latest entries; the whole trail is the API's.
MAX_ENTRIES = 200


@dataclass(frozen=True, slots=True)
class Typed:
    """What a form that was refused held: shown again, so that nothing typed is lost."""

    posted: dict[str, str] = field(default_factory=dict)
    errors: dict[str, list[str]] = field(default_factory=dict)
    conflict: Conflict | None = None


NOTHING = Typed()


@require_safe
@member
def detail(request: HttpRequest, caller: Caller, request_id: str) -> HttpResponse:
    return show(request, caller, request_id)


def show(
    request: HttpRequest, caller: Caller, request_id: str, typed: Typed = NOTHING, status: int = 200
) -> HttpResponse:
    """The intervention as it stands now, whole page or pane; read afresh also after a change."""
    here = position(caller)
    row = listing.detail(caller, request_id)
    context = here | _facts(caller, row) | _place(request, caller, row) | _forms(caller, request_id, typed)
    if is_part(request):
        return part(request, caller, "interventions/_detail.html", context, status)
    return full_page(request, caller, "interventions/detail.html", context, status)


def _facts(caller: Caller, row: Intervention) -> dict[str, Any]:
    now = database.now()
    trail = Event.objects.for_caller(caller).filter(request_id=row.request_id).order_by("-seq")[:MAX_ENTRIES]
    claimed = claim_lives(row.status, row.claimed_until, now)
    item = wire.intervention(row)
    events = [wire.event(event) for event in reversed(trail)]
    lapsed_at = item["claimed_until"] if row.status == Status.IN_PROGRESS and not claimed else None
    fields = answer_form.fields_of(row.response_schema) if row.response_schema else []
    return {
        "item": item,
        "events": events,
        "is_open": row.status in OPEN and not is_past(row.expires_at, now),
        "is_past": row.status == Status.EXPIRED or (row.status in OPEN and is_past(row.expires_at, now)),
        "claimant": row.assigned_to if claimed else None,
        "lost_claim": lost_claim(events, caller.actor, lapsed_at),
        "is_taken": claimed and row.assigned_to != caller.actor,
        "may_decide": policy.may(caller, "approve", row.intervention_type, row.required_role),
        "may_claim": policy.may(caller, "claim"),
        "more_time": more_time.choices_for(row) if policy.may(caller, "extend") else [],
        "canned": canned.reasons_of(caller.organization.settings),
        "approved_by_me": caller.actor in {approval["pilot_id"] for approval in item["approvals"]},
        # How many approvals a decision of this reader's leaves to be waited for.
        "still_missing": max(row.approvals_required - len(item["approvals"]) - 1, 0),
        "fields": fields,
        "given": [(field.label, row.response.get(field.key)) for field in fields] if row.response else [],
        "reason_needed": reason_needed(row.intervention_type, Status.APPROVED),
        "typed_word": row.intervention_type == Type.KILL_SWITCH,
        "awaits_answer": row.status in ANSWERS,
        "is_final": row.status in FINAL,
        "related": count_open(caller, row.uow_id, besides=row.request_id),
        "colleagues": _colleagues(caller, row),
    }


def _place(request: HttpRequest, caller: Caller, row: Intervention) -> dict[str, Any]:
    """Where it stands in the list that its reader came from: the way back, and to those before and after it."""
    asked = _asked_from(request)
    if "history" in asked:
        return place_in_history(caller, str(asked.get("history", "")), row)
    facets = Facets.read(asked)
    previous, following = neighbours(caller, facets, row)
    query = facets.query()
    origin = f"?{query}" if query else ""
    back = reverse("queue", args=[caller.organization.slug]) + origin
    return {"facets": facets, "origin": origin, "back": back, "previous": previous, "following": following}


def _asked_from(request: HttpRequest) -> QueryDict:
    """The query of the page's address: of the request itself, or of the page whose form was posted."""
    address = request.headers.get("HX-Current-URL", "") if request.method == "POST" else ""
    return QueryDict(address.partition("?")[2].partition("#")[0]) if address else request.GET


def _forms(caller: Caller, request_id: str, typed: Typed) -> dict[str, Any]:
    """What the forms hold besides the facts."""
    context: dict[str, Any] = {"posted": typed.posted, "errors": typed.errors, "conflict": typed.conflict}
    if typed.posted or typed.errors:
        schema = listing.detail(caller, request_id).response_schema
        if schema:
            context["fields"] = answer_form.fields_of(schema, typed.posted, typed.errors)
    return context


def _colleagues(caller: Caller, row: Intervention) -> list[Membership]:
    """Whom it may be assigned to."""
    if row.status in FINAL or not policy.may(caller, "assign"):
        return []
    return colleagues(caller)
