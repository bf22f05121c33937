"""The settings as an operator meets them: without what is needed nothing starts, and nothing unwise goes unsaid."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

GOOD = {
    "SECRET_KEY": "b5T-xW0aJr9uQ2nE7yLkZ4cVhG8mPdS1oIfX3tRqYwUz6AeNjKv0BiCl",
    "ALLOWED_HOSTS": "chameleon.example.com",
    "DATABASE_URL": "postgresql://chameleon@127.0.0.1:1/chameleon",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}
OURS = ("DEBUG", "SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE", "DJANGO_SETTINGS_MODULE", "DATABASE_OWNER_URL", *GOOD)


def manage(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if name not in OURS}
    return subprocess.run(  # noqa: S603
        [sys.executable, Path(settings.BASE_DIR) / "manage.py", *arguments],
        env=clean | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def check(**environment: str) -> "subprocess.CompletedProcess[str]":
    return manage("check", "--deploy", "--fail-level", "WARNING", **environment)


def test_production_settings_pass_every_check_of_a_deployment() -> None:
    done = check(**GOOD)
    assert (done.returncode, "no issues" in done.stdout) == (0, True), done.stderr


@pytest.mark.parametrize("name", ["SECRET_KEY", "ALLOWED_HOSTS"])
@pytest.mark.parametrize("value", [None, ""])
def test_nothing_starts_without(name: str, value: str | None) -> None:
    environment = GOOD | {name: value or ""}
    if value is None:
        del environment[name]
    done = check(**environment)
    assert done.returncode == 1
    assert name in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("unwise", "said"),
    [
        ({"SECRET_KEY": "short"}, "W009"),
        ({"DEBUG": "on"}, "W018"),
        ({"SECURE_SSL_REDIRECT": "off"}, "W008"),
        ({"SESSION_COOKIE_SECURE": "off"}, "W012"),
        ({"ALLOWED_HOSTS": "*"}, "chameleon.W111"),
    ],
    ids=str,
)
def test_what_is_unwise_is_said(unwise: dict[str, str], said: str) -> None:
    done = check(**GOOD | unwise)
    assert done.returncode == 1
    assert said in done.stderr


def test_a_value_that_cannot_be_read_stops_the_start_with_a_sentence() -> None:
    done = check(**GOOD | {"ACCESS_TOKEN_MINUTES": "soon"})
    assert done.returncode == 1
    assert "ACCESS_TOKEN_MINUTES" in done.stderr
    assert "Traceback" not in done.stderr
