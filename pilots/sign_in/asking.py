"""One sign-in's conversation with a provider: the code is exchanged, the profile read, and an identity comes out."""

from typing import Any

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialApp, SocialLogin, SocialToken
from allauth.socialaccount.providers.oauth2.client import OAuth2Client
from allauth.socialaccount.providers.oauth2.views import OAuth2Adapter
from allauth.utils import build_absolute_uri
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest
from requests import Response

from pilots.sign_in import identities
from pilots.sign_in.identities import Identity
from pilots.sign_in.trouble import understood


class Asking(OAuth2Adapter):
    """One sign-in's conversation with a provider; `state` is what was stored when it began."""

    headers = {"Accept": "application/json"}
    state: dict[str, Any]

    def __init__(self, request: HttpRequest, app: SocialApp) -> None:
        super().__init__(request)
        self.app = app
        self.provider_id = app.provider_id or app.provider
        self.state = {}

    def get_callback_url(self, request: HttpRequest, _app: SocialApp) -> str:
        address: str = build_absolute_uri(request, self.get_provider().get_callback_url())
        return address

    def get_access_token_data(
        self, request: HttpRequest, app: SocialApp, client: OAuth2Client, pkce_code_verifier: str | None = None
    ) -> dict[str, Any]:
        with understood("the exchange of the code"):
            data: dict[str, Any] = super().get_access_token_data(request, app, client, pkce_code_verifier)
            return data

    def parse_token(self, data: dict[str, Any]) -> SocialToken:
        """Used for this sign-in, and stored nowhere."""
        return SocialToken(token=str(data["access_token"]))

    def complete_login(self, request: HttpRequest, app: SocialApp, token: SocialToken, **kwargs: Any) -> SocialLogin:
        with understood("the profile"):
            identity = self.identify(token.token, kwargs["response"])
            known = identities.check(identity)
        login = self.get_provider().sociallogin_from_response(request, identity)
        login.known = known
        return login

    def identify(self, access_token: str, answer: dict[str, Any]) -> Identity:
        raise NotImplementedError

    def fetch(self, url: str, access_token: str = "") -> Any:
        answer = self._get(url, access_token)
        answer.raise_for_status()
        return answer.json()

    def fetch_if_allowed(self, url: str, access_token: str) -> Any:
        """None where the provider does not let us see it: who it is, is known without."""
        answer = self._get(url, access_token)
        return answer.json() if answer.ok else None

    def _get(self, url: str, access_token: str) -> Response:
        headers = self.headers | ({"Authorization": f"Bearer {access_token}"} if access_token else {})
        with get_adapter().get_requests_session() as session:
            answer: Response = session.get(url, headers=headers)
            return answer


def email_in(text: Any) -> str:
    """An address, or nothing: what is none is not worth a refusal."""
    try:
        validate_email(text)
    except ValidationError:
        return ""
    return str(text)
