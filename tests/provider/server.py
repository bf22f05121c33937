"""The local provider as a test sees it: who is there, how it misbehaves, and how the application is set up for it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from typing import Any

import httpx

from tests.provider.faults import FAULTS
from tests.provider.handler import Handler
from tests.provider.people import KINDS, OIDC_NAME, SECRET, TENANT, Grant, Person, everybody


class Faults(set[str]):
    """The misbehaviours switched on; a name that is not known would switch on nothing."""

    def add(self, name: str) -> None:
        if name not in FAULTS:
            raise KeyError(name)
        super().add(name)


@dataclass
class Provider:
    """The provider as a test sees it; see the package for how it is used."""

    address: str
    people: dict[str, dict[str, Person]] = field(default_factory=everybody)
    faults: Faults = field(default_factory=Faults)
    calls: list[str] = field(default_factory=list)
    codes: dict[str, Grant] = field(default_factory=dict)
    tokens: dict[str, Grant] = field(default_factory=dict)
    released: threading.Event = field(default_factory=threading.Event)

    @classmethod
    @contextmanager
    def running(cls, port: int = 0) -> Iterator["Provider"]:
        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        server.daemon_threads = True
        provider = cls(f"http://127.0.0.1:{server.server_port}")
        server.RequestHandlerClass = type("Handler", (Handler,), {"provider": provider})
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield provider
        finally:
            provider.released.set()
            server.shutdown()
            server.server_close()

    def environment(self, *kinds: str) -> dict[str, str]:
        """The variables that set these kinds up, or all of them, as an operator would."""
        own = {
            "github": {"GITHUB_URL": f"{self.address}/github"},
            "microsoft": {"AZURE_LOGIN_URL": f"{self.address}/azure", "AZURE_TENANT": TENANT},
            "google": {"GOOGLE_URL": f"{self.address}/google"},
            "oidc": {"OIDC_ISSUER": f"{self.address}/oidc", "OIDC_NAME": OIDC_NAME},
        }
        prefixes = {"github": "GITHUB", "microsoft": "AZURE", "google": "GOOGLE", "oidc": "OIDC"}
        found: dict[str, str] = {}
        for kind in kinds or KINDS:
            prefix = prefixes[kind]
            found |= own[kind] | {f"{prefix}_CLIENT_ID": f"{kind}-client", f"{prefix}_CLIENT_SECRET": SECRET}
        return found

    def answer(self, address: str, login: str | None) -> str:
        """Presses "Continue as …" on the authorize page at `address`, None presses "Cancel"; where that leads back."""
        answer = httpx.post(address, data={"person": login or ""})
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def reset(self) -> None:
        """Everybody as they were, no faults, nothing remembered."""
        self.people = everybody()
        for kept in (self.faults, self.calls, self.codes, self.tokens):
            kept.clear()

    def issuer(self, kind: str) -> str:
        return f"{self.address}/azure/{TENANT}/v2.0" if kind == "microsoft" else f"{self.address}/{kind}"

    def discovery(self, kind: str) -> dict[str, Any]:
        issuer = self.issuer(kind)
        base = issuer.removesuffix("/v2.0") + "/oauth2/v2.0" if kind == "microsoft" else issuer
        origin = (
            self.address.replace("127.0.0.1", "localhost") if "authorize_elsewhere" in self.faults else self.address
        )
        return {
            "issuer": "https://issuer.example" if "discovery_other_issuer" in self.faults else issuer,
            "authorization_endpoint": f"{base}/authorize".replace(self.address, origin),
            "token_endpoint": f"{base}/token",
            "userinfo_endpoint": f"{base}/userinfo",
            "jwks_uri": f"{base}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }
