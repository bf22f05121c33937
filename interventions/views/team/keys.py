"""The team's keys: what its programs come with, made, rotated and revoked here, and shown once."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from interventions.views.team import key_section as section
from interventions.views.team.page import admins, done, show
from pilots.access_log import Party
from pilots.caller import Caller
from pilots.errors import InvalidInput

TAB = "team_keys"


def _keys(request: HttpRequest, caller: Caller) -> HttpResponse:
    if request.method != "POST":
        return _page(request, caller)
    form = section.KeyForm(request.POST)
    new = form.make(caller.organization, Party.of(caller))
    return _page(request, caller, new=new) if new else _page(request, caller, 422, form=form)


def _rotate(request: HttpRequest, caller: Caller, key_id: str) -> HttpResponse:
    # The address stays in the browser's bar after a key was rotated: whoever opens it again finds the keys.
    if request.method != "POST":
        return redirect(TAB, caller.organization.slug)
    try:
        new = section.rotate(caller.organization, key_id, request.POST, Party.of(caller))
    except InvalidInput as error:
        return _page(request, caller, 422, refusal=error.detail)
    return _page(request, caller, new=new)


def _revoke(request: HttpRequest, caller: Caller, key_id: str) -> HttpResponse:
    key = section.revoke(caller.organization, key_id, Party.of(caller))
    return done(request, caller, TAB, f"{key.name} ({key.key_id}) opens nothing any more.")


def _page(request: HttpRequest, caller: Caller, status: int = 200, **changed: Any) -> HttpResponse:
    return show(request, caller, TAB, "keys", {"keys": section.section(caller.organization, **changed)}, status)


keys = require_http_methods(["GET", "HEAD", "POST"])(admins("manage_keys", _keys))
rotate = require_http_methods(["GET", "HEAD", "POST"])(admins("manage_keys", _rotate))
revoke = require_POST(admins("manage_keys", _revoke))
