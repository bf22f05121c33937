"""PostgreSQL and Redis over TLS, as docs/scaling.md says: certificates are checked, and nothing goes in plain words."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.conf import settings
from django.db import connection

from chameleon import redis
from tests import servers
from tests.encrypted import Encrypted, encrypted

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encrypted]:
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL and Redis")
    with encrypted(tmp_path_factory.mktemp("tls")) as place:
        yield place


def environment(database_url: str, redis_url: str) -> dict[str, str]:
    given = {"DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_POOL": "4"}
    return given | {"DATABASE_URL": database_url, "REDIS_URL": redis_url}


def manage(given: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603
        [sys.executable, "manage.py", *words],
        cwd=settings.BASE_DIR,
        env=os.environ | given,
        capture_output=True,
        text=True,
    )


def test_a_server_works_over_tls_alone(place: Encrypted, tmp_path: Path) -> None:
    given = environment(place.database(place.authority), place.redis(place.authority))
    migrated = manage(given, "migrate", "--noinput")
    assert migrated.returncode == 0, migrated.stderr
    port, log = servers.free_port(), tmp_path / "server"
    with log.open("wb") as output:
        command = ["-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "chameleon.asgi:application"]
        process = servers.start(command, output, **given)
    try:
        assert servers.answers(f"http://127.0.0.1:{port}", process), log.read_text()
        said = httpx.get(f"http://127.0.0.1:{port}/ready").json()
        assert said == {"status": "ready", "database": "ok", "migrations": "ok", "redis": "ok"}
        with psycopg.connect(place.database(place.authority)) as hands:
            row = hands.execute("SELECT count(*), bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)")
            count, are_encrypted = row.fetchone() or (0, None)
        assert count > 1
        assert are_encrypted
    finally:
        servers.stop(process)


def test_processes_hear_of_each_other_over_tls(place: Encrypted) -> None:
    async def heard() -> dict[str, str]:
        config = redis.layers(place.redis(place.authority))["default"]["CONFIG"]
        one, other = RedisPubSubChannelLayer(**config), RedisPubSubChannelLayer(**config)
        channel = await one.new_channel()
        await one.group_add("group", channel)
        await other.group_send("group", {"type": "news"})
        found: dict[str, str] = await asyncio.wait_for(one.receive(channel), 10)
        await one.flush()
        await other.flush()
        return found

    assert asyncio.run(heard()) == {"type": "news"}


def test_whom_nobody_vouches_for_is_not_talked_to(place: Encrypted) -> None:
    refused = manage(environment(place.database(place.stranger), ""), "check_invariants")
    assert refused.returncode != 0
    assert "certificate verify failed" in refused.stderr
    plain = place.redis_url.replace("rediss://", "redis://")
    for redis_url, state in (
        (place.redis(place.authority), "ok"),
        (place.redis(place.stranger), "failed"),
        (plain, "failed"),
    ):
        doctor = manage(environment(place.database(place.authority), redis_url), "doctor")
        assert re.search(rf"^{state} +redis:", doctor.stdout, re.M), doctor.stdout + doctor.stderr
