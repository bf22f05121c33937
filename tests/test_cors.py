"""Pages of other origins: those listed may call the API, others learn nothing."""

import pytest
from django.test import Client

from conftest import World

pytestmark = pytest.mark.embedded

FRIEND = "https://console.example"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}


@pytest.fixture(autouse=True)
def _listed(settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = [FRIEND]


@pytest.mark.parametrize("path", ["/api/interventions", "/api/events", "/pilot/kill-switch"])
def test_a_listed_origin_may_ask_and_then_call(client: Client, world: World, path: str) -> None:
    preflight = client.options(path, headers={"Origin": FRIEND, **PREFLIGHT})
    assert (preflight.status_code, preflight["Access-Control-Allow-Origin"]) == (200, FRIEND)
    assert "PATCH" in preflight["Access-Control-Allow-Methods"]
    assert {"authorization", "idempotency-key"} <= set(preflight["Access-Control-Allow-Headers"].split(", "))
    refused = client.get(path, headers={"Origin": FRIEND})
    assert (refused.status_code, refused["Access-Control-Allow-Origin"]) == (401, FRIEND)
    assert "origin" in refused["Vary"].lower()


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "https://console.example.evil", "null", "http://console.example"]
)
def test_another_origin_gets_no_leave(client: Client, world: World, origin: str) -> None:
    for answer in (
        client.options("/api/interventions", headers={"Origin": origin, **PREFLIGHT}),
        client.get("/api/interventions", headers={"Origin": origin}),
    ):
        assert "Access-Control-Allow-Origin" not in answer


def test_the_pages_are_for_no_other_origin(client: Client, world: World) -> None:
    assert "Access-Control-Allow-Origin" not in client.get("/accounts/login/", headers={"Origin": FRIEND})
