"""Does a session of the web pages still stand, whose is it, and how is it ended from outside?"""

from importlib import import_module

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from pilots.models import Pilot


def pilot_of(session_key: str) -> Pilot | None:
    """Who is signed in by this session; None where it has ended. A changed password ends it too.

    Reads only: Django's own `get_user` may renew the session's key, and not every answer can carry a new cookie.
    """
    session = _session(session_key)
    pilot = Pilot.objects.filter(pk=session.get(SESSION_KEY), is_active=True).first()
    if pilot is None:
        return None
    proof = session.get(HASH_SESSION_KEY, "")
    valid = [pilot.get_session_auth_hash(), *pilot.get_session_auth_fallback_hash()]
    return pilot if any(constant_time_compare(proof, each) for each in valid) else None


def stands(session_key: str) -> bool:
    """True while somebody is signed in by this session."""
    return pilot_of(session_key) is not None


def end(session_key: str, request: HttpRequest | None = None) -> None:
    """Signs the session out, wherever it is open; its cookie goes with it where it is the request's own."""
    if request is not None and request.session.session_key == session_key:
        request.session.flush()
    else:
        _session(session_key).delete()


def _session(session_key: str) -> SessionBase:
    session: SessionBase = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    return session
