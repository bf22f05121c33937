"""Where is read what may be a moment old? From the replica, where there is one that answers; else from the primary.

Whoever looks back, in history and reports, reads inside `reading()`. All else, and whatever is written, is the
primary's.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connections

logger = logging.getLogger(__name__)

ALIAS = "replica"
# One that did not answer is not asked again for so long.
RETRY_SECONDS = 10.0

_alias: ContextVar[str] = ContextVar("read_from", default=DEFAULT_DB_ALIAS)
_lock = threading.Lock()
_away_until = 0.0
_is_away = False


def is_there() -> bool:
    """Whether REPLICA_URL names one."""
    return ALIAS in connections


def alias() -> str:
    """What is read from at this moment, by its name in DATABASES."""
    return _alias.get()


@contextmanager
def reading() -> Iterator[None]:
    """What is read inside may come from the replica, and then may lack what happened within the last moments."""
    token = _alias.set(ALIAS if is_there() and _answers() else DEFAULT_DB_ALIAS)
    try:
        yield
    finally:
        _alias.reset(token)


def ask() -> None:
    """Raises what the database raises where the replica does not answer."""
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("SELECT 1")


class Router:
    """Of DATABASE_ROUTERS: brings `reading()` to Django's querysets, and keeps writes and migrations off a replica."""

    def db_for_read(self, _model: Any, **_hints: Any) -> str:
        return _alias.get()

    def db_for_write(self, _model: Any, **_hints: Any) -> str:
        return DEFAULT_DB_ALIAS

    def allow_relation(self, *_rows: Any, **_hints: Any) -> bool:
        # One and the same row, wherever it was read.
        return True

    def allow_migrate(self, alias: str, *_label: Any, **_hints: Any) -> bool | None:
        return False if alias == ALIAS else None


def _answers() -> bool:
    if time.monotonic() < _away_until:
        return False
    try:
        ask()
    except (DatabaseError, InterfaceError) as error:
        connections[ALIAS].close()
        _note_away(error)
        return False
    _note_there()
    return True


def _note_away(error: Exception) -> None:
    global _away_until, _is_away
    with _lock:
        _away_until = time.monotonic() + RETRY_SECONDS
        if not _is_away:
            logger.warning("the replica does not answer, the primary is read instead: %s", " ".join(str(error).split()))
        _is_away = True


def _note_there() -> None:
    global _is_away
    with _lock:
        if _is_away:
            logger.info("the replica answers again")
        _is_away = False
