"""How a page of the pilot's own settings is shown, saved and refused; each says what it reads and shows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from interventions.views.door import is_part, member
from pilots import profile
from pilots.caller import Caller
from pilots.errors import InvalidInput
from pilots.inputs import check
from pilots.models import Pilot

SWITCH = {"on": True, "off": False}


def _as_stored(_posted: QueryDict) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class Form:
    """One page of settings: its name and template, what is read off its form, what it shows, what of that stands as
    it was typed where the form is refused, and which field a finding is about."""

    name: str
    read: Callable[[QueryDict, Pilot], dict[str, Any]]
    shows: Callable[[Pilot, Caller], dict[str, Any]]
    typed: Callable[[QueryDict], dict[str, Any]] = _as_stored
    field: Callable[[str], str] = str


def own_page(form: Form) -> Callable[..., HttpResponseBase]:
    @require_http_methods(["GET", "HEAD", "POST"])
    @member
    def view(request: HttpRequest, caller: Caller) -> HttpResponse:
        pilot = Pilot.objects.get(pilot_id=caller.name)
        if request.method != "POST":
            return _show(request, caller, form, pilot)
        try:
            profile.change(pilot, check(profile.OWN, form.read(request.POST, pilot)))
        except InvalidInput as error:
            return _refused(request, caller, form, pilot, error)
        if is_part(request):
            return HttpResponse(status=204)
        messages.success(request, "Saved.")
        return redirect(form.name, caller.organization.slug)

    return view


def switch(posted: QueryDict, name: str) -> Any:
    """A box that was shown: `off` stands in a hidden field before it, for a browser sends nothing of an empty one."""
    text = str(posted[name])
    return SWITCH.get(text, text)


def _refused(request: HttpRequest, caller: Caller, form: Form, pilot: Pilot, error: InvalidInput) -> HttpResponse:
    """The form as it was sent, with what would be right at each field; to the page's own script just that."""
    if is_part(request):
        return HttpResponse(error.detail, status=422, content_type="text/plain; charset=utf-8")
    errors: dict[str, list[str]] = {}
    for name, texts in (error.errors or {}).items():
        field = form.field(name)
        errors[field] = list(dict.fromkeys([*errors.get(field, []), *texts]))
    return _show(request, caller, form, pilot, {"errors": errors} | form.typed(request.POST), 422)


def _show(
    request: HttpRequest,
    caller: Caller,
    form: Form,
    pilot: Pilot,
    besides: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    known: dict[str, Any] = {"pilot": pilot, "caller": caller, "errors": {}}
    context = known | form.shows(pilot, caller) | (besides or {})
    return render(request, f"pilots/{form.name}.html", context, status=status)
