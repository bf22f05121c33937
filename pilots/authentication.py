"""From a request's credentials to its Caller: bearer token, API key, or the session of the web pages."""

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication, CSRFCheck
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from pilots import api_keys, tokens
from pilots.caller import Caller
from pilots.errors import NotAllowed, NotAuthenticated
from pilots.memberships import choose, memberships_of
from pilots.models import Membership, Pilot
from pilots.sign_in import second_factor, sessions


def caller_of_token(text: str) -> Caller:
    """The caller behind an access token or an API key."""
    if text.startswith(api_keys.PREFIX):
        key = api_keys.match(text)
        api_keys.note_use(key)
        return Caller.of_key(key)
    return tokens.caller_of(text)


def token_of(request: HttpRequest) -> str | None:
    """The bearer token or key a request shows in its headers; '' is one that cannot be read."""
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    key = request.headers.get("X-API-Key")
    if key is not None:
        return _key(key, scheme, credential.strip())
    return (credential.strip() if scheme.lower() == "bearer" else "") if scheme else None


def _key(key: str, scheme: str, credential: str) -> str:
    """The one key that is shown. Of two different credentials none is taken: which was meant is anybody's guess."""
    if scheme and credential != key:
        raise NotAuthenticated("Show one credential: Authorization or X-API-Key.", code="invalid_key")
    if not key.startswith(api_keys.PREFIX):
        raise NotAuthenticated("X-API-Key takes an API key, which begins with chm_.", code="invalid_key")
    return key


def caller_of(request: HttpRequest) -> Caller:
    """Who is asking; raises NotAuthenticated, and what `choose` raises where a session names no organization."""
    token = token_of(request)
    if token is not None:
        return caller_of_token(token)
    pilot = signed_in(request)
    membership = choose(pilot, request.headers.get("X-Organization"))
    second_factor.require(membership)
    return Caller.of_pilot(membership, credential=f"session:{request.session.session_key}")


def signed_in(request: HttpRequest) -> Pilot:
    """The pilot of the session, with the CSRF token checked as for any form."""
    pilot = request.user
    if not isinstance(pilot, Pilot):
        raise NotAuthenticated("Sign in, or send an access token or API key in the Authorization header.")
    # DRF's check answers with the reason instead of a page.
    refusal = CSRFCheck(lambda _: None).process_view(request, None, (), {})  # type: ignore[arg-type]
    if refusal is not None:
        raise PermissionDenied("The CSRF token is missing or wrong; reload the page and try again.", "csrf_failed")
    sessions.seen(request)
    return pilot


def person(request: HttpRequest) -> Pilot:
    """The person asking, whatever the organization; raises NotAllowed for an API key."""
    token = token_of(request)
    if token is None:
        return signed_in(request)
    caller = caller_of_token(token)
    if caller.kind != "pilot":
        raise NotAllowed("Only a pilot may do this; an API key cannot.")
    return Pilot.objects.get(pilot_id=caller.name)


def person_here(request: HttpRequest) -> tuple[Pilot, Membership | None]:
    """The person asking and the membership they act under; None where they are in no organization yet."""
    pilot = person(request)
    token = token_of(request)
    if token is not None:
        return pilot, choose(pilot, caller_of_token(token).organization.slug)
    slug = request.headers.get("X-Organization")
    return pilot, choose(pilot, slug) if slug or memberships_of(pilot) else None


class CallerAuthentication(BaseAuthentication):
    """DRF's view of `caller_of`: `request.auth` is the Caller."""

    def authenticate(self, request: Request) -> tuple[Any, Caller]:
        caller = caller_of(request._request)
        return CallingUser(), caller

    def authenticate_header(self, _request: Request) -> str:
        return 'Bearer realm="chameleon"'


class CallingUser(AnonymousUser):
    """Stands for whoever the Caller is: DRF asks a user only whether somebody was recognised."""

    is_authenticated = True  # type: ignore[assignment]
