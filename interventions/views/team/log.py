"""The access log of the organization, newest first: who came in, who was let in, and what they were let do."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from interventions import audits
from interventions.views.door import is_part, part
from interventions.views.team.page import admins, show
from interventions.views.typed import text_of
from pilots import access_log
from pilots.access_filters import TYPES, AccessFilters
from pilots.caller import Caller

PAGE = 50
TAB = "team_log"
# One request walks so much of a log and no further: a second or so, whatever the log's length.
STEP = 5_000
CHAINS = {audits.ACCESS: "Access log", audits.RECORD: "Record of requests"}


def _log(request: HttpRequest, caller: Caller) -> HttpResponse:
    filters = AccessFilters.read(request.GET)
    if "" in request.GET.values():
        # A form sends each of its fields; an address that is kept or sent on is short.
        query = filters.query()
        return redirect(reverse(TAB, args=[caller.organization.slug]) + (f"?{query}" if query else ""))
    problems = filters.problems()
    position = _position(text_of(request.GET, "before"))
    rows = [] if problems else access_log.newest(caller.organization, PAGE + 1, position, filters)
    older = filters.query(before=str(rows[PAGE - 1].seq)) if len(rows) > PAGE else ""
    context = {
        "entries": [(row, _details(row.data)) for row in rows[:PAGE]],
        "older": older,
        "position": position,
        "filters": filters,
        "newest": filters.query(),
        "problems": problems,
        "types": TYPES,
        "chains": _chains(caller),
    }
    return show(request, caller, TAB, "log", context, 422 if problems else 200)


def _verify(request: HttpRequest, caller: Caller, chain: str) -> HttpResponse:
    # The address stays in the browser's bar without script: whoever opens it again finds the log.
    if request.method != "POST" or chain not in CHAINS:
        return redirect(TAB, caller.organization.slug)
    after = _position(text_of(request.POST, "after")) or 0
    found = audits.verify_after(caller.organization, chain, after, STEP)
    shown = {"chain": chain, "label": CHAINS[chain], "found": found, "head": found.last_seq}
    if is_part(request):
        return part(request, caller, "team/_chain.html", shown)
    chains = [shown if one["chain"] == chain else one for one in _chains(caller)]
    return show(request, caller, TAB, "log_verified", {"chains": chains})


def _chains(caller: Caller) -> list[dict[str, Any]]:
    ends = {anchor.log: anchor.seq for anchor in audits.heads([caller.organization])}
    return [{"chain": name, "label": label, "found": None, "head": ends[name]} for name, label in CHAINS.items()]


def _position(text: str) -> int | None:
    """A position that is none leads to the newest, as an old link does."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _details(data: dict[str, Any]) -> list[tuple[str, str]]:
    """What there is to say, without what is empty."""
    return [(name, _text(value)) for name, value in sorted(data.items()) if value not in (None, "", [], {})]


def _text(value: object) -> str:
    match value:
        case {"from": old, "to": new}:
            return f"{_text(old)} → {_text(new)}"
        case dict():
            return "; ".join(f"{name} {_text(item)}" for name, item in value.items())
        case list():
            return ", ".join(_text(item) for item in value) or "none"
        case None | "":
            return "none"
        case _:
            return str(value)


log = require_safe(admins("read_access_log", _log))
verify = require_http_methods(["GET", "HEAD", "POST"])(admins("read_access_log", _verify))
