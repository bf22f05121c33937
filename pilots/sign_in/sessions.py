"""Does a session of the web pages still stand, and how is it ended from outside?"""

from importlib import import_module

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest


def stands(session_key: str) -> bool:
    """True while somebody is signed in by this session."""
    return SESSION_KEY in _session(session_key)


def end(request: HttpRequest, session_key: str) -> None:
    """Signs the session out, wherever it is open; its cookie goes with it where it is the request's own."""
    if request.session.session_key == session_key:
        request.session.flush()
    else:
        _session(session_key).delete()


def _session(session_key: str) -> SessionBase:
    session: SessionBase = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    return session
