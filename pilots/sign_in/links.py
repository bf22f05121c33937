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


def stands(token: str) -> bool:
    """True while the link can be used; looking at it does not use it up."""
    return _standing(token).exists()


def use(token: str) -> Pilot:
    """The pilot the link signs in, for the first who asks; raises NotAuthenticated for everybody later."""
    # One UPDATE decides between two who press the button at once.
    if not _standing(token).update(used_at=timezone.now()):
        raise NotAuthenticated("This link was used before or has run out; make a new one with create_admin --link.")
    return SignInLink.objects.select_related("pilot").get(digest=_digest(token)).pilot


def _standing(token: str) -> QuerySet[SignInLink]:
    return SignInLink.objects.filter(
        digest=_digest(token), used_at=None, expires_at__gt=timezone.now(), pilot__is_active=True
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
