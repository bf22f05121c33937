"""What a program of the product reads when it begins: whoever types a command waits for that."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

# The library that reports errors, and daphne with its network library: together a fifth of all there is to read.
HEAVY = {"sentry_sdk", "daphne", "twisted"}


@pytest.mark.parametrize("what", ["django.core.management.commands.check", "chameleon.asgi"])
def test_only_who_needs_a_server_or_reports_errors_reads_their_libraries(what: str) -> None:
    program = f"import sys, django; django.setup(); import {what}; print(*({HEAVY} & sys.modules.keys()))"
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings", "SENTRY_DSN": ""}
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program], cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
