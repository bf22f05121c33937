"""The devices on which a pilot is told while no page is open: listed, added by a page's script, tried, removed."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from interventions.delivery import devices, push, vapid
from interventions.delivery.errors import TryLater, Undeliverable
from interventions.delivery.message import Message
from interventions.views.door import member
from pilots import user_agents
from pilots.caller import Caller
from pilots.errors import InvalidInput
from pilots.models import Organization, Pilot
from pilots.sign_in import sessions, tries

PAGE = "settings_devices"
# Each asks somebody else's server.
TESTS_A_MINUTE = 5
_FIELDS = ("endpoint", "p256dh", "auth")


def section(pilot: Pilot, organization: Organization) -> dict[str, Any]:
    """What `pilots/_push.html` takes, wherever it stands."""
    return {"key": vapid.public_key(), "devices": devices.living(pilot, organization)}


@require_http_methods(["GET", "HEAD", "POST"])
@member
def page(request: HttpRequest, caller: Caller) -> HttpResponse:
    """The list; to the page's script also where a browser is put on it."""
    pilot = _pilot(caller)
    if request.method == "POST":
        return _heard(lambda: _add(request, caller, pilot))
    context = {"caller": caller, "pilot": pilot, "push": section(pilot, caller.organization)}
    return render(request, "pilots/settings_devices.html", context)


@require_POST
@member
def seen(request: HttpRequest, caller: Caller) -> HttpResponse:
    """A page is open in a browser that is subscribed."""
    devices.seen(_pilot(caller), str(request.session.session_key), request.POST.get("endpoint", ""))
    return HttpResponse(status=204)


@require_POST
@member
def remove(request: HttpRequest, caller: Caller, device_id: int) -> HttpResponse:
    row = devices.get(_pilot(caller), caller.organization, device_id)
    devices.remove(row)
    messages.success(request, f"{row.device} is not notified any more.")
    return redirect(PAGE, caller.organization.slug)


@require_POST
@member
def test(request: HttpRequest, caller: Caller, device_id: int) -> HttpResponse:
    """Sends a message as any other, and says what became of it."""
    row = devices.get(_pilot(caller), caller.organization, device_id)
    if tries.add(f"push-test:{row.pilot_id}", 1, 60) > TESTS_A_MINUTE:
        messages.error(request, "Too many tests at once; wait a minute.")
        return redirect(PAGE, caller.organization.slug)
    address = reverse("queue", args=[caller.organization.slug])
    message = Message("A test", f"{caller.organization.name} reaches this device.", address, urgent=False, tag="test")
    try:
        push.send(row, message)
    except (Undeliverable, TryLater) as error:
        messages.error(request, f"{row.device}: {error}.")
    else:
        messages.success(request, f"Sent to {row.device}. It should show there within seconds.")
    return redirect(PAGE, caller.organization.slug)


# The service worker cannot read the cookie that holds the token. What it sends instead is the old endpoint, which
# nobody else's page can know.
@csrf_exempt
@require_POST
def moved(request: HttpRequest) -> HttpResponse:
    """The browser has renewed its subscription by itself."""
    pilot = sessions.pilot_of(request.session.session_key or "")
    if pilot is None:
        return HttpResponse(status=401)
    return _heard(lambda: devices.moved(pilot, request.POST.get("old", ""), _posted(request)))


def _add(request: HttpRequest, caller: Caller, pilot: Pilot) -> None:
    device = user_agents.family(request.headers.get("User-Agent", ""))
    devices.add(pilot, caller.organization, str(request.session.session_key), _posted(request), device)


def _heard(change: Callable[[], object]) -> HttpResponse:
    """Nothing to a script that was right, else a sentence it can show."""
    try:
        change()
    except InvalidInput as error:
        return HttpResponse(error.detail, status=422, content_type="text/plain; charset=utf-8")
    return HttpResponse(status=204)


def _posted(request: HttpRequest) -> dict[str, str]:
    return {name: request.POST.get(name, "") for name in _FIELDS}


def _pilot(caller: Caller) -> Pilot:
    return Pilot.objects.get(pilot_id=caller.name)
