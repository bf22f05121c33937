"""What happens when a provider has said who somebody is, and when something went wrong on the way."""

import functools
import logging
from typing import Any

import requests
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount import app_settings
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin
from allauth.socialaccount.providers.base import AuthError, AuthProcess, Provider
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode

from pilots import access_log
from pilots.addresses import client_address
from pilots.sign_in import identities
from pilots.sign_in.trouble import Trouble, trouble_of

log = logging.getLogger(__name__)


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    error_messages = DefaultSocialAccountAdapter.error_messages | {
        "disconnect_last": "This is the only way you can sign in. Connect another account first.",
        "no_password": "This is the only way you can sign in. Connect another account first.",
        "connected_other": "That account already belongs to another pilot.",
        "disconnect_own": "Your pilot id comes from this account, so it stays connected.",
    }

    def list_apps(
        self, _request: HttpRequest, provider: str | None = None, client_id: str | None = None
    ) -> list[SocialApp]:
        """Those of the environment only: nobody adds a provider by a row in the database."""
        found = [
            SocialApp(provider=kind, **app)
            for kind, about in settings.SOCIALACCOUNT_PROVIDERS.items()
            for app in about["APPS"]
        ]
        return [
            app
            for app in found
            if provider in (None, app.provider, app.provider_id) and client_id in (None, app.client_id)
        ]

    def get_requests_session(self) -> requests.Session:
        """Bounded: a provider that does not answer in time, fails, or sends us elsewhere is in trouble."""
        session = requests.Session()
        session.max_redirects = 0
        session.hooks["response"] = [_refuse_failures]
        session.request = functools.partial(session.request, timeout=app_settings.REQUESTS_TIMEOUT)  # type: ignore[method-assign]
        return session

    def is_open_for_signup(self, _request: HttpRequest, _sociallogin: SocialLogin) -> bool:
        """Whoever a provider knows may come; without an organization there is nothing to see."""
        return True

    def populate_user(self, _request: HttpRequest, sociallogin: SocialLogin, _data: dict[str, Any]) -> Any:
        """The pilot is made of the identity, in `save_user`."""
        return sociallogin.user

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        # Nothing may keep it: not even the session, while somebody confirms a connection.
        sociallogin.token = None
        if not sociallogin.is_existing:
            return
        pilot: Any = sociallogin.user
        if not pilot.is_active:
            trouble = Trouble("inactive")
            told = {"how": sociallogin.account.provider, "through": "page", "address": client_address(request)}
            access_log.record_of_pilot("sign_in_failed", pilot, access_log.UNKNOWN, told)
            raise ImmediateHttpResponse(self._page_of(request, trouble, sociallogin.provider))
        if sociallogin.state.get("process") == "login":
            identities.refresh(pilot, identities.identity_of(sociallogin.account), sociallogin.known)

    def save_user(self, _request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> Any:
        account = identities.make_pilot(identities.identity_of(sociallogin.account))
        sociallogin.account, sociallogin.user = account, account.user
        return account.user

    def validate_disconnect(self, account: SocialAccount, accounts: Any) -> None:
        pilot = account.user
        identity = identities.identity_of(account)
        if (pilot.oauth_provider, pilot.oauth_id) == (identity.kind, identity.id):
            raise self._refusal("disconnect_own")
        is_last = not accounts.exclude(pk=account.pk).exists()
        if is_last and not (pilot.has_usable_password() and getattr(settings, "LOCAL_ACCOUNTS", True)):
            raise self._refusal("disconnect_last")

    def _refusal(self, name: str) -> ValidationError:
        return ValidationError(self.error_messages[name], code=name)

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Provider,
        error: str | None = None,
        exception: Exception | None = None,
        extra_context: dict[str, Any] | None = None,
    ) -> None:
        # Without one the way here is not ours.
        state = (extra_context or {}).get("state")
        raise ImmediateHttpResponse(self._page_of(request, _trouble_at(error, exception, state), provider, state))

    def _page_of(
        self, request: HttpRequest, trouble: Trouble, provider: Provider, state: dict[str, Any] | None = None
    ) -> HttpResponse:
        log.log(
            logging.INFO if trouble.reason == "cancelled" else logging.WARNING,
            "Sign-in by %s ended: %s",
            provider.sub_id,
            trouble,
        )
        status = {"cancelled": 200, "unreachable": 502, "inactive": 403}.get(trouble.reason, 401)
        context = {"reason": trouble.reason, "provider": provider, "back": _way_back(state or {})}
        if trouble.reason == "cancelled":
            return render(request, "socialaccount/login_cancelled.html", context)
        return render(request, "socialaccount/authentication_error.html", context, status=status)


def _way_back(state: dict[str, Any]) -> str:
    """To where the sign-in was begun, and from there to where it should have led."""
    if state.get("process") == AuthProcess.CONNECT:
        return reverse("socialaccount_connections")
    address = reverse("account_login")
    return f"{address}?{urlencode({'next': state['next']})}" if state.get("next") else address


def _trouble_at(error: str | None, exception: Exception | None, state: dict[str, Any] | None) -> Trouble:
    if exception is not None:
        return trouble_of(exception)
    if state is None:
        return Trouble("begun_elsewhere")
    # Without an exception the provider itself has sent the browser back, with an error instead of a code.
    return Trouble("cancelled") if error == AuthError.CANCELLED else Trouble("refused", "at its own page")


def _refuse_failures(answer: requests.Response, *_: Any, **__: Any) -> None:
    if answer.status_code >= 500:
        raise Trouble("unreachable", f"status {answer.status_code}")
    if answer.is_redirect:
        raise Trouble("unusable", "a redirect")
