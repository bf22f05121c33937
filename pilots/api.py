"""The API about oneself: tokens to sign in with, and the pilot's own profile."""

from datetime import UTC

from django.conf import settings
from django.http import HttpResponse

from pilots import profile, tokens, wire
from pilots.addresses import client_address
from pilots.authentication import person_here, signed_in
from pilots.database import writing
from pilots.errors import InvalidInput, NotAuthenticated
from pilots.inputs import Schema, object_of
from pilots.memberships import choose
from pilots.models import Pilot
from pilots.operations import Call, answer, operation
from pilots.sign_in import leaving, password, sessions, telling
from pilots.tokens import REFRESH_COOKIE, REFRESH_PATH, Page, TokenPair

_TEXT: Schema = {"type": "string"}
SIGN_IN = object_of(
    {
        "pilot_id": {"type": "string", "minLength": 1, "maxLength": 255},
        "password": {"type": "string", "minLength": 1, "maxLength": 4096},
        "code": {"type": "string", "maxLength": 64},
        "organization": {"type": "string", "minLength": 1, "maxLength": 63},
    }
)
TOKEN: Schema = {
    "type": "object",
    "properties": {
        "access": _TEXT,
        "token": _TEXT,
        "expires_at": {"type": "string", "format": "date-time"},
        "pilot_id": _TEXT,
        "role": {"type": "string", "enum": ["VIEWER", "OPERATOR", "ADMIN"]},
        "organization": _TEXT,
    },
    "required": ["access", "token", "expires_at", "pilot_id", "role", "organization"],
}
PILOT: Schema = {"$ref": "#/components/schemas/Pilot"}
_TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
COMPONENTS: dict[str, Schema] = {
    "Pilot": {
        "type": "object",
        "properties": {
            "pilot_id": _TEXT,
            "name": _TEXT,
            "email": _TEXT,
            "role": {"enum": ["VIEWER", "OPERATOR", "ADMIN", None]},
            "last_login": {"type": ["string", "null"], "format": "date-time"},
            "oauth_provider": _TEXT,
            "oauth_id": _TEXT,
            "organization": _TEXT_OR_NULL,
            "timezone": _TEXT,
            "expertise_tags": {"type": "array", "items": _TEXT},
            "working_hours": {"type": "object"},
            "on_duty": {"type": "boolean"},
            "notifications": {"type": "object"},
        },
    }
}
COMPONENTS["Pilot"]["required"] = list(COMPONENTS["Pilot"]["properties"])


@operation(answers={200: TOKEN}, body=SIGN_IN, tag="sign-in", public=True)
def get_token(call: Call) -> HttpResponse:
    """Sign in by password, or by the session of the web pages.

    The refresh token comes in a cookie only. `code` is asked for where the pilot uses a second factor.
    """
    pilot, session_key = _who(call)
    # Pages name their organization by header, here as everywhere.
    organization = call.body.get("organization") or call.request.headers.get("X-Organization")
    with writing():
        pair = tokens.issue(choose(pilot, organization), session_key)
        # A session was told of when it began.
        if not session_key:
            telling.signed_in(pilot, "password", client_address(call.request), through="token")
    return _tokens(pair)


@operation(answers={200: TOKEN}, tag="sign-in", public=True)
def refresh_token(call: Call) -> HttpResponse:
    """Get a new access token for the refresh cookie, which is rotated.

    With `X-Organization`, as pages send it, only a sign-in of that organization and of the page's own session is
    renewed; another tab's is refused with `other_page`.
    """
    request = call.request
    organization = request.headers.get("X-Organization")
    page = Page(organization, request.session.session_key) if organization else None
    return _tokens(tokens.rotate(_refresh_cookie(call), page, client_address(request)))


@operation(answers={200: object_of({})}, tag="sign-in", public=True)
def revoke_token(call: Call) -> HttpResponse:
    """Sign out: the refresh cookie, the tokens descended from it and the session end."""
    cookie = call.request.COOKIES.get(REFRESH_COOKIE)
    if not cookie:
        # Nor is the browser cleared: a page elsewhere could ask for it, for it cannot send the cookie.
        return answer({})
    session_key = tokens.revoke(cookie, client_address(call.request))
    if session_key:
        sessions.end(session_key, call.request)
    return leaving.clear(answer({}))


@operation(answers={200: PILOT}, tag="pilots")
def get_me(call: Call) -> HttpResponse:
    """Read your own profile."""
    return answer(wire.pilot(*person_here(call.request)))


@operation(answers={200: PILOT}, body=profile.CHANGES, tag="pilots")
def change_me(call: Call) -> HttpResponse:
    """Change your own profile."""
    pilot, membership = person_here(call.request)
    return answer(wire.pilot(profile.change(pilot, call.body), membership))


def _who(call: Call) -> tuple[Pilot, str]:
    """The pilot who signs in, and the key of the session that vouches for them, if that is how."""
    body = call.body
    if "pilot_id" not in body and "password" not in body:
        return signed_in(call.request), str(call.request.session.session_key)
    for name in ("pilot_id", "password"):
        if name not in body:
            raise InvalidInput.field(name, "is required")
    address = client_address(call.request)
    return password.sign_in(body["pilot_id"], body["password"], body.get("code"), address), ""


def _refresh_cookie(call: Call) -> str:
    cookie = call.request.COOKIES.get(REFRESH_COOKIE)
    if not cookie:
        raise NotAuthenticated("There is no refresh cookie; sign in again.")
    return cookie


def _tokens(pair: TokenPair) -> HttpResponse:
    membership = pair.membership
    response = answer(
        {
            "access": pair.access,
            # What clients of Phase 2 look for.
            "token": pair.access,
            "expires_at": wire.moment(pair.expires_at),
            "pilot_id": membership.pilot.pilot_id,
            "role": membership.role,
            "organization": membership.organization.slug,
        }
    )
    response.set_cookie(
        REFRESH_COOKIE,
        pair.refresh,
        expires=pair.refresh_expires_at.astimezone(UTC),
        path=REFRESH_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )
    return response
