"""What the pages of the team share: admins only, tabs, and how a refusal is shown."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect

from interventions.views.door import full_page, member
from pilots import policy
from pilots.caller import Caller
from pilots.errors import DomainError, NotAllowed, NotFound

TABS = {
    "team": "Members",
    "team_keys": "API keys",
    "team_chat": "Chat",
    "team_settings": "Settings",
    "team_log": "Access log",
}


def admins[**Rest](verb: str, view: Callable[..., HttpResponse]) -> Callable[..., HttpResponseBase]:
    """The view for a member whose role may do `verb`, as the policy says; a page that says so for others."""

    def guarded(request: HttpRequest, caller: Caller, /, **path: Any) -> HttpResponse:
        policy.require(caller, verb)
        return view(request, caller, **path)

    return member(guarded)


def show(
    request: HttpRequest, caller: Caller, tab: str, template: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    """A page of the team, below the tab of this name."""
    return full_page(request, caller, f"team/{template}.html", {"tabs": TABS, "current": tab} | context, status)


def done(request: HttpRequest, caller: Caller, tab: str, said: str) -> HttpResponse:
    """Back to the tab, which says what was done."""
    messages.success(request, said)
    return redirect(tab, caller.organization.slug)


def refused(request: HttpRequest, caller: Caller, tab: str, error: DomainError) -> HttpResponse:
    """Back to the tab, which says why not. What a role may not do, and what is not there, are pages of their own."""
    if isinstance(error, NotAllowed | NotFound):
        raise error
    messages.error(request, error.detail)
    return redirect(tab, caller.organization.slug)
