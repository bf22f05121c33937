"""Whatever fails under /api and /pilot fails as a problem document, also before a view is reached."""

from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from conftest import DRAFT, World
from interventions import listing

pytestmark = pytest.mark.embedded


def require_problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    assert isinstance(body["detail"], str)
    assert body["detail"]
    return body


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/nothing", "/pilot", "/pilot/", "/pilot/nothing/x", "/api/%ff"])
def test_an_unknown_address_is_404(client: Client, world: World, path: str) -> None:
    require_problem(client.get(path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("put", "/api/interventions", {"GET", "POST"}),
        ("delete", "/api/interventions/r-1", {"GET"}),
        ("get", "/api/interventions/r-1/approve", {"POST"}),
        ("get", "/api/interventions/batch", {"POST"}),
        ("post", "/api/interventions/r-1/decision", {"GET"}),
        ("post", "/api/events", {"GET"}),
        ("patch", "/api/interventions/pending", {"GET"}),
        ("get", "/api/token", {"POST"}),
        ("post", "/api/pilots/me", {"GET", "PATCH"}),
        ("get", "/pilot/kill-switch", {"POST"}),
        ("trace", "/api/interventions", {"GET", "POST"}),
    ],
)
def test_a_wrong_method_is_405_and_says_the_right_ones(api, method: str, path: str, allowed: set[str]) -> None:
    otto = api("otto")
    answer = otto.client.generic(method.upper(), path, headers=otto.headers)
    require_problem(answer, 405, "method_not_allowed")
    assert allowed <= set(answer["Allow"].split(", "))


@pytest.mark.parametrize("path", ["/api/interventions", "/api/events", "/pilot/kill-switch", "/api/token"])
def test_options_tells_the_methods_to_anybody(client: Client, world: World, path: str) -> None:
    answer = client.options(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert "OPTIONS" in answer["Allow"]


@pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x", "application/xml", "x", ""],
)
@pytest.mark.parametrize("caller", ["key", "session"])
def test_a_body_that_is_not_json_is_415(api, world: World, ask, content_type: str, caller: str) -> None:
    ask(request_id="r-1")
    client, headers = (api("otto").client, world.bearer("otto")) if caller == "key" else (world.session("otto"), {})
    answer = client.generic("POST", "/api/interventions/r-1/approve", b"a=b", content_type, headers=headers)
    body = require_problem(answer, 415, "unsupported_media_type")
    assert "application/json" in body["detail"]


def test_json_in_another_encoding_is_415(api) -> None:
    agent = api("agent")
    answer = agent.client.generic(
        "POST", "/api/interventions", b"{}", "application/json; charset=latin-1", headers=agent.headers
    )
    require_problem(answer, 415, "unsupported_media_type")


def test_a_body_over_256_kib_is_413_and_a_batch_may_have_4_mib(api) -> None:
    large = DRAFT | {"description": "x" * 256 * 1024}
    require_problem(api("agent").post("/api/interventions", large), 413, "too_large")
    medium = [DRAFT | {"description": "x" * 10_000} for _ in range(300)]
    assert api("agent").post("/api/interventions/batch", {"interventions": medium}).status_code == 201
    huge = [DRAFT | {"description": "x" * 10_000} for _ in range(420)]
    require_problem(api("agent").post("/api/interventions/batch", {"interventions": huge}), 413, "too_large")


def test_a_body_is_counted_whatever_its_length_says(api) -> None:
    agent = api("agent")
    body = b'{"x": "' + b"x" * 300_000 + b'"}'
    extra = {"CONTENT_LENGTH": "not a number"}
    answer = agent.client.generic(
        "POST", "/api/interventions", body, "application/json", headers=agent.headers, **extra
    )
    assert answer.status_code in (400, 413)


def test_a_foreign_host_is_400(client: Client, world: World) -> None:
    for path in ("/api/interventions", "/pilot/kill-switch"):
        require_problem(client.get(path, headers={"Host": "evil.example"}), 400, "bad_host")


def test_a_missing_csrf_token_is_403(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.memberships["ada"].pilot, "django.contrib.auth.backends.ModelBackend")
    for path in ("/pilot/resume/u", "/api/interventions/r-1/approve"):
        require_problem(client.post(path, {}, content_type="application/json"), 403, "csrf_failed")


@pytest.mark.parametrize("path", ["/api/interventions/r-1", "/api/interventions/r-1/decision", "/api/events"])
def test_a_database_that_cannot_answer_is_503_and_worth_a_retry(
    api, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise OperationalError("connection refused at 10.0.0.1, user chameleon")

    monkeypatch.setattr(listing, "detail", unreachable)
    monkeypatch.setattr(listing, "log", unreachable)
    answer = api("agent").get(path)
    body = require_problem(answer, 503, "unavailable")
    assert int(answer["Retry-After"]) >= 1
    assert "10.0.0.1" not in body["detail"]


@pytest.mark.parametrize("path", ["/api/interventions/r-1", "/api/interventions/r-1/decision"])
def test_a_fault_of_ours_shows_nothing_of_us(api, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(listing, "detail", broken)
    agent = api("agent")
    agent.client.raise_request_exception = False
    answer = agent.get(path)
    require_problem(answer, 500, "server_error")
    assert b"secret" not in answer.content


def test_every_answer_may_not_be_kept(api, ask) -> None:
    ask(request_id="r-1")
    for path in ("/api/interventions", "/api/interventions/r-1", "/api/events", "/api/nothing", "/api/pilots/me"):
        assert api("otto").get(path)["Cache-Control"] == "no-store", path
