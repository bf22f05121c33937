"""One verb on all the requests a pilot has selected: asked once more, then done, with a result for each."""

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from interventions import actions, policy
from interventions.actions import Result, Seen
from interventions.lifecycle import OPEN, Priority, Status, Type, reason_needed
from interventions.models import Intervention
from interventions.views.door import full_page, is_part, member, part
from interventions.views.typed import text_of, too_long
from pilots.caller import Caller

PAST = {"claim": "claimed", "approve": "approved", "reject": "rejected"}
MOST = 200
_ONE_BY_ONE = "one_by_one"
# Why one of them stayed as it was; what has to say more about the request is said by the template.
REASONS = {
    _ONE_BY_ONE: "Critical requests and stops are approved one by one, on their own page.",
    "expired": "Its time to decide had run out.",
    "version_mismatch": "It changed while you decided; look at it again.",
    "response_required": "It asks for an answer; approve it on its own page.",
    "reason_required": "It cannot be decided without a reason.",
    "forbidden": "Deciding it needs an admin.",
    "not_found": "There is no such request any more.",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One selected request, with what became of it; `why` is '' where it was done."""

    request_id: str
    row: Intervention | None
    version: int | None = None
    result: Result | None = None
    why: str = ""

    @property
    def title(self) -> str:
        return self.row.title if self.row else self.request_id

    @property
    def is_open(self) -> bool:
        return self.row is not None and self.row.status in OPEN


@require_POST
@member
def bulk(request: HttpRequest, caller: Caller) -> HttpResponse:
    """Claims at once; approving and rejecting is asked once more first, and for a reason."""
    policy.require(caller, "claim")
    verb = request.POST.get("verb", "")
    if verb not in PAST:
        raise BadRequest("verb: one of claim, approve, reject")
    seen = _selected(request)
    rows = _rows(caller, seen)
    reason = text_of(request.POST, "action_reason")
    wrong = _wrong(verb, reason, rows, request.POST.get("confirmed", "")) if seen else "Select one request at least."
    if wrong is not None:
        asked = _asked(verb, seen, rows) | {"reason": reason, "error": wrong}
        return _show(request, caller, "interventions/_bulk_ask.html", asked, 422 if wrong else 200)
    results = _do(caller, verb, seen, rows, reason or None)
    told = _told(results, _rows(caller, seen))
    done = sum(not line.why for line in told)
    context = {"verb": verb, "past": PAST[verb], "lines": told, "done": done}
    return _show(request, caller, "interventions/_bulk_done.html", context)


def _selected(request: HttpRequest) -> dict[str, Seen]:
    """What the pilot had before their eyes, by request_id: each is posted as `<request_id>@<version>`."""
    seen = {}
    for posted in request.POST.getlist("selected"):
        request_id, _, version = posted.rpartition("@")
        if not request_id or not (version.isascii() and version.isdecimal()) or len(version) > 10:
            raise BadRequest("selected: request_id@version")
        seen[request_id] = Seen(version=int(version))
    if len(seen) > MOST:
        raise BadRequest(f"selected: at most {MOST}")
    return seen


def _rows(caller: Caller, seen: dict[str, Seen]) -> dict[str, Intervention]:
    found = Intervention.objects.for_caller(caller).filter(request_id__in=list(seen))
    columns = ("request_id", "title", "priority", "intervention_type", "status", "assigned_to", "decided_by")
    return {row.request_id: row for row in found.only(*columns, "organization_id")}


def _wrong(verb: str, reason: str, rows: dict[str, Intervention], confirmed: str) -> str | None:
    """What keeps it from being done: '' where it has only to be confirmed, None where nothing does."""
    if verb == "claim":
        return None
    if not confirmed:
        return ""
    if wrong := too_long(reason):
        return wrong
    return "Say why; the agents read it." if not reason.strip() and _needs_reason(verb, rows) else None


def _needs_reason(verb: str, rows: dict[str, Intervention]) -> bool:
    if verb == "reject":
        return True
    return any(reason_needed(row.intervention_type, Status.APPROVED) for row in rows.values() if not _is_apart(row))


def _is_apart(row: Intervention) -> bool:
    """Too grave to be approved among others: a person looks at each of these."""
    return row.priority == Priority.CRITICAL or row.intervention_type == Type.KILL_SWITCH


def _do(
    caller: Caller, verb: str, seen: dict[str, Seen], rows: dict[str, Intervention], reason: str | None
) -> list[Result]:
    if verb == "claim":
        return actions.claim_many(caller, list(seen))
    apart = {request_id for request_id, row in rows.items() if verb == "approve" and _is_apart(row)}
    together = [request_id for request_id in seen if request_id not in apart]
    results = {
        result.request_id: result for result in actions.decide_many(caller, together, verb, reason=reason, seen=seen)
    }
    return [results.get(request_id) or Result(request_id, rows[request_id].status, _ONE_BY_ONE) for request_id in seen]


def _asked(verb: str, seen: dict[str, Seen], rows: dict[str, Intervention]) -> dict[str, Any]:
    """What is about to be done to which, and to which it will not be."""
    apart = {key for key, row in rows.items() if verb == "approve" and _is_apart(row)}
    lines = [
        Line(key, rows.get(key), one.version, why=REASONS[_ONE_BY_ONE] if key in apart else "")
        for key, one in seen.items()
    ]
    return {
        "verb": verb,
        "lines": lines,
        "together": len(lines) - len(apart),
        "needs_reason": _needs_reason(verb, rows),
    }


def _told(results: list[Result], rows: dict[str, Intervention]) -> list[Line]:
    """Each with the state it has now and, where nothing was done, why."""
    known = [(result, rows.get(result.request_id)) for result in results]
    return [Line(result.request_id, row, result=result, why=_why(result, row)) for result, row in known]


def _why(result: Result, row: Intervention | None) -> str:
    if result.code is None:
        return ""
    if result.code == "claimed" and row is not None and row.status in OPEN:
        return "claimed"
    return REASONS.get(result.code, "decided" if row is not None and row.status not in OPEN else "It was refused.")


def _show(
    request: HttpRequest, caller: Caller, template: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    if is_part(request):
        return part(request, caller, template, context, status)
    return full_page(request, caller, "interventions/bulk.html", context | {"template": template}, status)
