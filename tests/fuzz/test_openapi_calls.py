"""schemathesis over the API's own description: what it allows is answered as it says, what it forbids is refused.

Each operation is asked with generated data, good and bad; each call is undone before the next.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.generation.modes import GenerationMode
from schemathesis.specs.openapi import checks

from conftest import World
from tests.fuzz.hostile import TIMES
from tests.fuzz.tables import fingerprint, watched
from tests.test_access import people

pytestmark = pytest.mark.embedded
__all__ = ["people"]

API = schemathesis.openapi.from_wsgi("/api/schema/", get_wsgi_application())
OPERATIONS = {item.ok().label: item.ok() for item in API.get_all_operations()}
# Who may: the agent's key for what agents do, a pilot who is admin for the rest.
AGENTS = ("POST /api/interventions", "POST /api/interventions/batch")
AGENTS += tuple(f"POST /api/interventions/{{request_id}}/{verb}" for verb in ("complete", "cancel"))
CHECKS = [
    not_a_server_error,
    checks.negative_data_rejection,
    checks.response_schema_conformance,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.ignored_auth,
]
# A failed sign-in is noted.
NOTED = frozenset({"pilots_accessentry"})


@contextmanager
def _connection_stays() -> Iterator[None]:
    """As Django's own test client has it: the transaction around the calls is the test's."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


@pytest.mark.parametrize("label", sorted(OPERATIONS))
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_it_is_as_it_is_described(people: World, label: str, mode: GenerationMode) -> None:
    # As it came, for schemathesis does not unpack.
    headers = people.bearer("agent" if label in AGENTS else "ada") | {"Accept-Encoding": "identity"}
    # When a key was last used is noted now and then: here once, before.
    Client().get("/api/interventions", headers=headers)
    before = fingerprint(NOTED)

    @settings(
        max_examples=8 * TIMES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(OPERATIONS[label].as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        if isinstance(case.query, dict) and case.query.get("wait"):
            case.query["wait"] = 0 if str(case.query["wait"]).isdigit() else case.query["wait"]
        with transaction.atomic():
            with watched() as writes:
                answer = case.call(headers=headers)
            if answer.status_code >= 400 and writes.seen:
                assert fingerprint(NOTED) == before
            transaction.set_rollback(True)
        case.validate_response(answer, checks=CHECKS, headers=headers)

    # Where there is nothing to send there is nothing to send wrong.
    with _connection_stays(), suppress(Unsatisfiable):
        ask()
