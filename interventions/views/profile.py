"""The pilot's own page: who they are here, and where the rest of their account is set up."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from interventions.views.door import member
from pilots.caller import Caller
from pilots.models import Pilot
from pilots.sign_in import second_factor


@require_safe
@member
def profile(request: HttpRequest, caller: Caller) -> HttpResponse:
    pilot = Pilot.objects.get(pilot_id=caller.name)
    known = {"pilot": pilot, "caller": caller, "has_factor": second_factor.is_enrolled(pilot)}
    return render(request, "pilots/profile.html", known)
