"""How an OpenID Connect issuer is asked who somebody is: Microsoft, Google, or the one generic issuer."""

import re
from functools import cached_property
from typing import Any

from django.http import HttpRequest

from pilots.sign_in import id_tokens
from pilots.sign_in.asking import Asking, email_in
from pilots.sign_in.identities import Identity
from pilots.sign_in.trouble import Trouble, understood


class AskingIssuer(Asking):
    """OpenID Connect with discovery. The id_token says who it is; userinfo only adds name and e-mail."""

    @cached_property
    def found(self) -> dict[str, Any]:
        """The issuer's discovery document."""
        expected: str = self.app.settings["issuer"]
        with understood("the discovery document"):
            document: dict[str, Any] = self.fetch(f"{expected}/.well-known/openid-configuration")
            issuer = str(document["issuer"])
            # A directory named by its domain answers with its id.
            is_right = issuer.rstrip("/") == expected or ("tenant" in self.app.settings and self._tenant_in(issuer))
        if not is_right:
            raise Trouble("untrusted", "the discovery document is of another issuer")
        return document

    @property
    def authorize_url(self) -> str:
        with understood("the discovery document"):
            return str(self.found["authorization_endpoint"])

    @property
    def access_token_url(self) -> str:
        with understood("the discovery document"):
            return str(self.found["token_endpoint"])

    @property
    def basic_auth(self) -> bool:
        methods = self.found.get("token_endpoint_auth_methods_supported") or []
        return "client_secret_post" not in methods and "client_secret_basic" in methods

    def get_access_token_data(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        # RFC 9207: an issuer that names itself in the answer must be the one that was asked.
        if request.GET.get("iss", self.found["issuer"]) != self.found["issuer"]:
            raise Trouble("untrusted", "the answer is of another issuer")
        return super().get_access_token_data(request, *args, **kwargs)

    def identify(self, access_token: str, answer: dict[str, Any]) -> Identity:
        claims = id_tokens.claims_of(
            str(answer["id_token"]),
            self.fetch(self.found["jwks_uri"]),
            issuer=self.found["issuer"],
            client_id=self.app.client_id,
            nonce=self.state.get("nonce", ""),
        )
        claims = self._with_userinfo(claims, access_token)
        issuer: str = self.found["issuer"]
        return Identity(
            self.provider_id,
            issuer,
            self._id(claims),
            login=str(claims.get("preferred_username") or ""),
            name=str(claims.get("name") or ""),
            email=email_in(claims.get("email")),
            email_verified=is_verified(self.provider_id, claims),
        )

    def _id(self, claims: dict[str, Any]) -> str:
        if self.provider_id != "microsoft":
            return str(claims["sub"])
        tenant = str(claims["tid"])
        given: str = self.app.settings["tenant"]
        if f"/{tenant}/" not in f"{self.found['issuer']}/" or (_is_guid(given) and tenant.lower() != given.lower()):
            raise Trouble("directory", "id_token, tid")
        return str(claims["oid"])

    def _with_userinfo(self, claims: dict[str, Any], access_token: str) -> dict[str, Any]:
        if ("email" in claims and "name" in claims) or "userinfo_endpoint" not in self.found:
            return claims
        more = self.fetch_if_allowed(self.found["userinfo_endpoint"], access_token)
        if more is None:
            return claims
        if more["sub"] != claims["sub"]:
            raise Trouble("untrusted", "userinfo is about somebody else")
        return dict(more) | claims

    def _tenant_in(self, issuer: str) -> bool:
        base, _, _ = self.app.settings["issuer"].rpartition(f"/{self.app.settings['tenant']}/")
        tenant = issuer.removeprefix(f"{base}/").removesuffix("/v2.0")
        return issuer == f"{base}/{tenant}/v2.0" and _is_guid(tenant) and not _is_guid(self.app.settings["tenant"])


def is_verified(provider: str, claims: dict[str, Any]) -> bool:
    if provider == "microsoft":
        # An admin of a directory writes any address into it; this optional claim says that its domain is theirs.
        return claims.get("xms_edov") in (True, 1, "1", "true")
    said = claims.get("email_verified") in (True, "true")
    if provider == "google":
        # Google answers for its own mail and for the domains of its customers; others it only looked at once.
        return said and bool(claims.get("hd") or str(claims.get("email")).endswith("@gmail.com"))
    return said


def _is_guid(text: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text.lower()) is not None
