"""Which providers can pilots sign in with? Read from the environment; one that is set up badly is not offered.

A provider appears when both its id and its secret are set. What keeps one from appearing is told by `manage.py check`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.utils.text import slugify

# Looks a variable up; an empty text where it is not set.
type Get = Callable[[str], str]

AZURE = "https://login.microsoftonline.com"
GITHUB = "https://github.com"
GOOGLE = "https://accounts.google.com"
# Each admits accounts of any directory; the long one is the directory of all personal accounts.
OPEN_TENANTS = {"common", "organizations", "consumers", "9188040d-6c67-4c5b-b112-36a304b66dad"}
_TENANT = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]+")
# Names that a stored account of another provider could be taken for.
_TAKEN_NAMES = {"github", "microsoft", "google", "openid_connect", "local", "login", "3rdparty"}


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with a variable, for `manage.py check`; a grave one is an error there."""

    id: str
    message: str
    hint: str
    is_grave: bool = False


@dataclass
class Providers:
    """What the settings take over."""

    settings: dict[str, dict[str, Any]]
    # Where the sign-in form may lead, for browsers that check a form's whole way.
    origins: list[str] = field(default_factory=list)
    complaints: list[Complaint] = field(default_factory=list)

    def _offer(self, provider: str, url: str, app: dict[str, Any]) -> None:
        self.settings[provider]["APPS"].append(app)
        parts = urlsplit(url)
        self.origins.append(f"{parts.scheme}://{parts.netloc}")

    def _complain(self, id: str, message: str, hint: str, *, is_grave: bool = False) -> None:
        self.complaints.append(Complaint(id, message, hint, is_grave))


def read(get: Get) -> Providers:
    """The providers that are set up, each with PKCE, and what is wrong with the others."""
    found = Providers(
        {
            "github": {"provider_class": "pilots.sign_in.providers.GitHub", "OAUTH_PKCE_ENABLED": True, "APPS": []},
            "openid_connect": {
                "provider_class": "pilots.sign_in.providers.OpenIDConnect",
                "OAUTH_PKCE_ENABLED": True,
                "APPS": [],
            },
        }
    )
    for add in (_github, _microsoft, _google, _generic):
        add(get, found)
    return found


def _github(get: Get, found: Providers) -> None:
    if (app := _client(get, "GITHUB", found)) and (url := _url(get, "GITHUB_URL", GITHUB, found)):
        found._offer("github", url, app | {"name": "GitHub", "settings": {"url": url}})


def _microsoft(get: Get, found: Providers) -> None:
    app = _client(get, "AZURE", found)
    tenant = get("AZURE_TENANT").strip().lower()
    if app is None:
        return
    if tenant in OPEN_TENANTS or not _TENANT.fullmatch(tenant):
        said = f"AZURE_TENANT is {tenant!r}" if tenant else "AZURE_TENANT is not set"
        found._complain(
            "chameleon.E101",
            f"{said}: accounts of any directory could sign in. Microsoft is not offered.",
            "Set it to your directory's id or its domain, as in contoso.onmicrosoft.com.",
            is_grave=True,
        )
    elif url := _url(get, "AZURE_LOGIN_URL", AZURE, found):
        issuer = f"{url}/{tenant}/v2.0"
        own = {"issuer": issuer, "tenant": tenant}
        found._offer("openid_connect", url, app | {"provider_id": "microsoft", "name": "Microsoft", "settings": own})


def _google(get: Get, found: Providers) -> None:
    if (app := _client(get, "GOOGLE", found)) and (url := _url(get, "GOOGLE_URL", GOOGLE, found)):
        own = {"issuer": url}
        found._offer("openid_connect", url, app | {"provider_id": "google", "name": "Google", "settings": own})


def _generic(get: Get, found: Providers) -> None:
    app = _client(get, "OIDC", found, ("OIDC_ISSUER",))
    if app is None or not (issuer := _url(get, "OIDC_ISSUER", "", found)):
        return
    # The name stands in addresses and in pilots' ids.
    name = get("OIDC_NAME").strip() or "sso"
    id = name if re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z._-]{0,30}", name) else slugify(name)[:31]
    if not id or id.lower() in _TAKEN_NAMES:
        found._complain(
            "chameleon.E103",
            f"OIDC_NAME is {name!r}, which cannot stand in a pilot's id. The issuer is not offered.",
            "Choose a short name of letters, digits and -, as in keycloak; not that of another provider.",
            is_grave=True,
        )
        return
    found._offer("openid_connect", issuer, app | {"provider_id": id, "name": name[:40], "settings": {"issuer": issuer}})


def _client(get: Get, prefix: str, found: Providers, more: tuple[str, ...] = ()) -> dict[str, Any] | None:
    """Id and secret; None where one of the variables lacks."""
    names = (*more, f"{prefix}_CLIENT_ID", f"{prefix}_CLIENT_SECRET")
    values = {name: get(name).strip() for name in names}
    lacking = [name for name in names if not values[name]]
    if lacking and len(lacking) < len(names):
        there = " and ".join(name for name in names if values[name])
        message = f"{there} is set, but not {' and '.join(lacking)}. The provider is not offered."
        found._complain("chameleon.W102", message, "Set all of them, or none.")
    if lacking:
        return None
    return {"client_id": values[f"{prefix}_CLIENT_ID"], "secret": values[f"{prefix}_CLIENT_SECRET"]}


def _url(get: Get, name: str, default: str, found: Providers) -> str | None:
    """An https address without its last slash; plain http is for tests, and complained about."""
    url = (get(name).strip() or default).removesuffix("/.well-known/openid-configuration").rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        message = f"{name} is {url!r}, which is no address. The provider is not offered."
        found._complain("chameleon.E104", message, "Write it as https://host or https://host/path.", is_grave=True)
        return None
    if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        message = f"{name} is plain http: whoever is on the way can sign in as anybody."
        found._complain("chameleon.W105", message, "Use https.")
    return url
