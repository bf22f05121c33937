"""Can Chameleon do its work as it is set up here? What `manage.py doctor` asks, and what it advises."""

import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import redis
from django.conf import settings
from django.core import checks
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor

from interventions.lifecycle import OPEN
from interventions.models import Intervention
from pilots import database, replica, row_security, statements
from pilots.api_keys import EXPIRES_SOON
from pilots.models import ApiKey, Membership

# A worker marks what is past its deadline within a second; later than this nobody is doing it.
LATE = timedelta(seconds=10)
SKEW = timedelta(seconds=2)
LEAST_POSTGRESQL = 150000
MAX_KEYS = 10


@dataclass(frozen=True, slots=True)
class Finding:
    subject: str
    state: Literal["ok", "warning", "failed"]
    text: str


def examine() -> list[Finding]:
    """Every finding, the good ones too. What needs a database is not asked where there is none."""
    findings = [*_settings(), *_redis()]
    reached = _guarded("database", _database)
    findings += reached
    if all(finding.state != "failed" for finding in reached):
        migrated = _guarded("migrations", _migrations)
        # Some checks ask the database what it can do.
        findings += [*_guarded("settings", _checks), *migrated]
        if migrated[0].state == "ok":
            findings += [*_guarded("clock", _clock), *_guarded("worker", _worker), *_guarded("pilots", _pilots)]
            findings += [*_guarded("keys", _keys), *_guarded("walls", _walls)]
            findings += [*_guarded("connections", _connections), *_guarded("replica", _replica)]
    return findings


def _guarded(subject: str, ask: Callable[[], Iterator[Finding]]) -> list[Finding]:
    try:
        return list(ask())
    except DatabaseError as error:
        text = " ".join(str(error).split())
        return [Finding(subject, "failed", f"the database does not answer: {text}. See DATABASE_URL.")]


def _settings() -> Iterator[Finding]:
    if settings.DEBUG:
        yield Finding("settings", "warning", "DEBUG is on: right for a trial on your own machine, wrong for a server.")
    else:
        yield Finding("settings", "ok", f"DEBUG is off; answers to {', '.join(settings.ALLOWED_HOSTS)}.")


def _checks() -> Iterator[Finding]:
    for message in checks.run_checks(include_deployment_checks=not settings.DEBUG):
        if not message.is_silenced() and message.level >= checks.WARNING:
            state: Literal["warning", "failed"] = "failed" if message.level >= checks.ERROR else "warning"
            yield Finding("settings", state, f"{message.id}: {' '.join(str(message.msg).split())}")


def _redis() -> Iterator[Finding]:
    if not settings.REDIS_URL:
        yield Finding("redis", "ok", "not configured: one server process, which does the background work too.")
        return
    try:
        redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1).ping()
    except (redis.RedisError, OSError, ValueError) as error:
        yield Finding(
            "redis", "failed", f"does not answer: {error}. See REDIS_URL; until then live news take a second."
        )
    else:
        yield Finding("redis", "ok", "answers.")


def _database() -> Iterator[Finding]:
    connection.ensure_connection()
    if connection.vendor == "sqlite":
        yield Finding("database", "ok", "SQLite answers: right for one server process; several need PostgreSQL.")
    elif connection.vendor == "postgresql" and connection.pg_version < LEAST_POSTGRESQL:  # type: ignore[attr-defined]
        yield Finding("database", "failed", "PostgreSQL is older than version 15.")
    else:
        yield Finding("database", "ok", f"{connection.display_name} answers.")


def _walls() -> Iterator[Finding]:
    """Does row-level security stand, and does it bind us?"""
    if connection.vendor != "postgresql":
        return
    role, unwalled = row_security.role_that_passes(), row_security.unwalled_tables()
    if role:
        advice = "it is a superuser or has BYPASSRLS. Work as a plain role, see docs/operations.md."
        yield Finding("walls", "warning", f"row-level security does not bind the role {role}: {advice}")
    if unwalled:
        tables = ", ".join(unwalled)
        yield Finding("walls", "failed", f"without row-level security: {tables}. Run manage.py migrate.")
    if preset := row_security.told_beforehand():
        yield Finding("walls", "failed", f"{statements.SETTING} is set to {preset!r} for everybody: take that away.")
    if not role and not unwalled and not preset:
        yield Finding("walls", "ok", "row-level security keeps organizations apart.")


def _connections() -> Iterator[Finding]:
    """Are there enough of them for all processes?"""
    pool = connection.settings_dict["OPTIONS"].get("pool")
    if connection.vendor != "postgresql" or not pool:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_backend_pid(), current_setting('max_connections')::int"
            " - current_setting('superuser_reserved_connections')::int"
        )
        backend, room = cursor.fetchone()
    each = pool["max_size"]
    if backend != connection.connection.info.backend_pid:
        yield Finding("connections", "ok", "a pooler stands before PostgreSQL.")
    elif room < 2 * each:
        advice = "lower it, raise max_connections, or put PgBouncer in between."
        text = f"PostgreSQL lets in {room}, too few for a server and a worker of DATABASE_POOL={each}: {advice}"
        yield Finding("connections", "warning", text)
    else:
        text = f"PostgreSQL lets in {room}: {room // each} processes of DATABASE_POOL={each}, workers among them."
        yield Finding("connections", "ok", text)


def _replica() -> Iterator[Finding]:
    if not replica.is_there():
        return
    try:
        replica.ask()
    except (DatabaseError, InterfaceError) as error:
        text = " ".join(str(error).split())
        yield Finding("replica", "warning", f"does not answer, the primary is read instead: {text}. See REPLICA_URL.")
    else:
        yield Finding("replica", "ok", "answers.")


def _migrations() -> Iterator[Finding]:
    executor = MigrationExecutor(connection)
    missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if missing:
        yield Finding("migrations", "failed", f"{missing} to apply: run manage.py migrate.")
    else:
        yield Finding("migrations", "ok", "all applied.")


def _clock() -> Iterator[Finding]:
    skew = abs(database.now() - datetime.now(UTC))
    if skew > SKEW:
        yield Finding("clock", "warning", f"this machine and the database are {skew.total_seconds():.0f} s apart.")
    else:
        yield Finding("clock", "ok", "agrees with the database's.")


def _worker() -> Iterator[Finding]:
    before = database.now() - LATE
    late = Intervention.across_organizations.filter(status__among=OPEN, expires_at__lte=before).count()
    if late:
        how = "start manage.py run_worker" if settings.REDIS_URL else "start the server, or manage.py run_worker"
        yield Finding("worker", "failed", f"{late} requests are past their deadline and not marked: {how}.")
    else:
        yield Finding("worker", "ok", "nothing is past its deadline.")


def _pilots() -> Iterator[Finding]:
    if Membership.across_organizations.filter(pilot__is_active=True).exists():
        yield Finding("pilots", "ok", "somebody can decide.")
    else:
        yield Finding("pilots", "warning", "nobody is in an organization yet: create_org, then create_pilot.")


def _keys() -> Iterator[Finding]:
    now = database.now()
    # A replaced key is meant to end; an agent whose only key ends is cut off.
    living = ApiKey.across_organizations.filter(revoked_at=None, superseded_at=None, expires_at__gt=now)
    ending = living.filter(expires_at__lte=now + EXPIRES_SOON).order_by("expires_at").select_related("organization")
    for row in ending[:MAX_KEYS]:
        command = f"rotate_api_key --org {row.organization.slug} --name {shlex.quote(row.name)}"
        yield Finding(
            "keys", "warning", f"{row.name!r} ends on {row.expires_at:%Y-%m-%d %H:%M} UTC: manage.py {command}"
        )
    more = ending.count() - MAX_KEYS
    if more > 0:
        yield Finding("keys", "warning", f"{more} more end within {EXPIRES_SOON.days} days: see list_api_keys.")
    if not ending:
        yield Finding("keys", "ok", f"none ends within {EXPIRES_SOON.days} days.")
