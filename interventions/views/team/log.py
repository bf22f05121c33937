"""The access log of the organization, newest first: who came in, who was let in, and what they were let do."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from interventions.views.team.page import admins, show
from interventions.views.typed import text_of
from pilots import access_log
from pilots.caller import Caller

PAGE = 50


def _log(request: HttpRequest, caller: Caller) -> HttpResponse:
    before = text_of(request.GET, "before")
    # A position that is none leads to the newest, as an old link does.
    position = int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None
    rows = access_log.newest(caller.organization, PAGE + 1, position)
    shown = rows[:PAGE]
    older = shown[-1].seq if len(rows) > PAGE else None
    entries = [(row, _details(row.data)) for row in shown]
    return show(request, caller, "team_log", "log", {"entries": entries, "older": older, "position": position})


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
