"""The pilot's own settings: how the console looks, and when it may ring."""

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.views.decorators.http import require_safe

from interventions.views.door import member
from interventions.views.own_form import Form, own_page, switch
from pilots import database, duty, preferences, zones
from pilots.caller import Caller
from pilots.models import Pilot

# A time of day is shorter; whatever else was typed is not worth showing whole.
_MOST_TYPED = 16


def _read_display(posted: QueryDict, _pilot: Pilot) -> dict[str, Any]:
    """Only what was sent: the account menu sends one of them at a time."""
    wanted: dict[str, Any] = {name: posted[name] for name in ("theme", "density") if name in posted}
    changes: dict[str, Any] = {"preferences": wanted} if wanted else {}
    if "timezone" in posted:
        changes["timezone"] = posted["timezone"] or None
    return changes


def _shows_display(pilot: Pilot, _caller: Caller) -> dict[str, Any]:
    chosen = preferences.of(pilot)
    places = {name for names in zones.by_region().values() for name in names}
    return {
        "themes": preferences.THEMES,
        "densities": preferences.DENSITIES,
        "theme": chosen.get("theme"),
        "density": chosen.get("density"),
        "regions": zones.by_region(),
        # Chosen over the API, and not a place that is offered.
        "another_zone": pilot.timezone if pilot.timezone not in {"", "UTC"} | places else "",
    }


def _field_of_display(name: str) -> str:
    return name.removeprefix("preferences.")


def _read_duty(posted: QueryDict, _pilot: Pilot) -> dict[str, Any]:
    """Only what was sent, as above; hours and quiet hours each as a whole."""
    changes: dict[str, Any] = {}
    if "on_duty" in posted:
        changes["on_duty"] = switch(posted, "on_duty")
    if any(f"{day}_from" in posted for day in duty.DAYS):
        spans = {day: [posted.get(f"{day}_from", ""), posted.get(f"{day}_to", "")] for day in duty.DAYS}
        changes["working_hours"] = {day: span for day, span in spans.items() if any(span)}
    if "quiet_from" in posted:
        quiet = {"from": posted["quiet_from"], "to": posted.get("quiet_to", "")}
        rings = {"critical_rings": switch(posted, "quiet_critical")} if "quiet_critical" in posted else {}
        changes["quiet_hours"] = quiet | rings if any(quiet.values()) else None
    return changes


def _shows_duty(pilot: Pilot, _caller: Caller) -> dict[str, Any]:
    hours = duty.hours_of(pilot)
    quiet = duty.quiet_of(pilot) or {"critical_rings": True}
    values = {"quiet_from": quiet.get("from", ""), "quiet_to": quiet.get("to", "")}
    for day in duty.DAYS:
        values[f"{day}_from"], values[f"{day}_to"] = hours.get(day, ["", ""])
    return {
        "state": duty.state(pilot, database.now()),
        "values": values,
        "days": duty.DAYS,
        "quiet_critical": quiet.get("critical_rings", False),
    }


def _typed_duty(posted: QueryDict) -> dict[str, Any]:
    names = [f"{each}_{end}" for each in (*duty.DAYS, "quiet") for end in ("from", "to")]
    return {"values": {name: posted.get(name, "")[:_MOST_TYPED] for name in names}}


def _field_of_duty(name: str) -> str:
    """`mon` of working_hours.mon.0, `quiet_from` of quiet_hours.from."""
    parts = name.split(".")
    if parts[0] == "quiet_hours" and len(parts) > 1:
        return f"quiet_{parts[1]}"
    return parts[1] if len(parts) > 1 else name


@require_safe
@member
def ringing(request: HttpRequest, caller: Caller) -> HttpResponse:
    """What may ring on this pilot's devices now; a page asks before it does, for another may have changed it."""
    pilot = Pilot.objects.get(pilot_id=caller.name)
    text = duty.rings(pilot, database.now(), request.GET.get("zone", ""))
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


display = own_page(Form("settings_display", _read_display, _shows_display, field=_field_of_display))
duty_page = own_page(Form("settings_duty", _read_duty, _shows_duty, _typed_duty, _field_of_duty))
