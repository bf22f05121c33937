"""The two addresses of each provider: where a sign-in begins, and where the provider sends the browser back to."""

import time
from typing import Any
from urllib.parse import urlsplit

from allauth.account import app_settings as account_settings
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.flows.reauthentication import get_reauthentication_flows
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.models import SocialAccount, SocialApp
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView, OAuth2View
from allauth.utils import get_request_param
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from requests import RequestException


class _Callback(OAuth2CallbackView):
    def _get_state(self, request: HttpRequest, provider: Any) -> Any:
        """Also hands the state over: the nonce in it is checked where the id_token is read."""
        state, response = super()._get_state(request, provider)
        self.adapter.state = state or {}
        return state, response


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def begin(request: HttpRequest, provider_id: str) -> HttpResponse:
    """A press of the button leads to the provider; a link only to a page with the button, so that no page elsewhere
    signs somebody in as somebody else."""
    if get_request_param(request, "process") == AuthProcess.CONNECT and _signed_in_long_ago(request):
        accounts = SocialAccount.objects.filter(user=request.user.pk)
        return render(request, "socialaccount/sign_in_again.html", {"accounts": accounts}, status=403)
    response = _speak(OAuth2LoginView, request, provider_id)
    if response.status_code == 302 and not _may_follow_a_form(response["Location"]):
        # Browsers stop a form that leads to an origin the page did not name; a page may lead anywhere.
        return render(request, "socialaccount/login_redirect.html", {"redirect_to": response["Location"]})
    return response


@never_cache
@require_safe
def back(request: HttpRequest, provider_id: str) -> HttpResponse:
    return _speak(_Callback, request, provider_id)


def _speak(view: type[OAuth2View], request: HttpRequest, provider_id: str) -> HttpResponse:
    try:
        provider = get_adapter().get_provider(request, provider_id)
    except SocialApp.DoesNotExist as error:
        raise Http404 from error
    asking = provider.get_oauth2_adapter(request)
    try:
        response: HttpResponse = view.adapter_view(asking)(request)
    except (OAuth2Error, RequestException) as error:
        # allauth catches what happens in the middle, not what happens while it looks the provider's addresses up.
        response = render_authentication_error(request, provider, exception=error)
    return response


def _signed_in_long_ago(request: HttpRequest) -> bool:
    """True where allauth has nothing to ask for once more, no password and no second factor, and the sign-in itself is
    old: whoever finds an open screen shall not connect an account of their own."""
    if not request.user.is_authenticated or get_reauthentication_flows(request.user):
        return False
    steps = get_authentication_records(request, request.user)
    last = max((step["at"] for step in steps), default=0.0)
    return bool(time.time() - last > account_settings.REAUTHENTICATION_TIMEOUT)


def _may_follow_a_form(address: str) -> bool:
    parts = urlsplit(address)
    allowed: Any = settings.SECURE_CSP["form-action"]
    return not parts.netloc or bool(f"{parts.scheme}://{parts.netloc}" in allowed)
