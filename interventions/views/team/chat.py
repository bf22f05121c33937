"""The team's chat: the channels that are told of requests, added, tried, paused and removed here."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from interventions.delivery import chat as sending
from interventions.delivery import hooks, links
from interventions.delivery.errors import TryLater, Undeliverable
from interventions.delivery.hooks import Rule
from interventions.delivery.message import Message
from interventions.lifecycle import Priority
from interventions.models import ChatHook
from interventions.views.team.page import admins, done, show
from interventions.views.typed import text_of
from pilots.access_log import Party
from pilots.caller import Caller
from pilots.errors import InvalidInput
from pilots.sign_in import tries
from pilots.wire import moment

TAB = "team_chat"
# How a rule is chosen: from which priority on.
FROM = {"critical": "critical only", "high": "high and critical", "normal": "normal and above", "low": "all requests"}
# Each asks somebody else's server.
TESTS_A_MINUTE = 10
_FIELDS = ("kind", "name", "url", "lowest_priority")


def _chat(request: HttpRequest, caller: Caller) -> HttpResponse:
    if request.method != "POST":
        return _page(request, caller, {"kind": "slack", "lowest_priority": "high"})
    posted = {name: text_of(request.POST, name).strip() for name in _FIELDS}
    try:
        rule = Rule(_priority(posted["lowest_priority"]))
        row = hooks.add(caller.organization, posted["kind"], posted["name"], posted["url"], rule, by=Party.of(caller))
    except InvalidInput as error:
        return _page(request, caller, posted, error.errors or {"": [error.detail]}, 422)
    hint = f" {row.host} is no address that {hooks.KINDS[row.kind]} gives out; a test shows whether it is right."
    return done(
        request, caller, TAB, f"{row.name} is told from now on.{hint if hooks.looks_unlike(row.kind, row.host) else ''}"
    )


def _change(request: HttpRequest, caller: Caller, hook_id: int) -> HttpResponse:
    """What was sent of the rule; the rest of it stays."""
    row = hooks.get(caller.organization, hook_id)
    lowest, active = Priority(row.lowest_priority), row.active
    if "lowest_priority" in request.POST:
        try:
            lowest = _priority(text_of(request.POST, "lowest_priority"))
        except InvalidInput as error:
            messages.error(request, error.detail)
            return redirect(TAB, caller.organization.slug)
    if "active" in request.POST:
        active = text_of(request.POST, "active") == "on"
    hooks.change(row, Rule(lowest, active), by=Party.of(caller))
    said = f"is told of {FROM[lowest.word]}" if active else "is not told for now"
    return done(request, caller, TAB, f"{row.name} {said}.")


def _remove(request: HttpRequest, caller: Caller, hook_id: int) -> HttpResponse:
    row = hooks.get(caller.organization, hook_id)
    hooks.remove(row, by=Party.of(caller))
    return done(request, caller, TAB, f"{row.name} is removed.")


def _test(request: HttpRequest, caller: Caller, hook_id: int) -> HttpResponse:
    """Sends a message as any other, and says what the receiver answered."""
    row = hooks.get(caller.organization, hook_id)
    if tries.add(f"chat-test:{caller.organization.pk}", 1, 60) > TESTS_A_MINUTE:
        messages.error(request, "Too many tests at once; wait a minute.")
        return redirect(TAB, caller.organization.slug)
    address = reverse("queue", args=[caller.organization.slug])
    body = f"Requests of {caller.organization.name} will be told here."
    try:
        said = sending.send_to(row, Message("A test of Chameleon", body, address, urgent=False, tag="test"))
    except (Undeliverable, TryLater) as error:
        messages.error(request, f"{row.name} was not reached: {error}.")
        return redirect(TAB, caller.organization.slug)
    return done(request, caller, TAB, f"Sent to {row.name}, which {said}.")


def _page(
    request: HttpRequest,
    caller: Caller,
    posted: dict[str, str],
    errors: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "lines": [_line(row) for row in hooks.all_of(caller.organization)],
        "kinds": hooks.KINDS,
        "from": FROM,
        "posted": posted,
        "errors": errors or {},
        "guess": links.guess(),
    }
    return show(request, caller, TAB, "chat", context, status)


def _line(row: ChatHook) -> dict[str, Any]:
    word = Priority(row.lowest_priority).word
    return {
        "row": row,
        "kind": hooks.KINDS[row.kind],
        "lowest": word,
        "told_of": FROM[word],
        "last_at": moment(row.last_at),
        "tone": ("active" if row.last_good else "revoked") if row.active else "replaced",
        "state": ("on" if row.last_good else "failing") if row.active else "paused",
    }


def _priority(word: str) -> Priority:
    if word not in FROM:
        raise InvalidInput.field("lowest_priority", f"choose {', '.join(FROM)}")
    return Priority.of(word)


chat = require_http_methods(["GET", "HEAD", "POST"])(admins("manage_chat", _chat))
change_chat = require_POST(admins("manage_chat", _change))
remove_chat = require_POST(admins("manage_chat", _remove))
test_chat = require_POST(admins("manage_chat", _test))
