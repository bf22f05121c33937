"""Who opens a socket: its scope read into a Caller, or the close code that answers it."""

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host
from django.utils.http import is_same_domain

from interventions import policy
from interventions.live.sockets import FORBIDDEN, UNAUTHENTICATED
from pilots.authentication import caller_of_token
from pilots.caller import Caller
from pilots.errors import DomainError, NotAllowed, NotAuthenticated
from pilots.memberships import choose
from pilots.sign_in import second_factor, sessions

SESSION = "session:"


class Refused(Exception):
    """No entrance; `code` closes the socket."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def program(scope: Mapping[str, Any]) -> Caller:
    """The caller behind a token or key, else behind the session cookie of a page we trust; may read, else Refused."""
    token = _token(scope)
    caller = _of_token(token) if token is not None else _of_session(scope, _query(scope, "organization"))
    if not policy.may(caller, "read"):
        raise Refused(FORBIDDEN)
    return caller


def console(scope: Mapping[str, Any], slug: str) -> Caller:
    """The pilot of our own page, in the organization that the address names."""
    return _of_session(scope, slug)


def _of_token(token: str) -> Caller:
    try:
        return caller_of_token(token)
    except NotAuthenticated as error:
        raise Refused(FORBIDDEN if error.code == "no_membership" else UNAUTHENTICATED) from error
    except NotAllowed as error:
        raise Refused(FORBIDDEN) from error


def _of_session(scope: Mapping[str, Any], slug: str | None) -> Caller:
    session_key = _cookie(scope, settings.SESSION_COOKIE_NAME) if _comes_from_us(scope) else None
    pilot = sessions.pilot_of(session_key) if session_key else None
    if pilot is None:
        raise Refused(UNAUTHENTICATED)
    try:
        membership = choose(pilot, slug)
        second_factor.require(membership)
        return Caller.of_pilot(membership, credential=f"{SESSION}{session_key}")
    except DomainError as error:
        raise Refused(FORBIDDEN) from error


def _token(scope: Mapping[str, Any]) -> str | None:
    """The token shown; None where there is none and the cookie may speak."""
    token = _query(scope, "token")
    if token:
        return token
    scheme, _, credential = header(scope, b"authorization").partition(" ")
    if scheme:
        return credential.strip() if scheme.lower() == "bearer" else ""
    return header(scope, b"x-api-key") or None


def _comes_from_us(scope: Mapping[str, Any]) -> bool:
    """A browser sends cookies along whoever's page opens the socket, and says whose page it is in `Origin`."""
    origin, host = header(scope, b"origin").lower(), header(scope, b"host").lower()
    try:
        parts = urlsplit(origin)
    except ValueError:
        # No browser sends this.
        return False
    if not parts.netloc:
        return False
    if parts.netloc == host or _without_port(parts.netloc, parts.scheme) == _without_port(host, parts.scheme):
        return validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS)
    return any(_matches(parts.scheme, parts.netloc, trusted) for trusted in settings.CSRF_TRUSTED_ORIGINS)


def _matches(scheme: str, netloc: str, trusted: str) -> bool:
    pattern = urlsplit(trusted.lower())
    return scheme == pattern.scheme and is_same_domain(netloc, pattern.netloc.removeprefix("*"))


def _without_port(netloc: str, scheme: str) -> str:
    return netloc.removesuffix(":443" if scheme == "https" else ":80")


def header(scope: Mapping[str, Any], name: bytes) -> str:
    """The header's value; one that was sent twice has both, as everywhere in Django."""
    return ",".join(value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name)


def _query(scope: Mapping[str, Any], name: str) -> str | None:
    values = parse_qs(scope.get("query_string", b"").decode("latin-1")).get(name)
    return values[0] if values else None


def _cookie(scope: Mapping[str, Any], name: str) -> str | None:
    try:
        morsel = SimpleCookie(header(scope, b"cookie")).get(name)
    except CookieError:
        return None
    # What quoting can smuggle in, no session key has.
    return morsel.value if morsel and morsel.value.isalnum() else None
