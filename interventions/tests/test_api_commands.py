"""Pilot commands at their Phase 2 addresses."""

import pytest

from conftest import World
from interventions import actions
from interventions.models import Intervention

pytestmark = pytest.mark.embedded

COMMANDS = {
    "/pilot/kill-switch": ("ada", {"instance_id": "uow-1", "reason": "runs wild"}, "kill_switch"),
    "/pilot/clarification/uow-1": ("otto", {"text": "Use vendor B."}, "clarification"),
    "/pilot/waive/uow-1/rule-7": ("ada", {"reason": "known"}, "waive_violation"),
    "/pilot/resume/uow-1": ("otto", {}, "resume"),
    "/pilot/cancel/uow-1": ("otto", {"reason": "obsolete"}, "cancel"),
}
REASONS = {"kill_switch": "runs wild", "clarification": "Use vendor B.", "waive_violation": "known", "resume": None}
REASONS["cancel"] = "obsolete"
MEMBERS = {
    "kill_switch": {"paused_uow_count": 0},
    "clarification": {"new_status": "ACTIVE"},
    "waive_violation": {"waiver_logged": True},
    "resume": {"new_status": "ACTIVE"},
    "cancel": {"new_status": "FAILED"},
}


@pytest.mark.parametrize("path", COMMANDS)
@pytest.mark.parametrize("slash", ["", "/"])
def test_a_command_records_an_approved_request_of_its_own(api, world: World, path: str, slash: str) -> None:
    pilot, body, kind = COMMANDS[path]
    answer = api(pilot).post(path + slash, body)
    assert answer.status_code == 200, answer.content
    request_id = answer.json()["request_id"]
    assert answer.json() | MEMBERS[kind] | {"success": True} == answer.json()
    assert answer.json().keys() == {"success", "message", "request_id", *MEMBERS[kind]}
    row = api("agent").get(f"/api/interventions/{request_id}").json()
    assert (row["status"], row["intervention_type"], row["uow_id"]) == ("APPROVED", kind, "uow-1")
    assert (row["decided_by"], row["action_reason"]) == (f"local:{pilot}", REASONS[kind])
    assert [item["pilot_id"] for item in row["approvals"]] == [f"local:{pilot}"]


@pytest.mark.parametrize("path", COMMANDS)
def test_a_command_approves_the_oldest_open_request_of_its_type(api, ask, path: str) -> None:
    pilot, body, kind = COMMANDS[path]
    for name in ("first", "second"):
        ask(request_id=name, intervention_type=kind)
    ask(request_id="other-unit", intervention_type=kind, uow_id="uow-2")
    answer = api(pilot).post(path, body).json()
    assert answer["request_id"] == "first"
    statuses = {row["request_id"]: row["status"] for row in api("vera").get("/api/interventions").json()["results"]}
    assert statuses == {"first": "APPROVED", "second": "PENDING", "other-unit": "PENDING"}
    if kind == "kill_switch":
        assert answer["paused_uow_count"] == 1


@pytest.mark.parametrize("path", ["/pilot/clarification/uow-1", "/pilot/resume/uow-1", "/pilot/cancel/uow-1"])
def test_while_approvals_are_missing_the_unit_stays_pending(api, ask, path: str) -> None:
    pilot, body, kind = COMMANDS[path]
    ask(intervention_type=kind, approvals_required=2)
    assert api(pilot).post(path, body).json()["new_status"] == "PENDING"
    assert api("olga").post(path, body).json()["new_status"] == MEMBERS[kind]["new_status"]


def test_a_kill_switch_counts_the_other_open_requests_of_its_instance(api, ask, world: World) -> None:
    for name in ("a", "b", "decided"):
        ask(request_id=name)
    ask(request_id="elsewhere", uow_id="uow-2")
    actions.approve(world.pilot("otto"), "decided")
    assert api("ada").post(*_kill()).json()["paused_uow_count"] == 2


def _kill() -> tuple[str, dict[str, str]]:
    return "/pilot/kill-switch", {"instance_id": "uow-1", "reason": "runs wild"}


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/pilot/kill-switch", {"instance_id": "uow-1", "reason": " "}, "reason"),
        ("/pilot/kill-switch", {"instance_id": "uow-1"}, "reason"),
        ("/pilot/kill-switch", {"reason": "x"}, "instance_id"),
        ("/pilot/kill-switch", {"instance_id": "a/b", "reason": "x"}, "instance_id"),
        ("/pilot/kill-switch", {"instance_id": "", "reason": "x"}, "instance_id"),
        ("/pilot/waive/uow-1/rule-7", {"reason": ""}, "reason"),
        ("/pilot/waive/uow-1/rule-7", {}, "reason"),
        ("/pilot/waive/uow-1/rule-7", {"reason": "x" * 2001}, "reason"),
        ("/pilot/clarification/uow-1", {}, "text"),
        ("/pilot/clarification/uow-1", {"text": 5}, "text"),
        ("/pilot/cancel/uow-1", {"reason": ["x"]}, "reason"),
        ("/pilot/cancel/uow-1", {}, "reason"),
        ("/pilot/resume/uow-1", {"reason": "x"}, "reason"),
    ],
)
def test_a_malformed_command_is_refused_by_field(api, world: World, path: str, body: dict, field: str) -> None:
    answer = api("ada").post(path, body)
    assert answer.status_code == 400
    assert field in answer.json()["errors"]
    assert not Intervention.objects.for_organization(world.acme.pk).exists()


def test_a_blank_reason_of_a_cancellation_counts_as_none(api) -> None:
    request_id = api("otto").post("/pilot/cancel/uow-1", {"reason": " "}).json()["request_id"]
    assert api("otto").get(f"/api/interventions/{request_id}").json()["action_reason"] is None


def test_a_command_needs_the_answer_that_was_asked_for(api, ask) -> None:
    ask(response_schema={"type": "object", "properties": {"vendor": {"type": "string"}}})
    answer = api("otto").post("/pilot/clarification/uow-1", {"text": "B"})
    assert (answer.status_code, answer.json()["code"]) == (400, "response_required")


@pytest.mark.parametrize("path", ["/pilot/resume/" + "x" * 256, "/pilot/resume/a%0Ab", "/pilot/resume/%EF%BF%BD"])
def test_a_unit_that_cannot_be_leads_nowhere(api, world: World, path: str) -> None:
    answer = api("otto").post(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert not Intervention.objects.for_organization(world.acme.pk).exists()


def test_a_unit_in_an_address_may_hold_any_text(api) -> None:
    answer = api("otto").post("/pilot/resume/rechnung%20%C3%BC:1")
    row = api("otto").get(f"/api/interventions/{answer.json()['request_id']}").json()
    assert row["uow_id"] == "rechnung ü:1"
