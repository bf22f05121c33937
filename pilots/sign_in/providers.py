"""The providers as allauth sees them: GitHub in its own way; Microsoft, Google and the generic issuer by OpenID.

allauth's flow (state, PKCE, code for token) is used; what it leaves open is closed here: a nonce, the signature of the
id_token, its directory, and nothing of the request that could change what is asked of the provider.
"""

import secrets
from typing import Any

from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.github.provider import GitHubProvider
from allauth.socialaccount.providers.oauth2.provider import OAuth2Provider
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from pilots.sign_in.asking import Asking
from pilots.sign_in.github import AskingGitHub
from pilots.sign_in.identities import Identity
from pilots.sign_in.issuers import AskingIssuer


class Careful(OAuth2Provider):
    """A provider as allauth sees it, asked for what the settings say and nothing else."""

    asking: type[Asking]
    scope: list[str]

    def get_login_url(self, _request: HttpRequest, **kwargs: str) -> str:
        url = self._address("login")
        return f"{url}?{urlencode(kwargs)}" if kwargs else url

    def get_callback_url(self) -> str:
        return self._address("callback")

    def _address(self, step: str) -> str:
        is_generic = self.sub_id not in ("github", "microsoft", "google")
        return reverse(f"{'issuer' if is_generic else 'provider'}_{step}", args=[self.sub_id])

    def get_oauth2_adapter(self, request: HttpRequest) -> Asking:
        return self.asking(request, self.app)

    def get_default_scope(self) -> list[str]:
        return list(self.scope)

    def get_redirect_from_request_kwargs(self, request: HttpRequest) -> dict[str, Any]:
        """allauth would take scope and any other parameter from the query: a link could ask for more than we need."""
        kwargs: dict[str, Any] = super(OAuth2Provider, self).get_redirect_from_request_kwargs(request)
        if kwargs["process"] != AuthProcess.CONNECT:
            kwargs["process"] = AuthProcess.LOGIN
        return kwargs | {"scope": self.get_scope(), "auth_params": {}}

    def extract_uid(self, data: Identity) -> str:
        return data.id

    def extract_extra_data(self, data: Identity) -> dict[str, Any]:
        return data.kept()

    def extract_common_fields(self, _data: Identity) -> dict[str, Any]:
        """None: allauth would keep e-mail addresses of its own, unique ones, and ask for another where one is taken."""
        return {}

    def extract_email_addresses(self, _data: Identity) -> list[Any]:
        return []


class GitHub(Careful, GitHubProvider):
    asking = AskingGitHub
    scope = ["user:email"]


class OpenIDConnect(Careful, OpenIDConnectProvider):
    asking = AskingIssuer
    scope = ["openid", "profile", "email"]

    def get_redirect_from_request_kwargs(self, request: HttpRequest) -> dict[str, Any]:
        nonce = secrets.token_urlsafe(24)
        kwargs = super().get_redirect_from_request_kwargs(request)
        # The first goes to the issuer, the second into the stored state.
        return kwargs | {"auth_params": {"nonce": nonce}, "nonce": nonce}

    def serialize(self) -> dict[str, Any]:
        # Three providers are of this class; the name tells which.
        return {"id": self.sub_id, "app.client_id": self.app.client_id}
