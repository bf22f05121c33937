"""Is the process alive, and can it do its work?"""

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, InterfaceError, connections
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from chameleon.drain import drain
from pilots import replica


@require_safe
def health(_request: HttpRequest) -> JsonResponse:
    """200 while the process serves; asks nothing of anybody."""
    return JsonResponse({"status": "healthy"})


@require_safe
def ready(_request: HttpRequest) -> JsonResponse:
    """200 where the database answers, is migrated and the server is to stay, else 503. Redis only makes it quicker, and
    a replica the primary's work less."""
    states = {"database": _database(), "migrations": "unknown", "redis": _redis()}
    if states["database"] == "ok":
        states["migrations"] = _migrations()
    if replica.is_there():
        states["replica"] = _replica()
    usable = states["database"] == "ok" and states["migrations"] == "ok"
    word = ("degraded" if "unreachable" in states.values() else "ready") if usable else "unready"
    if drain.has_begun:
        usable, word = False, "draining"
    answer = JsonResponse({"status": word, **states}, status=200 if usable else 503)
    # Somebody wants it so: it is no error for the log, at each look of a proxy.
    answer._has_been_logged = drain.has_begun  # type: ignore[attr-defined]
    return answer


def _database() -> str:
    try:
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "unreachable"
    return "ok"


def _replica() -> str:
    try:
        replica.ask()
    except (DatabaseError, InterfaceError):
        return "unreachable"
    return "ok"


def _migrations() -> str:
    executor = MigrationExecutor(connections["default"])
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return f"{len(plan)} to apply: run manage.py migrate" if plan else "ok"


def _redis() -> str:
    if not settings.REDIS_URL:
        return "not configured"
    try:
        cache.get("ready")
    except OSError:
        return "unreachable"
    except Exception as error:  # redis-py's own errors share no base with Python's
        if type(error).__module__.startswith("redis"):
            return "unreachable"
        raise
    return "ok"
