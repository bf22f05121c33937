"""Reading over REST: lists, filters, pages, the queue, the trail, the log and the figures."""

from datetime import timedelta
from urllib.parse import quote

import pytest
from django.utils import timezone

from conftest import World
from interventions import actions
from interventions.models import Event, Intervention, Stream
from pilots.wire import moment

pytestmark = pytest.mark.embedded


def ids(answer) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [row["request_id"] for row in answer.json()["results"]]


def all_pages(client, path: str, **params: object) -> list[list[dict]]:
    answer = client.get(path, **params).json()
    pages = [answer["results"]]
    while answer["next"]:
        assert answer["next"].startswith("http://testserver/api/")
        answer = client.get(answer["next"]).json()
        pages.append(answer["results"])
    return pages


def test_the_list_begins_with_the_newest(api, ask) -> None:
    for number in range(3):
        ask(request_id=f"r-{number}")
    assert ids(api("vera").get("/api/interventions")) == ["r-2", "r-1", "r-0"]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"status": "APPROVED"}, {"approved"}),
        ({"status": "PENDING"}, {"urgent", "tagged", "plain"}),
        ({"priority": "critical"}, {"urgent"}),
        ({"intervention_type": "resume"}, {"tagged"}),
        ({"uow_id": "uow-9"}, {"plain"}),
        ({"assigned_to": "local:olga"}, {"plain"}),
        ({"tag": "refund"}, {"tagged"}),
        ({"tag": "ref"}, set()),
        ({"q": "ACME gmbh"}, {"plain"}),
        ({"q": "%"}, set()),
        ({"status": "PENDING", "priority": "critical"}, {"urgent"}),
        ({"status": "EXPIRED"}, set()),
    ],
)
def test_the_list_is_narrowed_by_each_filter(
    api, ask, world: World, params: dict[str, str], expected: set[str]
) -> None:
    ask(request_id="approved")
    actions.approve(world.pilot("otto"), "approved")
    ask(request_id="urgent", priority="critical")
    ask(request_id="tagged", tags=["refund", "eu"], intervention_type="resume")
    ask(request_id="plain", uow_id="uow-9", title="Is it Acme GmbH?")
    actions.assign(world.pilot("otto"), "plain", pilot_id="local:olga")
    assert set(ids(api("agent").get("/api/interventions", **params))) == expected


def test_the_list_is_narrowed_by_time(api, ask) -> None:
    rows = [ask(request_id=f"r-{number}") for number in range(3)]
    middle = moment(rows[1].created_at)
    assert ids(api("agent").get("/api/interventions", created_after=middle)) == ["r-2"]
    assert ids(api("agent").get("/api/interventions", created_before=middle)) == ["r-0"]


@pytest.mark.parametrize("ordering", ["created_at", "-created_at", "priority", "updated_at", "-updated_at"])
def test_pages_follow_one_another_without_gap_or_repeat(api, ask, world: World, ordering: str) -> None:
    for number in range(7):
        ask(request_id=f"r-{number}", priority=["low", "critical", "high"][number % 3])
    # Equal in every column that orders: only the row's own number is left to tell them apart.
    moment_ = timezone.now()
    Intervention.objects.for_organization(world.acme.pk).update(created_at=moment_, updated_at=moment_)
    pages = all_pages(api("vera"), "/api/interventions", limit=3, ordering=ordering)
    assert [len(page) for page in pages] == [3, 3, 1]
    found = [row["request_id"] for page in pages for row in page]
    whole = ids(api("vera").get("/api/interventions", ordering=ordering))
    assert found == whole
    assert len(set(found)) == 7


def test_priority_orders_the_most_urgent_first(api, ask) -> None:
    for word in ("low", "critical", "normal", "high"):
        ask(request_id=word, priority=word)
    assert ids(api("vera").get("/api/interventions", ordering="priority")) == ["critical", "high", "normal", "low"]


def test_a_page_is_not_moved_by_what_comes_in_between(api, ask) -> None:
    for number in range(4):
        ask(request_id=f"r-{number}")
    first = api("vera").get("/api/interventions", limit=2).json()
    ask(request_id="newcomer")
    second = api("vera").get(first["next"]).json()
    assert [row["request_id"] for row in second["results"]] == ["r-1", "r-0"]
    assert second["next"] is None


def test_a_cursor_belongs_to_its_ordering_and_keeps_the_filters(api, ask) -> None:
    for number in range(3):
        ask(request_id=f"r-{number}", tags=["a&b"] if number else [])
    answer = api("vera").get("/api/interventions", limit=1, tag="a&b").json()
    cursor = answer["next"].rpartition("cursor=")[2]
    assert f"tag={quote('a&b', safe='')}" in answer["next"]
    assert ids(api("vera").get(answer["next"])) == ["r-1"]
    refused = api("vera").get(f"/api/interventions?ordering=priority&cursor={cursor}")
    assert (refused.status_code, "cursor" in refused.json()["errors"]) == (400, True)


def test_another_organizations_rows_are_not_listed(api, ask) -> None:
    ask()
    assert ids(api("gina").get("/api/interventions")) == []
    assert api("gina").get("/api/interventions/pending").json() == []
    assert api("gina").get("/api/events").json()["results"] == []


def test_pending_is_a_bare_list_most_urgent_first(api, ask) -> None:
    for number, word in enumerate(["low", "critical", "normal", "critical"]):
        ask(request_id=f"{number}-{word}", priority=word)
    rows = api("agent").get("/api/interventions/pending").json()
    assert [row["request_id"] for row in rows] == ["1-critical", "3-critical", "2-normal", "0-low"]
    middle = api("agent").get("/api/interventions/pending/", limit=2, offset=1).json()
    assert [row["request_id"] for row in middle] == ["3-critical", "2-normal"]


def test_pending_leaves_out_what_is_claimed_decided_or_past(api, ask, world: World) -> None:
    for name in ("claimed", "decided", "past", "waiting"):
        ask(request_id=name)
    actions.claim(world.pilot("otto"), "claimed")
    actions.approve(world.pilot("otto"), "decided")
    Intervention.objects.for_organization(world.acme.pk).filter(request_id="past").update(
        expires_at=timezone.now() - timedelta(seconds=1)
    )
    assert [row["request_id"] for row in api("agent").get("/api/interventions/pending").json()] == ["waiting"]
    assert ids(api("agent").get("/api/interventions", status="PENDING")) == ["waiting", "past"]


def test_a_pilots_queue_is_theirs_or_nobodys_as_far_as_their_role_goes(api, ask, world: World) -> None:
    ask(request_id="anybody")
    ask(request_id="grave", intervention_type="kill_switch")
    ask(request_id="ottos")
    ask(request_id="olgas")
    actions.assign(world.pilot("ada"), "ottos", pilot_id="local:otto")
    actions.assign(world.pilot("ada"), "olgas", pilot_id="local:olga")

    def queue(pilot_id: str) -> set[str]:
        return {row["request_id"] for row in api("agent").get("/api/interventions/pending", pilot_id=pilot_id).json()}

    assert queue("local:otto") == {"anybody", "ottos"}
    assert queue("local:ada") == {"anybody", "grave"}
    assert queue("local:vera") == set()
    assert queue("local:nobody") == set()
    assert queue("") == {"anybody", "grave", "ottos", "olgas"}


def test_the_trail_is_the_requests_own_oldest_first(api, ask, world: World) -> None:
    ask(request_id="other")
    ask(request_id="r-1")
    actions.claim(world.pilot("otto"), "r-1")
    actions.comment(world.pilot("otto"), "r-1", text="Looking into it.")
    actions.approve(world.pilot("otto"), "r-1", reason="fine")
    pages = all_pages(api("vera"), "/api/interventions/r-1/events", limit=3)
    events = [event for page in pages for event in page]
    assert [event["type"] for event in events] == ["created", "claimed", "commented", "approved"]
    assert events[0].keys() == {"seq", "type", "request_id", "at", "actor", "data"}
    assert [event["actor"] for event in events] == ["key:agent"] + ["local:otto"] * 3
    assert events[2]["data"]["text"] == "Looking into it."


def test_the_log_is_read_from_a_position_on(api, ask, world: World) -> None:
    for number in range(5):
        ask(request_id=f"r-{number}")
    first = api("agent").get("/api/events", limit=2).json()
    assert ([event["seq"] for event in first["results"]], first["next_after"]) == ([1, 2], 2)
    rest = api("agent").get("/api/events", after=first["next_after"], epoch=first["epoch"]).json()
    assert ([event["seq"] for event in rest["results"]], rest["next_after"]) == ([3, 4, 5], 5)
    end = api("agent").get("/api/events", after=5).json()
    assert (end["results"], end["next_after"]) == ([], 5)


def test_a_new_organizations_log_is_empty_but_has_an_epoch(api) -> None:
    body = api("gina").get("/api/events/").json()
    assert (body["results"], body["next_after"]) == ([], 0)
    assert body["epoch"]


@pytest.mark.parametrize("params", [{"after": 99}, {"after": 0, "epoch": "of another life"}])
def test_a_position_that_leads_nowhere_is_gone(api, ask, world: World, params: dict[str, object]) -> None:
    ask()
    answer = api("agent").get("/api/events", **params)
    assert (answer.status_code, answer.json()["code"]) == (410, "log_truncated")
    stream = Stream.objects.for_organization(world.acme.pk).get()
    assert (answer.json()["seq"], answer.json()["epoch"]) == (1, stream.epoch)


def test_a_position_older_than_is_kept_is_gone(api, ask, world: World) -> None:
    for _ in range(3):
        ask()
    Event.objects.for_organization(world.acme.pk).filter(seq__lte=2).delete()
    Stream.objects.for_organization(world.acme.pk).update(first_seq=3)
    assert api("agent").get("/api/events", after=1).status_code == 410
    assert [event["seq"] for event in api("agent").get("/api/events", after=2).json()["results"]] == [3]


def test_metrics_have_the_shape_of_phase_2_and_more(api, ask, world: World) -> None:
    ask(request_id="r-1", priority="high")
    ask(request_id="r-2", intervention_type="resume")
    actions.approve(world.pilot("otto"), "r-1")
    body = api("vera").get("/api/interventions/metrics").json()
    counts = {"total": 2, "pending": 1, "approved": 1, "rejected": 0, "in_progress": 0, "expired": 0, "completed": 0}
    assert {name: body[f"{name}_interventions"] for name in counts} == counts
    assert (body["by_type"], body["by_priority"]) == ({"clarification": 1, "resume": 1}, {"high": 1, "normal": 1})
    assert body["top_pilots"] == [{"pilot_id": "local:otto", "interventions": 1}]
    assert (body["approval_rate"], body["seq"]) == (1, 3)


def test_a_head_answers_as_a_get_would(api, ask) -> None:
    agent = api("agent")
    answer = agent.client.head(f"/api/interventions/{ask().request_id}", headers=agent.headers)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    waiting = agent.client.head("/api/events", headers=agent.headers)
    assert waiting.status_code == 200
