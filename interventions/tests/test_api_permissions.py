"""Who may do what over REST: every route by every kind of caller, in the own organization and in another's."""

import pytest
from django.test import Client

from conftest import DRAFT, World
from pilots import api_keys

pytestmark = pytest.mark.embedded

PILOTS = {"vera", "otto", "ada"}
OPERATORS = {"otto", "ada"}
AGENTS = {"agent"}
READERS = {"agent", "reader", *PILOTS}
CALLERS = ["agent", "reader", "events-only", "metrics-only", "vera", "otto", "ada"]

# method, path, body, who may
ROUTES = [
    ("post", "/api/interventions", DRAFT, AGENTS),
    ("post", "/api/interventions/batch", {"interventions": [DRAFT]}, AGENTS),
    ("get", "/api/interventions", None, READERS),
    ("get", "/api/interventions/pending", None, READERS),
    ("get", "/api/interventions/metrics", None, READERS | {"metrics-only"}),
    ("get", "/api/interventions/r-1", None, READERS),
    ("get", "/api/interventions/r-1/events", None, READERS | {"events-only"}),
    ("get", "/api/interventions/r-1/decision?wait=0", None, READERS),
    ("get", "/api/events", None, READERS | {"events-only"}),
    ("post", "/api/interventions/r-1/claim", {}, OPERATORS),
    ("post", "/api/interventions/ottos/release", {}, {"otto"}),
    ("post", "/api/interventions/r-1/assign", {"pilot_id": "local:otto"}, OPERATORS),
    ("post", "/api/interventions/r-1/comment", {"text": "x"}, OPERATORS),
    ("post", "/api/interventions/r-1/extend", {"expires_in_seconds": 5}, OPERATORS),
    ("post", "/api/interventions/r-1/approve", {}, OPERATORS),
    ("post", "/api/interventions/r-1/reject", {"action_reason": "x"}, OPERATORS),
    ("post", "/api/interventions/grave/approve", {"action_reason": "x"}, {"ada"}),
    ("post", "/api/interventions/grave/reject", {"action_reason": "x"}, {"ada"}),
    ("post", "/api/interventions/decide", {"request_ids": ["r-1"], "verdict": "approve"}, OPERATORS),
    ("post", "/api/interventions/approved/complete", {"outcome": {}}, AGENTS),
    ("post", "/api/interventions/r-1/cancel", {}, AGENTS),
    ("post", "/pilot/kill-switch", {"instance_id": "i", "reason": "x"}, {"ada"}),
    ("post", "/pilot/clarification/u", {"text": "x"}, OPERATORS),
    ("post", "/pilot/waive/u/rule", {"reason": "x"}, {"ada"}),
    ("post", "/pilot/resume/u", {}, OPERATORS),
    ("post", "/pilot/cancel/u", {"reason": "x"}, OPERATORS),
    ("get", "/api/pilots/me", None, PILOTS),
    ("get", "/api/organizations/report", None, set()),
]
NAMES = [f"{method} {path}" for method, path, _, _ in ROUTES]


@pytest.fixture
def acme(world: World, ask, api) -> World:
    """Acme with an open request, a grave one, one claimed by Otto and one approved; and keys of narrow scopes."""
    ask(request_id="r-1")
    ask(request_id="grave", intervention_type="kill_switch")
    ask(request_id="ottos")
    api("otto").post("/api/interventions/ottos/claim")
    ask(request_id="approved")
    api("otto").post("/api/interventions/approved/approve")
    for name in ("events", "metrics"):
        world.keys[f"{name}-only"] = api_keys.make(world.acme, f"{name}-only", [f"{name}:read"])
    return world


def send(api, caller: str | None, method: str, path: str, body: object):
    client = api(caller)
    return client.get(path) if method == "get" else client.post(path, body)


@pytest.mark.parametrize(("method", "path", "body", "allowed"), ROUTES, ids=NAMES)
@pytest.mark.parametrize("caller", CALLERS)
def test_only_who_may_may(acme: World, api, caller: str, method: str, path: str, body, allowed: set[str]) -> None:
    answer = send(api, caller, method, path, body)
    if caller in allowed:
        assert answer.status_code in (200, 201), answer.content
    elif path.endswith("ottos/release") and caller == "ada":
        assert answer.json()["code"] == "claimed"
    else:
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize(("method", "path", "body", "allowed"), ROUTES, ids=NAMES)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Basic b3R0bzpwYXNz"},
        {"Authorization": "Bearer chm_abc_def"},
        {"X-API-Key": "chm_000000000000_" + "0" * 38},
    ],
    ids=["none", "no token", "basic", "broken key", "unknown key"],
)
def test_without_good_credentials_it_is_401(acme: World, method, path, body, allowed, headers) -> None:
    client = Client(headers=headers)
    answer = client.get(path) if method == "get" else client.post(path, body, content_type="application/json")
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"].startswith("Bearer")


OF_ONE = [route for route in ROUTES if "/r-1" in route[1] or "/grave" in route[1] or "/approved" in route[1]]


@pytest.mark.parametrize(("method", "path", "body", "allowed"), OF_ONE, ids=[f"{r[0]} {r[1]}" for r in OF_ONE])
def test_another_organizations_requests_are_not_found(acme: World, api, method, path, body, allowed) -> None:
    stranger = "globex-agent" if allowed == AGENTS else "gina"
    answer = send(api, stranger, method, path, body)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_key_in_its_own_header_is_as_good(acme: World) -> None:
    answer = Client().get("/api/interventions/r-1", headers={"X-API-Key": acme.keys["agent"][1]})
    assert answer.status_code == 200


def test_a_session_reads_freely_and_writes_with_the_csrf_token(acme: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(acme.memberships["otto"].pilot, "django.contrib.auth.backends.ModelBackend")
    assert client.get("/api/interventions/r-1").status_code == 200
    assert client.get("/api/interventions/r-1/decision?wait=0").status_code == 200
    path = "/api/interventions/r-1/approve"
    refused = client.post(path, {}, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")
    client.cookies["csrftoken"] = "a" * 32
    answer = client.post(path, {}, content_type="application/json", headers={"X-CSRFToken": "a" * 32})
    assert (answer.status_code, answer.json()["decided_by"]) == (200, "local:otto")


def test_a_revoked_key_opens_nothing(acme: World, api) -> None:
    row, _ = acme.keys["agent"]
    row.revoked_at = row.created_at
    row.save()
    assert api("agent").get("/api/interventions").status_code == 401


def test_a_role_counts_as_it_is_now_not_as_the_token_says(acme: World, api) -> None:
    otto = api("otto")
    acme.memberships["otto"].role = "VIEWER"
    acme.memberships["otto"].save()
    assert otto.post("/api/interventions/r-1/approve").status_code == 403


def test_only_a_superuser_sees_every_organization(acme: World, api) -> None:
    pilot = acme.memberships["gina"].pilot
    pilot.is_superuser = True
    pilot.save()
    for client in (api("gina"), acme.session("gina")):
        body = client.get("/api/organizations/report").json()
        assert [row["organization"] for row in body["organizations"]] == ["acme", "globex"]
        assert body["organizations"][0] | {"pilots": 4, "total_interventions": 4} == body["organizations"][0]
        assert body["totals"]["total_interventions"] == 4
        assert (body["totals"]["pending_interventions"], body["totals"]["approved_interventions"]) == (2, 1)
