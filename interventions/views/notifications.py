"""The page on which pilots set what reaches them while they do not look, and try it out."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from interventions.delivery import channels, trying
from interventions.views.door import member
from interventions.views.own_form import Form, own_page
from pilots import notifications
from pilots.caller import Caller
from pilots.errors import InvalidInput, TooMany
from pilots.models import Organization, Pilot

NAME = "settings_notifications"


def _read(posted: QueryDict, _pilot: Pilot) -> dict[str, Any]:
    """Only what was sent: what cannot be had at present stays as it was chosen."""
    rules: dict[str, dict[str, str]] = {}
    for priority in notifications.DEFAULTS:
        ways = {channel: f"{channel}_{priority}" for channel in notifications.WAYS}
        chosen = {channel: str(posted[field]) for channel, field in ways.items() if field in posted}
        if chosen:
            rules[priority] = chosen
    changes: dict[str, Any] = {"by_priority": rules} if rules else {}
    if "digest_every" in posted:
        changes["digest_every"] = posted["digest_every"]
    return changes


def _shows(pilot: Pilot, caller: Caller) -> dict[str, Any]:
    rules = notifications.rules(pilot)
    ways = {name: _way(name, channel, pilot, caller.organization) for name, channel in channels.PERSONAL.items()}
    rows = {
        priority: [
            {
                "channel": name,
                "choices": notifications.WAYS[name],
                "chosen": rules[priority][name],
                "off": way["why_not"],
            }
            for name, way in ways.items()
        ]
        for priority in notifications.DEFAULTS
    }
    return {
        "rows": rows,
        "ways": ways,
        "digests": notifications.DIGESTS,
        "digest_every": notifications.digest_every(pilot),
        "can_save": not all(way["why_not"] for way in ways.values()),
    }


def _way(name: str, channel: channels.Personal, pilot: Pilot, organization: Organization) -> dict[str, Any]:
    """What the page says of a way: why it cannot be had at all, or where it leads."""
    return {
        "label": notifications.LABELS[name],
        "why_not": channel.why_not(),
        "is_reached": pilot.pk in channel.reached(organization, [pilot]),
        "where": channel.where(organization, pilot),
        "page": channel.page,
    }


@require_POST
@member
def test(request: HttpRequest, caller: Caller) -> HttpResponse:
    """Sends one to the asking pilot, and leads back to the page, which says what came of it."""
    pilot = Pilot.objects.get(pilot_id=caller.name)
    try:
        where = trying.try_out(pilot, caller.organization, request.POST.get("channel", ""))
    except (InvalidInput, TooMany) as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, f"Sent to {where}.")
    return redirect(NAME, caller.organization.slug)


def _field(name: str) -> str:
    """`push_high` of by_priority.high.push."""
    parts = name.split(".")
    return f"{parts[2]}_{parts[1]}" if parts[0] == "by_priority" and len(parts) > 2 else name


page = own_page(Form(NAME, _read, _shows, field=_field))
