"""Sessions of the web pages: begun, seen, prolonged, listed, and ended with all that hangs on them.

A session ends 12 hours after it was last seen and 7 days after its sign-in (session_store.py). With it end the refresh
tokens it began; open sockets ask every few seconds whether it stands.
"""

import hashlib
import ipaddress
from collections.abc import Iterable
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.core.cache.backends.locmem import LocMemCache
from django.db.models import Q
from django.dispatch import Signal
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from pilots.addresses import client_address
from pilots.database import writing
from pilots.models import Pilot, RefreshFamily
from pilots.sign_in.session_store import BEGUN, SessionStore, expiry_date

# Seen more often, nothing is written.
SEEN_SECONDS = 60
PROLONG_SECONDS = 300
# Behind a socket file there is no address, and the list of sessions wants one.
NO_ADDRESS = "0.0.0.0"  # noqa: S104

# Sent inside the transaction that ends sign-ins. `which` says which, of rows that have a `pilot` and a `session_key`.
ended = Signal()

# What this process has noted in the last minute; another process may note the same once more.
_noted = LocMemCache("sessions-seen", {"OPTIONS": {"MAX_ENTRIES": 20_000}})


def begin(request: HttpRequest, user: Pilot, **_signal: Any) -> None:
    """Hears that somebody signs in, by whatever way: the clock of the session starts, and the list shows it."""
    request.session[BEGUN] = int(timezone.now().timestamp())
    if request.session.session_key is None:
        request.session.save()
    _list(request, user, created_at=timezone.now())


def seen(request: HttpRequest) -> None:
    """The pilot of the session is there: noted at most once a minute, and the session lives on."""
    key = request.session.session_key
    if key and isinstance(request.user, Pilot) and _is_due(key):
        _list(request, request.user)
        _prolong(key, _deadline(request.session))


def prolong(session_key: str) -> None:
    """An open page renews its token: that counts as being there."""
    if _is_due(session_key):
        UserSession.objects.filter(session_key=session_key).update(last_seen_at=timezone.now())
        _prolong(session_key, deadline(session_key))


def pilot_of(session_key: str) -> Pilot | None:
    """Who is signed in by this session; None where it has ended. A changed password ends it too.

    Reads only: Django's own `get_user` may renew the session's key, and not every answer can carry a new cookie.
    """
    session = _session(session_key)
    pilot = Pilot.objects.filter(pk=session.get(SESSION_KEY, 0), is_active=True).first()
    return pilot if pilot is not None and _proves(session, pilot) else None


def stands(session_key: str) -> bool:
    """True while somebody is signed in by this session."""
    return pilot_of(session_key) is not None


def deadline(session_key: str) -> datetime | None:
    """When the session ends whatever happens; None where nobody is signed in by it."""
    return _deadline(_session(session_key))


def of(pilot: Pilot) -> list[UserSession]:
    """The pilot's sessions that stand, the one seen last first; the list forgets the others."""
    listed = UserSession.objects.filter(user=pilot)
    kept = Session.objects.filter(session_key__in=listed.values("session_key"), expire_date__gt=timezone.now())
    held = {row.session_key: SessionStore().decode(row.session_data) for row in kept}
    standing = [key for key, data in held.items() if data.get(SESSION_KEY) == str(pilot.pk) and _proves(data, pilot)]
    listed.exclude(session_key__in=standing).delete()
    return list(listed.order_by("-last_seen_at", "-pk"))


def end(session_key: str, request: HttpRequest | None = None) -> None:
    """Signs the session out, wherever it is open; its cookie goes with it where it is the request's own."""
    if request is not None and request.session.session_key == session_key:
        request.session.flush()
    end_these([session_key])


def end_all_of(pilot: Pilot, keep: str = "") -> int:
    """Ends everything the pilot is signed in with, but for the session to keep; returns how many sessions ended."""
    rows = UserSession.objects.filter(user=pilot).exclude(session_key=keep)
    with writing():
        count = end_these(list(rows.values_list("session_key", flat=True)))
        # Those that a password began over the API have no session.
        _end_what_hangs_on(Q(pilot=pilot) & ~Q(session_key=keep or None))
    return count


def end_these(session_keys: Iterable[str]) -> int:
    """Ends sessions and the refresh tokens they began; returns how many sessions there were."""
    keys = list(session_keys)
    with writing():
        _end_what_hangs_on(Q(session_key__in=keys))
        count, _ = Session.objects.filter(session_key__in=keys).delete()
        UserSession.objects.filter(session_key__in=keys).delete()
    return count


def end_everything() -> int:
    """Signs everybody out; returns how many sessions ended."""
    with writing():
        _end_what_hangs_on(Q())
        UserSession.objects.all().delete()
        return Session.objects.all().delete()[0]


def end_with_sign_out(request: HttpRequest | None = None, **_signal: Any) -> None:
    """Hears that somebody signs out on a page: the tokens end too, and the list forgets the session."""
    if request is not None and request.session.session_key:
        with writing():
            _end_what_hangs_on(Q(session_key=request.session.session_key))
            UserSession.objects.filter(session_key=request.session.session_key).delete()


def _list(request: HttpRequest, pilot: Pilot, **fields: datetime) -> None:
    client = _client(request) | {"user": pilot, "last_seen_at": timezone.now()} | fields
    UserSession.objects.update_or_create(session_key=request.session.session_key, defaults=client)


def _proves(session: SessionBase | dict[str, Any], pilot: Pilot) -> bool:
    """Whether it was begun with the password that the pilot has now."""
    proof = session.get(HASH_SESSION_KEY, "")
    valid = [pilot.get_session_auth_hash(), *pilot.get_session_auth_fallback_hash()]
    return any(constant_time_compare(proof, each) for each in valid)


def _end_what_hangs_on(which: Q) -> None:
    RefreshFamily.across_organizations.filter(which, revoked_at=None).update(revoked_at=timezone.now())
    ended.send(sender=UserSession, which=which)


def _is_due(session_key: str) -> bool:
    return _noted.add(hashlib.sha256(session_key.encode()).hexdigest(), True, SEEN_SECONDS)


def _prolong(session_key: str, end: datetime | None) -> None:
    until = expiry_date(end)
    # Only the moment is written: what the session holds is written by whoever changes it.
    late = until - timedelta(seconds=PROLONG_SECONDS)
    Session.objects.filter(session_key=session_key, expire_date__lt=late).update(expire_date=until)


def _deadline(session: SessionBase) -> datetime | None:
    return session.deadline() if isinstance(session, SessionStore) else None


def _session(session_key: str) -> SessionBase:
    session: SessionBase = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    return session


def _client(request: HttpRequest) -> dict[str, Any]:
    agent = request.headers.get("User-Agent", "")[: UserSession._meta.get_field("user_agent").max_length]
    try:
        address = str(ipaddress.ip_address(client_address(request)))
    except ValueError:
        address = NO_ADDRESS
    return {"ip": address, "user_agent": agent}
