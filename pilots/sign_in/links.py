"""One-time sign-in links: made by an operator at the command line, opened once, within minutes."""

import hashlib
import secrets
from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone

from pilots.errors import NotAuthenticated
from pilots.models import Pilot, SignInLink

LIFETIME = timedelta(minutes=15)


def make(pilot: Pilot) -> str:
    """The token of a new link; earlier ones of this pilot, not yet opened, end with it."""
    moment = timezone.now()
    SignInLink.objects.filter(pilot=pilot, used_at=None).update(used_at=moment)
    token = secrets.token_urlsafe(32)
    SignInLink.objects.create(pilot=pilot, digest=_digest(token), expires_at=moment + LIFETIME)
    return token


def look(token: str) -> Pilot:
    """The pilot the link would sign in; looking at it does not use it up. Raises NotAuthenticated as `use` does."""
    link = _standing(token).select_related("pilot").first()
    if link is None:
        raise _dead()
    return link.pilot


def use(token: str) -> Pilot:
    """The pilot the link signs in, for the first who asks; raises NotAuthenticated for everybody later."""
    # One UPDATE decides between two who press the button at once.
    if not _standing(token).update(used_at=timezone.now()):
        raise _dead()
    return SignInLink.objects.select_related("pilot").get(digest=_digest(token)).pilot


def _dead() -> NotAuthenticated:
    return NotAuthenticated("This link was used before or has run out; make a new one with create_admin --link.")


def _standing(token: str) -> QuerySet[SignInLink]:
    return SignInLink.objects.filter(
        digest=_digest(token), used_at=None, expires_at__gt=timezone.now(), pilot__is_active=True
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
