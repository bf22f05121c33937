"""Who gets into the back office, and in which organization is what they do there? Superusers, who stand above
organizations, and staff who are admin of one; once they signed in on our own page with whatever it asks them for."""

from contextlib import AbstractContextManager, nullcontext
from functools import update_wrapper
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect

from pilots import tenancy
from pilots.admin_scope import caller_of, is_above, place_of
from pilots.errors import DomainError
from pilots.models import Pilot
from pilots.sign_in import second_factor, sessions


class BackOffice(AdminSite):
    """Has no sign-in and no change of password of its own: there, limits and second factor would not hold."""

    def has_permission(self, request: HttpRequest) -> bool:
        if not super().has_permission(request) or _lacks_factor(request) or not _has_work(request):
            return False
        sessions.seen(request)
        return True

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Around each view of it: a superuser's sees all organizations, anybody else's one. A refusal of the domain's
        is said on the page it came from."""
        guarded = super().admin_view(view, cacheable)

        def crossing(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            with _seeing(request):
                try:
                    response: HttpResponse = guarded(request, *args, **kwargs)
                except DomainError as error:
                    if request.method != "POST":
                        raise
                    messages.error(request, error.detail)
                    return redirect(request.get_full_path())
                # A page's rows are read only while it is rendered, which otherwise happens outside.
                render = getattr(response, "render", None)
                return render() if render else response

        return update_wrapper(crossing, guarded)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:  # type: ignore[override]
        if not request.user.is_authenticated:
            return redirect_to_login(request.GET.get("next") or request.get_full_path())
        if _lacks_factor(request):
            return redirect("mfa_index")
        if not super().has_permission(request) or not _has_work(request):
            raise PermissionDenied
        return redirect("admin:index")

    def password_change(self, _request: HttpRequest, _extra_context: dict[str, Any] | None = None) -> HttpResponse:  # type: ignore[override]
        return redirect("account_change_password")


def _lacks_factor(request: HttpRequest) -> bool:
    pilot = request.user
    if not isinstance(pilot, Pilot) or not pilot.is_staff:
        return False
    place = None if is_above(request) else place_of(request)
    if place is not None and second_factor.is_missing(place):
        return True
    return settings.ADMIN_SECOND_FACTOR and not second_factor.is_enrolled(pilot)


def _has_work(request: HttpRequest) -> bool:
    return is_above(request) or caller_of(request) is not None


def _seeing(request: HttpRequest) -> AbstractContextManager[None]:
    if is_above(request):
        return tenancy.across()
    caller = caller_of(request)
    return nullcontext() if caller is None else tenancy.acting_in(caller.organization.pk)
