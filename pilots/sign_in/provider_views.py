"""The two addresses of each provider: where a sign-in begins, and where the provider sends the browser back to."""

from typing import Any
from urllib.parse import urlsplit

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView, OAuth2View
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from requests import RequestException


class _Callback(OAuth2CallbackView):  # type: ignore[misc]
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


def _may_follow_a_form(address: str) -> bool:
    parts = urlsplit(address)
    return not parts.netloc or f"{parts.scheme}://{parts.netloc}" in settings.SECURE_CSP["form-action"]
