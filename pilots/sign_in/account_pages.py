"""Pages of the own account: sign-in with its limits, password, second factor, and the list of sessions."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account import views as account
from allauth.mfa.base import views as factors
from allauth.mfa.webauthn import views as passkeys
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from pilots import access_log
from pilots.checks import has_provider
from pilots.models import Pilot
from pilots.sign_in import sessions, tries
from pilots.sign_in.forms import TOO_MANY

type View = Callable[..., HttpResponseBase]


class _Limited:
    """A page with a form whose failed tries are counted: over the limit it answers 429, as the API does."""

    def form_invalid(self, form: Any) -> HttpResponseBase:
        response: HttpResponseBase = super().form_invalid(form)  # type: ignore[misc]
        if any(form.has_error(field, TOO_MANY) for field in form.errors):
            response.status_code = 429
            response["Retry-After"] = str(tries.WINDOW_SECONDS)
        return response


class SignIn(_Limited, account.LoginView):
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if settings.LOCAL_ACCOUNTS:
            answer: HttpResponseBase = super().post(request, *args, **kwargs)
            return answer
        refusal: HttpResponseBase = self.render_to_response(self.get_context_data(form=None), status=403)
        return refusal

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found: dict[str, Any] = super().get_context_data(**kwargs)
        # A reset goes by mail, and only where the operator said how mail is sent.
        ways = {"has_passwords": settings.LOCAL_ACCOUNTS, "has_providers": has_provider(), "can_reset": can_reset()}
        return found | ways


class SecondStep(_Limited, factors.AuthenticateView):
    """After the password: a code or a passkey."""

    def form_invalid(self, form: Any) -> HttpResponseBase:
        response = super().form_invalid(form)
        for error in form.errors.get("credential", []):
            messages.error(self.request, error)
        return response


class PasswordAgain(_Limited, account.ReauthenticateView):
    pass


class CodeAgain(_Limited, factors.ReauthenticateView):
    pass


class PasskeyAgain(passkeys.ReauthenticateWebAuthnView):
    def form_invalid(self, form: Any) -> HttpResponseBase:
        for error in form.errors.get("credential", []):
            messages.error(self.request, error)
        return redirect(self.request.get_full_path())


class ChangePassword(_Limited, account.PasswordChangeView):
    """For who has one: a provider's pilots get no password here, it would be a second way in."""


def can_reset() -> bool:
    """True where a forgotten password can be replaced by a link in a mail."""
    return settings.LOCAL_ACCOUNTS and bool(settings.EMAIL_URL)


def where(possible: Callable[[], bool], view: View) -> View:
    """The view, where it makes sense with these settings; elsewhere there is no such page."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not possible():
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


def has_passwords() -> bool:
    return bool(settings.LOCAL_ACCOUNTS)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def change_password(request: HttpRequest) -> HttpResponseBase:
    if not (isinstance(request.user, Pilot) and request.user.has_usable_password() and has_passwords()):
        raise Http404
    view: View = ChangePassword.as_view()
    return view(request)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def list_sessions(request: HttpRequest) -> HttpResponse:
    """Where the pilot is signed in; ends one of these sessions, or all but this one."""
    pilot = request.user
    if not isinstance(pilot, Pilot):
        raise Http404
    if request.method == "POST":
        return _end(request, pilot)
    rows = sessions.of(pilot)
    here = request.session.session_key
    return render(request, "usersessions/usersession_list.html", {"sessions": rows, "here": here})


def _end(request: HttpRequest, pilot: Pilot) -> HttpResponse:
    here = request.session.session_key or ""
    chosen = request.POST.get("session", "")
    if chosen:
        # By its number, and only one's own: the key of a session is as good as a password.
        rows = [row for row in sessions.of(pilot) if str(row.pk) == chosen and row.session_key != here]
        count = sessions.end_these([row.session_key for row in rows])
    else:
        count = sessions.end_all_of(pilot, keep=here)
    if count or not chosen:
        access_log.record_of_pilot("sessions_ended", pilot, data={"sessions": count})
        messages.success(request, "Ended. What was open there closes within seconds.")
    return redirect("usersessions_list")
