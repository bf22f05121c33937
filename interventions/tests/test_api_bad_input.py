"""Bad input over REST: a 4xx problem document that names the field, and nothing stored."""

import json
from typing import Any

import pytest

from conftest import DRAFT, World
from interventions.models import Event, Intervention

pytestmark = pytest.mark.embedded

NUL = '"a\\u0000b"'
SURROGATE = '"a\\ud800b"'


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


FIELDS: list[tuple[str, object]] = [
    ("request_id", ""),
    ("request_id", 5),
    ("request_id", None),
    ("request_id", "a/b"),
    ("request_id", "a b"),
    ("request_id", "a\n"),
    ("request_id", "ü"),
    ("request_id", "x" * 256),
    *(("request_id", word) for word in ("pending", "metrics", "batch", "decide", ".", "..")),
    ("uow_id", ""),
    ("uow_id", 5),
    ("uow_id", None),
    ("uow_id", "a/b"),
    ("uow_id", "a\tb"),
    ("uow_id", "a\x85b"),
    ("uow_id", "x" * 256),
    ("intervention_type", "approve"),
    ("intervention_type", "CLARIFICATION"),
    ("intervention_type", None),
    ("intervention_type", ["clarification"]),
    ("priority", "urgent"),
    ("priority", "High"),
    ("priority", 1),
    ("priority", None),
    ("title", ""),
    ("title", "  \t\n"),
    ("title", 5),
    ("title", None),
    ("title", ["x"]),
    ("title", "x" * 256),
    ("description", 5),
    ("description", None),
    ("description", "x" * 10_001),
    ("context", []),
    ("context", "{}"),
    ("context", None),
    ("context", {"a": "x" * 65_536}),
    ("context", nested(33)),
    ("tags", "refund"),
    ("tags", [5]),
    ("tags", [None]),
    ("tags", ["x" * 51]),
    ("tags", ["x"] * 21),
    ("tags", {"a": 1}),
    ("response_schema", []),
    ("response_schema", "string"),
    ("response_schema", {}),
    ("response_schema", {"type": "array"}),
    ("response_schema", {"type": "object", "properties": {}}),
    ("response_schema", {"type": "object", "properties": {"a": {"type": "object"}}}),
    ("response_schema", {"type": "object", "properties": {"a": {"type": "string", "pattern": "(a+)+$"}}}),
    ("response_schema", {"type": "object", "properties": {"a": {"$ref": "http://example.com"}}}),
    ("response_schema", {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["b"]}),
    ("required_role", "ROOT"),
    ("required_role", "admin"),
    ("required_role", 3),
    ("required_role", None),
    ("approvals_required", 0),
    ("approvals_required", 6),
    ("approvals_required", 1.5),
    ("approvals_required", 2.0),
    ("approvals_required", "1"),
    ("approvals_required", True),
    ("approvals_required", None),
    ("expires_in_seconds", 0),
    ("expires_in_seconds", -1),
    ("expires_in_seconds", 31_536_001),
    ("expires_in_seconds", 60.0),
    ("expires_in_seconds", "60"),
    ("expires_in_seconds", False),
    # The server's own fields, and what is no field at all.
    ("status", "APPROVED"),
    ("organization", "globex"),
    ("decided_by", "local:ada"),
    ("version", 7),
    ("content_hash", "0" * 64),
    ("created_at", "2026-01-01T00:00:00Z"),
    ("expires_at", "9999-12-31T23:59:59Z"),
    ("assigned_to", "local:otto"),
    ("id", 1),
    ("Title", "x"),
    ("", "x"),
    ("x" * 200, "x"),
]


def require_problem(answer: Any, status: int = 400) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert isinstance(body["detail"], str)
    assert body["detail"]
    assert isinstance(body["code"], str)
    assert body["status"] == status
    return body


def require_nothing_stored(world: World) -> None:
    assert not Intervention.objects.for_organization(world.acme.pk).exists()
    assert not Event.objects.for_organization(world.acme.pk).exists()


@pytest.mark.parametrize(("field", "value"), FIELDS, ids=[f"{name[:20]}={str(value)[:30]}" for name, value in FIELDS])
def test_each_wrong_field_is_named_and_nothing_is_stored(api, world: World, field: str, value: object) -> None:
    body = require_problem(api("agent").post("/api/interventions", DRAFT | {field: value}))
    assert any(name.split(".")[0] == field[:100] for name in body["errors"]), body
    assert all(isinstance(text, str) for texts in body["errors"].values() for text in texts)
    require_nothing_stored(world)


@pytest.mark.parametrize("field", ["uow_id", "intervention_type", "title"])
def test_what_is_required_is_named(api, world: World, field: str) -> None:
    draft = {name: value for name, value in DRAFT.items() if name != field}
    body = require_problem(api("agent").post("/api/interventions", draft))
    assert body["errors"] == {field: ["is required"]}
    require_nothing_stored(world)


def test_all_that_is_wrong_is_said_at_once(api) -> None:
    body = require_problem(api("agent").post("/api/interventions", {"title": 5, "priority": "x", "colour": 1}))
    assert body["errors"].keys() == {"title", "priority", "colour", "uow_id", "intervention_type"}


RAW = [
    "",
    "null",
    "[]",
    "5",
    '"text"',
    "true",
    "{",
    "{]",
    "{'a': 1}",
    '{"title": "a" "b"}',
    '{"title": NaN}',
    '{"title": Infinity}',
    '{"title": -Infinity}',
    '{"context": {"a": 1e400}}',
    '{"context": {"a": -1e400}}',
    '{"context": {"a": 9007199254740992}}',
    '{"context": {"a": -9007199254740992}}',
    '{"context": {"a": 1' + "0" * 5000 + "}}",
    '{"title": "a", "title": "b"}',
    '{"context": {"a": 1, "a": 1}}',
    '{"title": ' + NUL + "}",
    '{"title": ' + SURROGATE + "}",
    '{"context": {' + NUL + ": 1}}",
    '{"context": {"a": [' + SURROGATE + "]}}",
    '{"context": ' + "[" * 100_000 + "]" * 100_000 + "}",
    '{"context": ' + '{"a":' * 30_000 + "1" + "}" * 30_000 + "}",
    "\ufeff{}",
]


@pytest.mark.parametrize("text", RAW, ids=[text[:40] or "empty" for text in RAW])
@pytest.mark.parametrize("path", ["/api/interventions", "/api/interventions/batch"])
def test_what_is_no_exact_json_object_is_refused(api, world: World, text: str, path: str) -> None:
    agent = api("agent")
    answer = agent.client.generic("POST", path, text.encode(), "application/json", headers=agent.headers)
    require_problem(answer)
    require_nothing_stored(world)


def test_a_body_that_is_not_utf_8_is_refused(api, world: World) -> None:
    agent = api("agent")
    body = json.dumps(DRAFT).replace("vendor", "\xfc").encode("latin-1").replace(b"\\u00fc", b"\xfc")
    answer = agent.client.generic("POST", "/api/interventions", body, "application/json", headers=agent.headers)
    assert require_problem(answer)["code"] == "malformed"
    require_nothing_stored(world)


LEGITIMATE = [
    "'; DROP TABLE interventions; --",
    "<script>alert(1)</script>",
    "{{ 7*7 }} {% debug %}",
    '" hx-get="/x" onmouseover="x',
    "=cmd|' /C calc'!A0",
    "a\r\nSet-Cookie: x=y",
    "\u202egnp.exe \u200b zero-width",
    "𝕬 ünïcode 🦎",
]


@pytest.mark.parametrize("text", LEGITIMATE)
def test_odd_text_is_stored_as_sent(api, text: str) -> None:
    draft = DRAFT | {"title": text, "description": text, "context": {text: text}, "tags": [text]}
    answer = api("agent").post("/api/interventions", draft)
    assert answer.status_code == 201
    stored = api("agent").get(answer["Location"]).json()
    assert {name: stored[name] for name in draft} == draft


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("request_id", "x" * 255),
        ("uow_id", "ü" * 255),
        ("title", "x" * 255),
        ("description", "x" * 10_000),
        ("context", nested(32)),
        ("context", {"a": "x" * 65_000, "n": 9007199254740991, "f": 1e300}),
        ("tags", ["x" * 50] * 20),
        ("approvals_required", 5),
        ("expires_in_seconds", 1),
        ("expires_in_seconds", 31_536_000),
        ("expires_in_seconds", None),
    ],
)
def test_the_largest_and_smallest_are_taken(api, field: str, value: object) -> None:
    answer = api("agent").post("/api/interventions", DRAFT | {field: value})
    assert answer.status_code == 201, answer.content


# verb, body, the field it is wrong in
VERBS: list[tuple[str, object, str]] = [
    ("claim", {"take_over": "yes"}, "take_over"),
    ("claim", {"take_over": None}, "take_over"),
    ("claim", {"minutes": 5}, "minutes"),
    ("release", {"why": "x"}, "why"),
    ("assign", {}, "pilot_id"),
    ("assign", {"pilot_id": None}, "pilot_id"),
    ("assign", {"pilot_id": ""}, "pilot_id"),
    ("assign", {"pilot_id": "x" * 256}, "pilot_id"),
    ("comment", {}, "text"),
    ("comment", {"text": ""}, "text"),
    ("comment", {"text": " \n"}, "text"),
    ("comment", {"text": "x" * 2001}, "text"),
    ("comment", {"text": 5}, "text"),
    ("extend", {}, "expires_in_seconds"),
    ("extend", {"expires_in_seconds": 0}, "expires_in_seconds"),
    ("extend", {"expires_in_seconds": 31_536_001}, "expires_in_seconds"),
    ("extend", {"expires_in_seconds": "60"}, "expires_in_seconds"),
    ("extend", {"expires_in_seconds": True}, "expires_in_seconds"),
    ("approve", {"action_reason": 5}, "action_reason"),
    ("approve", {"action_reason": "x" * 2001}, "action_reason"),
    ("approve", {"response": []}, "response"),
    ("approve", {"response": "x"}, "response"),
    ("approve", {"response": {"a": 1}}, "response"),
    ("approve", {"version": "1"}, "version"),
    ("approve", {"version": 0}, "version"),
    ("approve", {"version": 1.0}, "version"),
    ("approve", {"content_hash": 5}, "content_hash"),
    ("approve", {"status": "APPROVED"}, "status"),
    ("reject", {}, "action_reason"),
    ("reject", {"action_reason": []}, "action_reason"),
    ("reject", {"action_reason": "no", "response": {}}, "response"),
    ("reject", {"reason": "no"}, "reason"),
]


@pytest.mark.parametrize(("verb", "body", "field"), VERBS, ids=[f"{v} {str(b)[:40]}" for v, b, _ in VERBS])
def test_a_verbs_wrong_field_is_named_and_nothing_changes(api, ask, world: World, verb, body, field) -> None:
    ask(request_id="r-1")
    before = api("otto").get("/api/interventions/r-1").json()
    problem = require_problem(api("otto").post(f"/api/interventions/r-1/{verb}", body))
    assert field in problem["errors"]
    assert api("otto").get("/api/interventions/r-1").json() == before
    assert Event.objects.for_organization(world.acme.pk).count() == 1


@pytest.mark.parametrize(
    ("verb", "body", "field"),
    [
        ("complete", {"outcome": "done"}, "outcome"),
        ("complete", {"outcome": []}, "outcome"),
        ("complete", {"outcome": {"a": "x" * 65_536}}, "outcome"),
        ("complete", {"outcome": nested(33)}, "outcome"),
        ("complete", {"result": {}}, "result"),
        ("cancel", {"action_reason": 5}, "action_reason"),
        ("cancel", {"action_reason": "x" * 2001}, "action_reason"),
        ("cancel", {"reason": "x"}, "reason"),
    ],
)
def test_an_agents_wrong_report_is_refused_by_field(api, ask, verb: str, body: object, field: str) -> None:
    ask(request_id="r-1")
    problem = require_problem(api("agent").post(f"/api/interventions/r-1/{verb}", body))
    assert field in problem["errors"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"request_ids": ["r-1"]}, "verdict"),
        ({"verdict": "approve"}, "request_ids"),
        ({"request_ids": "r-1", "verdict": "approve"}, "request_ids"),
        ({"request_ids": ["r"] * 201, "verdict": "approve"}, "request_ids"),
        ({"request_ids": [5], "verdict": "approve"}, "request_ids.0"),
        ({"request_ids": ["r-1"], "verdict": "APPROVE"}, "verdict"),
        ({"request_ids": ["r-1"], "verdict": "cancel"}, "verdict"),
        ({"request_ids": ["r-1"], "verdict": "approve", "response": {}}, "response"),
    ],
)
def test_a_wrong_decision_on_many_is_refused_whole(api, ask, body: object, field: str) -> None:
    ask(request_id="r-1")
    problem = require_problem(api("otto").post("/api/interventions/decide", body))
    assert field in problem["errors"]
    assert api("otto").get("/api/interventions/r-1").json()["status"] == "PENDING"


LIST = "/api/interventions"
PARAMETERS = [
    (LIST, "limit=0", "limit"),
    (LIST, "limit=201", "limit"),
    (LIST, "limit=-1", "limit"),
    (LIST, "limit=1.0", "limit"),
    (LIST, "limit=1e2", "limit"),
    (LIST, "limit=+5", "limit"),
    (LIST, "limit=%205", "limit"),
    (LIST, "limit=", "limit"),
    (LIST, "limit=ten", "limit"),
    (LIST, "limit=%D9%A1", "limit"),
    (LIST, "limit=1&limit=2", "limit"),
    (LIST, "limit=9999999999999999999999", "limit"),
    (LIST, "status=pending", "status"),
    (LIST, "status=", "status"),
    (LIST, "priority=urgent", "priority"),
    (LIST, "intervention_type=x", "intervention_type"),
    (LIST, "ordering=title", "ordering"),
    (LIST, "ordering=-priority", "ordering"),
    (LIST, "created_after=yesterday", "created_after"),
    (LIST, "created_after=2026-01-01", "created_after"),
    (LIST, "created_after=2026-01-01T00:00:00", "created_after"),
    (LIST, "created_before=2026-13-01T00:00:00Z", "created_before"),
    (LIST, "created_before=2026-01-01T00:00:00+00:00", "created_before"),
    (LIST, "created_before=0001-01-01T00:00:00%2B23:00", "created_before"),
    (LIST, "created_before=9999-12-31T23:59:59-23:00", "created_before"),
    (LIST, "created_before=2026-06-30T23:59:60Z", "created_before"),
    (LIST, "q=%00", "q"),
    (LIST, "uow_id=a%00b", "uow_id"),
    (LIST, "tag=" + "x" * 51, "tag"),
    (LIST, "cursor=nonsense", "cursor"),
    (LIST, "cursor=", "cursor"),
    (LIST, "cursor=" + "x" * 501, "cursor"),
    (LIST, "cursor=WyItY3JlYXRlZF9hdCIsNSw1XQ", "cursor"),
    (LIST, "cursor=WyItY3JlYXRlZF9hdCIsIjIwMjYtMDEtMDFUMDA6MDA6MDBaIiw5OTk5OTk5OTk5OTk5OTk5OTk5OTld", "cursor"),
    (LIST, "colour=red", "colour"),
    (LIST, "organization=globex", "organization"),
    (LIST, "offset=5", "offset"),
    ("/api/interventions/pending", "limit=201", "limit"),
    ("/api/interventions/pending", "offset=-1", "offset"),
    ("/api/interventions/pending", "offset=x", "offset"),
    ("/api/interventions/pending", "pilot_id=" + "x" * 256, "pilot_id"),
    ("/api/interventions/pending", "status=PENDING", "status"),
    ("/api/interventions/metrics", "day=1", "day"),
    ("/api/interventions/r-1", "x=", "x"),
    ("/api/interventions/r-1/events", "limit=0", "limit"),
    ("/api/interventions/r-1/events", "cursor=x", "cursor"),
    ("/api/interventions/r-1/decision", "wait=61", "wait"),
    ("/api/interventions/r-1/decision", "wait=-1", "wait"),
    ("/api/interventions/r-1/decision", "wait=1.5", "wait"),
    ("/api/interventions/r-1/decision", "wait=", "wait"),
    ("/api/interventions/r-1/decision", "timeout=5", "timeout"),
    ("/api/events", "after=-1", "after"),
    ("/api/events", "after=x", "after"),
    ("/api/events", "after=9007199254740992", "after"),
    ("/api/events", "limit=201", "limit"),
    ("/api/events", "wait=61", "wait"),
    ("/api/events", "epoch=" + "x" * 65, "epoch"),
    ("/api/pilots/me", "x=1", "x"),
]


@pytest.mark.parametrize(("path", "query", "field"), PARAMETERS, ids=[f"{p}?{q[:50]}" for p, q, _ in PARAMETERS])
def test_a_wrong_or_unknown_parameter_is_named(api, ask, path: str, query: str, field: str) -> None:
    ask(request_id="r-1")
    problem = require_problem(api("otto").get(f"{path}?{query}"))
    assert field in problem["errors"]


@pytest.mark.parametrize("query", ["q=%ff", "q=%ED%A0%80", "%ff=1", "&".join(f"a{n}=1" for n in range(60))])
def test_a_query_that_cannot_be_read_is_refused(api, query: str) -> None:
    require_problem(api("otto").get(f"{LIST}?{query}"))


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("/api/interventions", "dry_run=1", "dry_run"),
        ("/api/interventions/r-1/approve", "reason=x", "reason"),
        ("/api/interventions/r-1/approve", "action_reason=a&action_reason=b", "action_reason"),
        ("/api/interventions/r-1/approve", "action_reason=" + "x" * 2001, "action_reason"),
        ("/api/interventions/r-1/approve", "action_reason=%00", "action_reason"),
        ("/api/interventions/r-1/claim", "take_over=true", "take_over"),
        ("/api/interventions/decide", "action_reason=x", "action_reason"),
        ("/pilot/resume/u", "reason=x", "reason"),
        ("/api/token", "pilot_id=local:otto", "pilot_id"),
    ],
)
def test_a_verb_takes_no_parameters_but_its_own(api, ask, world: World, path: str, query: str, field: str) -> None:
    ask(request_id="r-1")
    client = api("agent" if path == "/api/interventions" else "otto")
    problem = require_problem(client.post(f"{path}?{query}", DRAFT if path == "/api/interventions" else {}))
    assert field in problem["errors"]
    assert Event.objects.for_organization(world.acme.pk).count() == 1


@pytest.mark.parametrize("request_id", ["x" * 256, "a%00b", "a%20b", "%C3%BC", "a%0A", "..%2F..", "%FF"])
@pytest.mark.parametrize("rest", ["", "/events", "/decision", "/approve"])
def test_an_id_that_cannot_be_leads_nowhere(api, request_id: str, rest: str) -> None:
    client = api("otto")
    path = f"/api/interventions/{request_id}{rest}"
    answer = client.post(path) if rest == "/approve" else client.get(path)
    require_problem(answer, 404)


@pytest.mark.parametrize("request_id", [".", "..", "nowhere", "-", ":::"])
def test_an_id_that_is_not_there_is_not_found(api, request_id: str) -> None:
    assert require_problem(api("otto").post(f"/api/interventions/{request_id}/approve"), 404)["code"] == "not_found"
