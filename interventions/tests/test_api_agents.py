"""An agent asks over REST, waits, and reports."""

import pytest

from conftest import DRAFT, World

pytestmark = pytest.mark.embedded


def test_an_agent_asks_and_a_pilot_approves(api, world: World) -> None:
    asked = api("agent").post("/api/interventions", DRAFT | {"request_id": "r-1"})
    assert (asked.status_code, asked["Location"]) == (201, "/api/interventions/r-1")
    assert asked.json()["status"] == "PENDING"
    approved = api("otto").post("/api/interventions/r-1/approve", {"action_reason": "fine"})
    assert (approved.status_code, approved.json()["status"]) == (200, "APPROVED")
    decision = api("agent").get("/api/interventions/r-1/decision").json()
    assert (decision["status"], decision["action_reason"], decision["delivered_at"]) == ("APPROVED", "fine", None)
    assert api("agent").get("/api/interventions/r-1").json()["delivered_at"] is not None
