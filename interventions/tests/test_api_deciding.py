"""Pilots over REST: claim, assign, comment, extend, and the decision itself, once and for good."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from conftest import World
from interventions import actions
from interventions.models import Event, Intervention

pytestmark = pytest.mark.embedded

SCHEMA = {"type": "object", "properties": {"vendor": {"type": "string"}}, "required": ["vendor"]}


def post(client, request_id: str, verb: str, body: object = None):
    return client.post(f"/api/interventions/{request_id}/{verb}", body)


def test_a_claim_is_a_lease_of_ten_minutes_and_its_renewal_moves_only_that(api, ask, world: World) -> None:
    ask(request_id="r-1")
    first = post(api("otto"), "r-1", "claim").json()
    assert (first["status"], first["assigned_to"], first["version"]) == ("IN_PROGRESS", "local:otto", 2)
    lease = datetime.fromisoformat(first["claimed_until"]) - timezone.now()
    assert timedelta(minutes=9) < lease <= timedelta(minutes=10)
    second = post(api("otto"), "r-1", "claim", {"take_over": False}).json()
    assert second["claimed_until"] > first["claimed_until"]
    assert second | {"claimed_until": first["claimed_until"]} == first
    assert Event.objects.for_organization(world.acme.pk).count() == 2


def test_another_pilots_claim_binds_until_it_is_taken_over(api, ask) -> None:
    ask(request_id="r-1")
    post(api("otto"), "r-1", "claim")
    for verb, body in (("claim", {}), ("approve", {}), ("reject", {"action_reason": "no"}), ("release", {})):
        refused = post(api("olga"), "r-1", verb, body)
        assert (refused.status_code, refused.json()["code"]) == (409, "claimed"), verb
        assert refused.json()["intervention"]["assigned_to"] == "local:otto"
    taken = post(api("olga"), "r-1", "claim", {"take_over": True})
    assert (taken.status_code, taken.json()["assigned_to"]) == (200, "local:olga")
    assert post(api("olga"), "r-1", "approve").json()["decided_by"] == "local:olga"


def test_a_released_claim_is_everybodys_again(api, ask) -> None:
    ask(request_id="r-1")
    post(api("otto"), "r-1", "claim")
    body = post(api("otto"), "r-1", "release").json()
    assert (body["status"], body["assigned_to"], body["claimed_until"]) == ("PENDING", None, None)


def test_an_assignment_names_a_pilot_of_the_organization_who_may_decide(api, ask) -> None:
    ask(request_id="r-1")
    body = post(api("otto"), "r-1", "assign", {"pilot_id": "local:olga"}).json()
    assert (body["assigned_to"], body["status"]) == ("local:olga", "PENDING")
    for stranger in ("local:gina", "local:nobody", "local:vera"):
        refused = post(api("otto"), "r-1", "assign", {"pilot_id": stranger})
        assert (refused.status_code, "pilot_id" in refused.json()["errors"]) == (400, True)


def test_a_comment_is_recorded_and_is_no_new_version(api, ask) -> None:
    ask(request_id="r-1")
    assert post(api("otto"), "r-1", "comment", {"text": "Asked the vendor."}).json()["version"] == 1
    trail = api("vera").get("/api/interventions/r-1/events").json()["results"]
    assert (trail[-1]["type"], trail[-1]["data"]["text"]) == ("commented", "Asked the vendor.")


def test_a_deadline_is_extended_from_now_or_lifted(api, ask) -> None:
    ask(request_id="r-1", expires_in_seconds=60)
    body = post(api("otto"), "r-1", "extend", {"expires_in_seconds": 7200}).json()
    ahead = datetime.fromisoformat(body["expires_at"]) - timezone.now()
    assert timedelta(seconds=7100) < ahead <= timedelta(seconds=7200)
    assert body["version"] == 2
    assert post(api("otto"), "r-1", "extend", {"expires_in_seconds": None}).json()["expires_at"] is None


def test_what_is_past_its_deadline_can_be_neither_extended_nor_decided(api, ask, world: World) -> None:
    ask(request_id="r-1")
    Intervention.objects.for_organization(world.acme.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    bodies = {"extend": {"expires_in_seconds": 60}, "approve": {}, "reject": {"action_reason": "no"}, "claim": {}}
    for verb, body in bodies.items():
        refused = post(api("otto"), "r-1", verb, body)
        assert (refused.status_code, refused.json()["code"]) == (409, "expired"), verb
        assert refused.json()["intervention"]["status"] == "PENDING"


def test_the_second_decision_gets_the_first(api, ask) -> None:
    ask(request_id="r-1")
    post(api("otto"), "r-1", "reject", {"action_reason": "unsafe"})
    for verb, body in (("approve", {}), ("reject", {"action_reason": "me too"})):
        late = post(api("olga"), "r-1", verb, body)
        assert (late.status_code, late.json()["code"]) == (409, "already_decided")
        standing = late.json()["intervention"]
        assert (standing["status"], standing["decided_by"], standing["action_reason"]) == (
            "REJECTED",
            "local:otto",
            "unsafe",
        )


def test_the_same_decision_again_changes_nothing(api, ask) -> None:
    for verb in ("approve", "reject"):
        ask(request_id=verb)
        first = post(api("otto"), verb, verb, {"action_reason": "so be it"})
        again = post(api("otto"), verb, verb, {"action_reason": "so be it"})
        assert (again.status_code, again.json()) == (200, first.json())


@pytest.mark.parametrize("verb", ["approve", "reject"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_the_reason_may_stand_in_the_query(api, ask, verb: str, slash: str) -> None:
    ask(request_id="r-1")
    otto = api("otto")
    answer = otto.client.post(
        f"/api/interventions/r-1/{verb}{slash}?action_reason=gr%C3%BCn",
        content_type="application/json",
        headers=otto.headers,
    )
    assert (answer.status_code, answer.json()["action_reason"]) == (200, "grün")


def test_the_bodys_reason_counts_before_the_querys_and_blank_ones_not_at_all(api, ask) -> None:
    ask(request_id="r-1")
    assert post(api("otto"), "r-1", "approve?action_reason=query", {"action_reason": "body"}).json()[
        "action_reason"
    ] == ("body")
    ask(request_id="r-2")
    blank = post(api("otto"), "r-2", "approve?action_reason=query", {"action_reason": " \n"})
    assert blank.json()["action_reason"] == "query"
    ask(request_id="r-3")
    assert post(api("otto"), "r-3", "approve?action_reason=", {"action_reason": None}).json()["action_reason"] is None


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", ""])
def test_an_empty_body_is_an_empty_object(api, ask, content_type: str) -> None:
    ask(request_id="r-1")
    otto = api("otto")
    answer = otto.client.generic(
        "POST",
        "/api/interventions/r-1/approve?action_reason=",
        b"",
        content_type=content_type,
        headers=otto.headers,
    )
    assert (answer.status_code, answer.json()["status"]) == (200, "APPROVED")


@pytest.mark.parametrize(
    ("kind", "verb", "pilot"),
    [("clarification", "reject", "otto"), ("waive_violation", "approve", "ada"), ("kill_switch", "approve", "ada")],
)
@pytest.mark.parametrize("reason", [None, "", "  \t"])
def test_a_reason_is_obligatory_where_the_contract_says(api, ask, kind, verb, pilot, reason) -> None:
    ask(request_id="r-1", intervention_type=kind)
    refused = post(api(pilot), "r-1", verb, {"action_reason": reason})
    assert (refused.status_code, refused.json()["code"]) == (400, "reason_required")
    assert "action_reason" in refused.json()["errors"]
    assert api("vera").get("/api/interventions/r-1").json()["status"] == "PENDING"


def test_an_approval_carries_the_answer_that_was_asked_for(api, ask) -> None:
    ask(request_id="r-1", response_schema=SCHEMA)
    missing = post(api("otto"), "r-1", "approve")
    assert (missing.status_code, missing.json()["code"]) == (400, "response_required")
    wrong = post(api("otto"), "r-1", "approve", {"response": {"vendor": 5}})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid_response")
    assert "response.vendor" in wrong.json()["errors"]
    given = post(api("otto"), "r-1", "approve", {"response": {"vendor": "ACME"}})
    assert (given.status_code, given.json()["response"]) == (200, {"vendor": "ACME"})


def test_with_a_quorum_the_first_answer_stands(api, ask) -> None:
    ask(request_id="r-1", approvals_required=2, response_schema=SCHEMA)
    first = post(api("otto"), "r-1", "approve", {"response": {"vendor": "A"}, "action_reason": "one"}).json()
    assert (first["status"], [item["pilot_id"] for item in first["approvals"]]) == ("PENDING", ["local:otto"])
    assert (first["approvals"][0]["action_reason"], first["decided_by"]) == ("one", None)
    other = post(api("olga"), "r-1", "approve", {"response": {"vendor": "B"}})
    assert (other.status_code, other.json()["code"]) == (409, "response_differs")
    last = post(api("olga"), "r-1", "approve", {"action_reason": "two"}).json()
    assert (last["status"], last["decided_by"], last["action_reason"]) == ("APPROVED", "local:olga", "two")
    assert last["response"] == {"vendor": "A"}


def test_a_decision_on_what_was_not_seen_is_refused(api, ask) -> None:
    row = ask(request_id="r-1")
    changed = post(api("otto"), "r-1", "approve", {"content_hash": "0" * 64})
    assert (changed.status_code, changed.json()["code"]) == (409, "content_changed")
    post(api("otto"), "r-1", "claim")
    stale = post(api("otto"), "r-1", "approve", {"version": 1})
    assert (stale.status_code, stale.json()["code"], stale.json()["intervention"]["version"]) == (
        409,
        "version_mismatch",
        2,
    )
    assert post(api("otto"), "r-1", "approve", {"version": 2, "content_hash": row.content_hash}).status_code == 200


def test_many_are_decided_each_for_itself(api, ask, world: World) -> None:
    for name in ("plain", "decided", "claimed", "answer"):
        ask(request_id=name, response_schema=SCHEMA if name == "answer" else None)
    ask(request_id="grave", intervention_type="kill_switch")
    ask(request_id="past")
    Intervention.objects.for_organization(world.acme.pk).filter(request_id="past").update(
        expires_at=timezone.now() - timedelta(seconds=1)
    )
    actions.reject(world.pilot("olga"), "decided", reason="no")
    actions.claim(world.pilot("olga"), "claimed")
    names = ["plain", "decided", "claimed", "answer", "grave", "past", "nowhere"]
    answer = api("otto").post("/api/interventions/decide", {"request_ids": names, "verdict": "approve"})
    assert answer.status_code == 200
    assert answer.json()["results"] == [
        {"request_id": "plain", "status": "APPROVED"},
        {"request_id": "decided", "status": "REJECTED", "code": "already_decided"},
        {"request_id": "claimed", "status": "IN_PROGRESS", "code": "claimed"},
        {"request_id": "answer", "status": "PENDING", "code": "response_required"},
        {"request_id": "grave", "status": "PENDING", "code": "forbidden"},
        {"request_id": "past", "status": "PENDING", "code": "expired"},
        {"request_id": "nowhere", "status": None, "code": "not_found"},
    ]


def test_many_are_rejected_with_one_reason(api, ask) -> None:
    ask(request_id="a")
    ask(request_id="b")
    body = {"request_ids": ["a", "b"], "verdict": "reject", "action_reason": "all wrong"}
    assert {row["status"] for row in api("otto").post("/api/interventions/decide", body).json()["results"]} == {
        "REJECTED"
    }
    assert api("vera").get("/api/interventions/a").json()["action_reason"] == "all wrong"
    none = api("otto").post("/api/interventions/decide", {"request_ids": [], "verdict": "approve"})
    assert (none.status_code, none.json()) == (200, {"results": []})
