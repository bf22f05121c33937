"""A monitoring system reads /metrics with its token, or from the machine itself."""

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from conftest import World

pytestmark = pytest.mark.embedded


def read(**headers: str):
    return Client(REMOTE_ADDR="203.0.113.5").get("/metrics", headers=headers)


@pytest.mark.parametrize("path", ["/metrics", "/metrics/"])
def test_the_figures_are_prometheus_text(api, ask, path: str) -> None:
    ask()
    api("agent").get("/api/interventions")
    answer = Client(REMOTE_ADDR="127.0.0.1").get(path)
    text = answer.content.decode()
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain")
    names = {family.name for family in text_string_to_metric_families(text)}
    assert {"chameleon_http_requests", "chameleon_http_seconds", "process_resident_memory_bytes"} <= names
    assert 'chameleon_interventions{status="PENDING"} 1.0\n' in text
    assert 'chameleon_http_requests_total{method="GET",status="200"}' in text
    assert "chameleon_database_up 1.0\n" in text


def test_from_elsewhere_it_takes_the_token(world: World, settings) -> None:
    settings.METRICS_TOKEN = ""
    assert read().status_code == 403
    assert read(Authorization="Bearer ").status_code == 403
    settings.METRICS_TOKEN = "s3cret"
    assert read(Authorization="Bearer wrong").status_code == 403
    assert read(Authorization="Bearer s3cret").status_code == 200


def test_behind_a_proxy_on_the_machine_nobody_is_from_the_machine(world: World) -> None:
    answer = Client(REMOTE_ADDR="127.0.0.1").get("/metrics", headers={"X-Forwarded-For": "203.0.113.5"})
    assert answer.status_code == 403


def test_invented_methods_make_no_series(world: World) -> None:
    here = Client(REMOTE_ADDR="127.0.0.1")
    here.generic("BREW", "/api/interventions")
    text = here.get("/metrics").content.decode()
    assert "BREW" not in text
    assert 'method="OTHER"' in text
