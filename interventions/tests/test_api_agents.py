"""An agent over REST: it asks, once, hears the decision, and reports or withdraws."""

import hashlib

import pytest
import rfc8785

from conftest import DRAFT, World
from interventions import actions
from interventions.models import Event, Intervention

pytestmark = pytest.mark.embedded


def types_of(world: World, request_id: str) -> list[str]:
    rows = Event.objects.for_organization(world.acme.pk).filter(request_id=request_id)
    return list(rows.order_by("seq").values_list("type", flat=True))


def test_an_agent_asks_a_pilot_approves_and_the_agent_reads_it(api, world: World) -> None:
    asked = api("agent").post("/api/interventions", DRAFT | {"request_id": "r-1"})
    assert (asked.status_code, asked["Location"]) == (201, "/api/interventions/r-1")
    assert asked.json()["status"] == "PENDING"
    approved = api("otto").post("/api/interventions/r-1/approve", {"action_reason": "fine"})
    assert (approved.status_code, approved.json()["status"]) == (200, "APPROVED")
    decision = api("agent").get("/api/interventions/r-1/decision").json()
    assert (decision["status"], decision["action_reason"]) == ("APPROVED", "fine")
    done = api("agent").post("/api/interventions/r-1/complete", {"outcome": {"paid": 5}})
    assert (done.status_code, done.json()["status"], done.json()["outcome"]) == (200, "COMPLETED", {"paid": 5})
    assert types_of(world, "r-1") == ["created", "approved", "delivered", "completed"]


def test_a_request_gets_the_defaults_of_the_contract(api) -> None:
    body = api("agent").post("/api/interventions/", DRAFT).json()
    expected = {
        "status": "PENDING",
        "priority": "normal",
        "description": "",
        "context": {},
        "tags": [],
        "response_schema": None,
        "response": None,
        "required_role": "OPERATOR",
        "approvals_required": 1,
        "approvals": [],
        "assigned_to": None,
        "claimed_until": None,
        "decided_by": None,
        "action_reason": None,
        "action_timestamp": None,
        "version": 1,
        "delivered_at": None,
        "outcome": None,
    }
    assert body | expected == body
    assert body["created_at"].endswith("Z")
    assert body["request_id"]


def test_what_is_stored_and_hashed_is_what_was_sent(api) -> None:
    asked = DRAFT | {"request_id": "r-1", "title": " <b>Ünïcode</b> \u202e ", "context": {"z": 1e300, "a": [1.5, "é"]}}
    body = api("agent").post("/api/interventions", asked).json()
    assert body["title"] == asked["title"]
    seen = {name: body[name] for name in ("request_id", "uow_id", "intervention_type", "title", "description")}
    seen |= {"context": asked["context"], "response_schema": None}
    assert body["content_hash"] == hashlib.sha256(rfc8785.dumps(seen)).hexdigest()


def test_the_same_request_again_gives_the_first_whatever_its_state(api) -> None:
    draft = DRAFT | {"request_id": "r-1"}
    api("agent").post("/api/interventions", draft)
    api("otto").post("/api/interventions/r-1/approve")
    again = api("agent").post("/api/interventions", draft | {"priority": "normal", "tags": []})
    assert (again.status_code, again.json()["status"]) == (200, "APPROVED")


def test_the_same_id_with_other_content_conflicts(api) -> None:
    draft = DRAFT | {"request_id": "r-1"}
    api("agent").post("/api/interventions", draft)
    other = api("agent").post("/api/interventions", draft | {"tags": ["refund"]})
    assert (other.status_code, other.json()["code"]) == (409, "request_id_reused")
    assert other.json()["intervention"]["request_id"] == "r-1"


def test_two_organizations_may_use_the_same_id(api) -> None:
    for key in ("agent", "globex-agent"):
        assert api(key).post("/api/interventions", DRAFT | {"request_id": "r-1"}).status_code == 201


def test_an_idempotency_key_makes_two_attempts_one(api, world: World) -> None:
    first = api("agent").post("/api/interventions", DRAFT, **{"Idempotency-Key": "try 1"})
    again = api("agent").post("/api/interventions", dict(reversed(DRAFT.items())), **{"Idempotency-Key": "try 1"})
    assert first.json()["request_id"] == again.json()["request_id"]
    assert again.status_code in (200, 201)
    assert Intervention.objects.for_organization(world.acme.pk).count() == 1


def test_an_idempotency_key_with_another_body_conflicts(api) -> None:
    api("agent").post("/api/interventions", DRAFT, **{"Idempotency-Key": "k"})
    other = api("agent").post("/api/interventions", DRAFT | {"title": "Other"}, **{"Idempotency-Key": "k"})
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert other.json()["intervention"] is None
    batch = api("agent").post("/api/interventions/batch", {"interventions": [DRAFT]}, **{"Idempotency-Key": "k"})
    assert batch.status_code == 409


def test_idempotency_keys_of_two_credentials_are_two(api) -> None:
    assert api("agent").post("/api/interventions", DRAFT, **{"Idempotency-Key": "k"}).status_code == 201
    assert api("globex-agent").post("/api/interventions", DRAFT, **{"Idempotency-Key": "k"}).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "ünicode"])
def test_an_idempotency_key_is_1_to_255_printable_characters(api, world: World, key: str) -> None:
    answer = api("agent").post("/api/interventions", DRAFT, **{"Idempotency-Key": key})
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["errors"]
    assert not Intervention.objects.for_organization(world.acme.pk).exists()


def test_a_batch_is_stored_in_order(api) -> None:
    drafts = [DRAFT | {"request_id": f"r-{number}"} for number in range(500)]
    answer = api("agent").post("/api/interventions/batch", {"interventions": drafts})
    assert answer.status_code == 201
    assert [row["request_id"] for row in answer.json()["results"]] == [draft["request_id"] for draft in drafts]
    again = api("agent").post("/api/interventions/batch", {"interventions": drafts[:3]})
    assert (again.status_code, len(again.json()["results"])) == (200, 3)


def test_a_batch_is_stored_wholly_or_not_at_all(api, world: World) -> None:
    api("agent").post("/api/interventions", DRAFT | {"request_id": "taken"})
    drafts = [DRAFT | {"request_id": "new"}, DRAFT | {"request_id": "taken", "title": "Other"}]
    answer = api("agent").post("/api/interventions/batch", {"interventions": drafts})
    assert (answer.status_code, answer.json()["code"]) == (409, "request_id_reused")
    assert Intervention.objects.for_organization(world.acme.pk).count() == 1


def test_a_batch_names_each_wrong_field_by_its_index(api, world: World) -> None:
    drafts = [DRAFT, DRAFT | {"title": ""}, DRAFT | {"priority": "urgent", "colour": "red"}, 5]
    answer = api("agent").post("/api/interventions/batch", {"interventions": drafts[:3]})
    assert answer.status_code == 400
    assert answer.json()["errors"].keys() == {
        "interventions.1.title",
        "interventions.2.priority",
        "interventions.2.colour",
    }
    no_object = api("agent").post("/api/interventions/batch", {"interventions": drafts})
    assert "interventions.3" in no_object.json()["errors"]
    assert not Intervention.objects.for_organization(world.acme.pk).exists()


@pytest.mark.parametrize("drafts", [[], [DRAFT] * 501, None, {}, "x"])
def test_a_batch_has_1_to_500(api, drafts: object) -> None:
    answer = api("agent").post("/api/interventions/batch", {"interventions": drafts})
    assert answer.status_code == 400
    assert "interventions" in answer.json()["errors"]


def test_an_agent_withdraws_and_may_say_it_again(api, ask, world: World) -> None:
    path = f"/api/interventions/{ask(request_id='r-1').request_id}/cancel"
    first = api("agent").post(path, {"action_reason": "done by hand"})
    again = api("agent").post(path, {"action_reason": "done by hand"})
    assert (first.status_code, first.json()["status"], first.json()["decided_by"]) == (200, "CANCELLED", None)
    assert (again.status_code, again.json()) == (200, first.json())
    other = api("agent").post(path, {"action_reason": "another reason"})
    assert (other.status_code, other.json()["code"]) == (409, "already_decided")
    assert types_of(world, "r-1") == ["created", "cancelled"]


def test_completion_needs_an_approval_and_may_be_said_again(api, ask, world: World) -> None:
    request_id = ask(request_id="r-1").request_id
    path = f"/api/interventions/{request_id}/complete"
    early = api("agent").post(path, {"outcome": {"ok": True}})
    assert (early.status_code, early.json()["code"]) == (409, "illegal_transition")
    actions.approve(world.pilot("otto"), request_id)
    first = api("agent").post(path, {"outcome": {"ok": True}})
    assert api("agent").post(path, {"outcome": {"ok": True}}).json() == first.json()
    other = api("agent").post(path, {"outcome": {"ok": False}})
    assert (other.status_code, other.json()["intervention"]["outcome"]) == (409, {"ok": True})


def test_completion_without_an_outcome_is_possible(api, ask, world: World) -> None:
    request_id = ask().request_id
    actions.approve(world.pilot("otto"), request_id)
    answer = api("agent").post(f"/api/interventions/{request_id}/complete")
    assert (answer.json()["status"], answer.json()["outcome"]) == ("COMPLETED", None)


READS = {
    "detail": "/api/interventions/r-1",
    "decision": "/api/interventions/r-1/decision?wait=0",
    "list": "/api/interventions",
    "trail": "/api/interventions/r-1/events",
    "log": "/api/events",
}


@pytest.mark.parametrize("path", READS.values(), ids=READS.keys())
def test_the_first_read_by_a_key_is_the_delivery(api, ask, world: World, path: str) -> None:
    ask(request_id="r-1")
    api("agent").get(path)
    actions.approve(world.pilot("otto"), "r-1")
    for _ in range(2):
        assert api("agent").get(path).status_code == 200
    row = Intervention.objects.for_organization(world.acme.pk).get()
    assert row.delivered_at is not None
    assert types_of(world, "r-1") == ["created", "approved", "delivered"]
    assert row.version == 2


def test_asking_again_is_a_delivery_too(api, world: World) -> None:
    draft = DRAFT | {"request_id": "r-1"}
    api("agent").post("/api/interventions", draft)
    actions.reject(world.pilot("otto"), "r-1", reason="no")
    api("agent").post("/api/interventions", draft)
    assert types_of(world, "r-1") == ["created", "rejected", "delivered"]


@pytest.mark.parametrize("reader", ["otto", "vera"])
def test_a_pilots_read_is_no_delivery(api, ask, world: World, reader: str) -> None:
    ask(request_id="r-1")
    actions.approve(world.pilot("otto"), "r-1")
    for path in READS.values():
        api(reader).get(path)
    assert types_of(world, "r-1") == ["created", "approved"]


def test_an_open_request_or_a_head_is_no_delivery(api, ask, world: World) -> None:
    ask(request_id="r-1")
    for path in (*READS.values(), "/api/interventions/pending", "/api/interventions/metrics"):
        assert api("agent").get(path).status_code == 200
    actions.approve(world.pilot("otto"), "r-1")
    agent = api("agent")
    assert agent.client.head("/api/interventions/r-1", headers=agent.headers).status_code == 200
    assert types_of(world, "r-1") == ["created", "approved"]


def test_a_delivery_that_cannot_be_noted_does_not_spoil_the_answer(
    api, ask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(request_id="r-1")
    actions.approve(world.pilot("otto"), "r-1")

    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(actions, "record_delivery", fail)
    assert api("agent").get("/api/interventions/r-1").json()["status"] == "APPROVED"
