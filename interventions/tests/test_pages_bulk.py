"""One verb on what is selected: asked once more, a result for each, and nothing done to what changed meanwhile."""

import re
from typing import Any

import pytest
from django.test import Client

from conftest import World, stored
from interventions import actions

pytestmark = pytest.mark.embedded


def send(client: Client, verb: str, rows: list[Any], **more: str) -> Any:
    return client.post("/o/acme/bulk", {"verb": verb, "selected": [f"{r.request_id}@{r.version}" for r in rows]} | more)


def results(answer: Any) -> dict[str, str]:
    pairs = re.findall(r'data-request-id="([^"]+)"\s+data-result="([^"]+)"', answer.content.decode())
    return dict(pairs)


def test_claims_are_done_at_once_with_a_result_for_each(world: World, ask: Any) -> None:
    free, held, gone = ask(), ask(), ask()
    actions.claim(world.pilot("olga"), held.request_id)
    actions.reject(world.pilot("olga"), gone.request_id, reason="No.")
    answer = send(world.session("otto"), "claim", [free, held, gone])
    assert results(answer) == {
        free.request_id: "done",
        held.request_id: "claimed",
        gone.request_id: "already_decided",
    }
    assert stored(free.request_id).assigned_to == "local:otto"
    assert stored(held.request_id).assigned_to == "local:olga"
    assert "1 of 3 claimed" in answer.content.decode()


def test_a_verdict_is_asked_for_once_more(world: World, ask: Any) -> None:
    rows = [ask(title="The first"), ask(title="The second")]
    answer = send(world.session("otto"), "reject", rows)
    assert answer.status_code == 200
    assert "Reject 2 requests" in answer.content.decode()
    assert "The second" in answer.content.decode()
    assert [stored(row.request_id).status for row in rows] == ["PENDING", "PENDING"]


def test_rejecting_needs_a_reason_and_keeps_what_was_typed(world: World, ask: Any) -> None:
    row = ask()
    otto = world.session("otto")
    assert send(otto, "reject", [row], confirmed="1", action_reason=" ").status_code == 422
    answer = send(otto, "reject", [row], confirmed="1", action_reason="x" * 2001)
    assert answer.status_code == 422
    assert "x" * 2001 in answer.content.decode()
    assert stored(row.request_id).status == "PENDING"
    assert results(send(otto, "reject", [row], confirmed="1", action_reason="Twice")) == {row.request_id: "done"}
    assert stored(row.request_id).action_reason == "Twice"


def test_grave_ones_are_never_approved_among_others(world: World, ask: Any) -> None:
    plain, critical = ask(), ask(priority="critical")
    stop = ask(intervention_type="kill_switch")
    ada = world.session("ada")
    assert "Approve 1" in send(ada, "approve", [plain, critical, stop]).content.decode()
    answer = send(ada, "approve", [plain, critical, stop], confirmed="1", action_reason="Fine")
    assert results(answer) == {
        plain.request_id: "done",
        critical.request_id: "one_by_one",
        stop.request_id: "one_by_one",
    }
    assert [stored(r.request_id).status for r in (plain, critical, stop)] == ["APPROVED", "PENDING", "PENDING"]


def test_what_changed_since_it_was_seen_is_left_alone(world: World, ask: Any) -> None:
    row = ask()
    actions.assign(world.pilot("ada"), row.request_id, pilot_id="local:otto")
    answer = send(world.session("otto"), "approve", [row], confirmed="1")
    assert results(answer) == {row.request_id: "version_mismatch"}
    assert stored(row.request_id).status == "PENDING"


def test_each_answer_says_why(world: World, ask: Any) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    asks, admin, joint = ask(response_schema=schema), ask(required_role="ADMIN"), ask(approvals_required=2)
    answer = send(world.session("otto"), "approve", [asks, admin, joint], confirmed="1")
    assert results(answer) == {
        asks.request_id: "response_required",
        admin.request_id: "forbidden",
        joint.request_id: "done",
    }
    assert "others have to join" in answer.content.decode()


def test_another_organizations_request_is_not_there(world: World, ask: Any) -> None:
    row = ask()
    gina = world.session("gina")
    answer = gina.post("/o/globex/bulk", {"verb": "claim", "selected": [f"{row.request_id}@1"]})
    assert results(answer) == {row.request_id: "not_found"}
    assert row.title not in answer.content.decode()
    assert stored(row.request_id).status == "PENDING"


@pytest.mark.parametrize(
    "posted",
    [
        {},
        {"verb": "delete", "selected": ["a@1"]},
        {"verb": "claim", "selected": ["a"]},
        {"verb": "claim", "selected": ["a@x"]},
        {"verb": "claim", "selected": ["a\x00@1"]},
        {"verb": "reject", "selected": ["a@1"], "action_reason": "a\x00b"},
        {"verb": "claim", "selected": [f"a{n}@1" for n in range(201)]},
    ],
)
def test_what_no_page_sends_is_refused(world: World, posted: dict[str, Any]) -> None:
    assert world.session("otto").post("/o/acme/bulk", posted).status_code == 400


def test_nothing_selected_is_said_plainly(world: World) -> None:
    answer = world.session("otto").post("/o/acme/bulk", {"verb": "claim"})
    assert answer.status_code == 422
    assert b"Select one request at least." in answer.content


def test_viewers_may_not(world: World, ask: Any) -> None:
    assert send(world.session("vera"), "claim", [ask()]).status_code == 403


def test_fifty_lines_cost_as_many_queries_as_two(
    world: World, ask: Any, django_assert_num_queries: Any, django_assert_max_num_queries: Any
) -> None:
    rows, otto = [ask() for _ in range(50)], world.session("otto")
    send(otto, "reject", rows[:2])
    with django_assert_max_num_queries(60) as two:
        send(otto, "reject", rows[:2])
    with django_assert_num_queries(len(two)):
        send(otto, "reject", rows)
