"""A key may be limited to a prefix of uow_id and to types: what lies outside it neither sees nor touches."""

from typing import Any

import pytest

from conftest import DRAFT, Api, World, told
from interventions import actions
from interventions.lifecycle import Type
from interventions.live import standing
from interventions.live.database import in_thread
from interventions.tests.sockets import Client, connected, create, run
from pilots import api_keys, limits
from pilots.caller import Caller
from pilots.errors import InvalidInput
from pilots.limits import Limits
from pilots.models import ApiKey

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]

BOTH = ["interventions:read", "interventions:write"]
OUTSIDE = {"uow_id": "billing-1", "title": "canary-9d1c", "request_id": "theirs"}


@pytest.fixture
def orders(world: World) -> World:
    """A key that sees the clarifications and cancellations of orders."""
    world.keys["orders"] = api_keys.make(
        world.acme, "orders", BOTH, limits=Limits("order-", frozenset({"clarification", "cancel"}))
    )
    return world


@pytest.fixture
def key(orders: World) -> Api:
    return Api(orders.bearer("orders"))


def inside(**fields: Any) -> dict[str, Any]:
    return DRAFT | {"uow_id": "order-1"} | fields


def test_the_types_a_key_may_be_limited_to_are_those_there_are() -> None:
    assert tuple(kind.value for kind in Type) == limits.TYPES


# Asking


def test_it_asks_within_its_limits(key: Api) -> None:
    assert key.post("/api/interventions", inside()).status_code == 201
    assert key.post("/api/interventions", inside(uow_id="order-")).status_code == 201


@pytest.mark.parametrize(
    "fields",
    [
        {"uow_id": "billing-1"},
        {"uow_id": "ORDER-1"},
        {"uow_id": " order-1"},
        {"uow_id": "order"},
        {"uow_id": "x-order-1"},
        {"intervention_type": "kill_switch"},
    ],
)
def test_outside_them_it_may_not_ask(key: Api, fields: dict[str, str]) -> None:
    answer = key.post("/api/interventions", inside(**fields))
    assert (answer.status_code, answer.json()["code"]) == (403, "key_limited")
    assert "limited to uow_id order-…; clarification, cancel" in answer.json()["detail"]


def test_a_batch_with_one_outside_stores_nothing(key: Api, world: World) -> None:
    batch = [inside(request_id="one"), inside(request_id="two", uow_id="billing-1")]
    answer = key.post("/api/interventions/batch", {"interventions": batch})
    assert (answer.status_code, answer.json()["code"]) == (403, "key_limited")
    assert told("one") == []


def test_an_id_that_is_taken_outside_says_no_more_than_that(key: Api, ask: Any) -> None:
    ask(**OUTSIDE)
    for answer in (
        key.post("/api/interventions", inside(request_id="theirs")),
        key.post("/api/interventions/batch", {"interventions": [inside(), inside(request_id="theirs")]}),
    ):
        problem = answer.json()
        assert (answer.status_code, problem["code"], problem["intervention"]) == (409, "request_id_reused", None)
        assert OUTSIDE["title"] not in answer.content.decode()


def test_an_id_that_is_taken_inside_is_shown_as_ever(key: Api, ask: Any) -> None:
    ask(**inside(request_id="ours"))
    problem = key.post("/api/interventions", inside(request_id="ours", title="Another?")).json()
    assert problem["intervention"]["request_id"] == "ours"


# Reading and acting


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", ""),
        ("get", "/events"),
        ("get", "/decision?wait=0"),
        ("post", "/complete"),
        ("post", "/cancel"),
    ],
)
def test_what_lies_outside_is_not_found(key: Api, ask: Any, world: World, method: str, path: str) -> None:
    ask(**OUTSIDE)
    actions.approve(world.pilot("ada"), "theirs", reason="fine")
    answer = getattr(key, method)(f"/api/interventions/theirs{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert told("theirs") == ["created", "approved"]


def test_lists_and_searches_hold_what_is_inside(key: Api, ask: Any) -> None:
    ask(**OUTSIDE)
    ask(**inside(request_id="grave", intervention_type="kill_switch"))
    ask(**inside(request_id="ours"))
    for path in ("", "?q=order", "?q=canary", "?uow_id=billing-1", "?status=PENDING"):
        results = key.get(f"/api/interventions{path}").json()["results"]
        assert {row["request_id"] for row in results} <= {"ours"}, path
    assert [row["request_id"] for row in key.get("/api/interventions/pending").json()] == ["ours"]


def test_it_follows_the_log_with_gaps_and_keeps_its_place(key: Api, ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        ask(**OUTSIDE | {"request_id": f"theirs-{number}"})
        ask(**inside(request_id=f"ours-{number}"))
    ask(**OUTSIDE)
    page = key.get("/api/events?limit=2").json()
    assert [(event["seq"], event["request_id"]) for event in page["results"]] == [(2, "ours-0"), (4, "ours-1")]
    assert page["next_after"] == 4
    rest = key.get("/api/events?after=4").json()
    assert [event["seq"] for event in rest["results"]] == [6]
    # Past what it may not see: the next look begins at the end.
    assert rest["next_after"] == 7
    assert key.get("/api/events?after=7").json()["results"] == []
    assert key.get("/api/events?after=8").status_code == 410

    # Where a look takes in no more than this, none of it may be the key's: it is told at once where to go on.
    monkeypatch.setattr("interventions.listing.LOOK", 1)
    page = key.get("/api/events?wait=60").json()
    assert (page["results"], page["next_after"]) == ([], 1)


def test_its_trail_is_complete(key: Api, ask: Any, world: World) -> None:
    ask(**inside(request_id="ours"))
    actions.approve(world.pilot("otto"), "ours")
    trail = key.get("/api/interventions/ours/events").json()["results"]
    assert [event["type"] for event in trail] == ["created", "approved"]


def test_it_completes_and_withdraws_what_is_inside(key: Api, ask: Any, world: World) -> None:
    ask(**inside(request_id="done"))
    ask(**inside(request_id="withdrawn"))
    actions.approve(world.pilot("otto"), "done")
    assert key.post("/api/interventions/done/complete", {"outcome": {}}).json()["status"] == "COMPLETED"
    assert key.post("/api/interventions/withdrawn/cancel").json()["status"] == "CANCELLED"


def test_what_it_reads_counts_as_delivered(key: Api, ask: Any, world: World) -> None:
    ask(**inside(request_id="ours"))
    actions.approve(world.pilot("otto"), "ours")
    key.get("/api/interventions")
    assert told("ours")[-1] == "delivered"


def test_figures_of_the_whole_organization_are_not_for_it(key: Api) -> None:
    answer = key.get("/api/interventions/metrics")
    assert (answer.status_code, answer.json()["code"]) == (403, "key_limited")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"limits": Limits("a/b")}, "uow_id_prefix"),
        ({"limits": Limits("a\n")}, "uow_id_prefix"),
        ({"limits": Limits("a\udcff")}, "uow_id_prefix"),
        ({"limits": Limits("x" * 256)}, "uow_id_prefix"),
        ({"limits": Limits("", frozenset({"everything"}))}, "intervention_types"),
        ({"limits": Limits("order-"), "scopes": ["metrics:read"]}, "scopes"),
    ],
)
def test_limits_that_make_no_sense_are_refused(world: World, given: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        api_keys.make(world.acme, "new", **{"scopes": BOTH} | given)
    assert list(refusal.value.errors or {}) == [field]


# Sockets


def test_a_socket_tells_what_is_inside_and_answers_so(orders: World) -> None:
    async def test() -> None:
        await create(orders, **OUTSIDE)
        async with connected(orders, "orders") as client:
            begun = await client.ask("subscribe", since=0)
            assert begun["data"]["seq"] == 1
            await create(orders, **OUTSIDE | {"request_id": "theirs-2"})
            await create(orders, **inside(request_id="ours"))
            push = await client.push()
            assert (push["seq"], push["data"]["request_id"]) == (3, "ours")

            pending = (await client.ask("get_pending"))["data"]
            assert (pending["total"], [row["request_id"] for row in pending["requests"]]) == (1, ["ours"])
            assert (await client.ask("get_history"))["data"]["results"] == []
            for message in ("request_detail", "action"):
                reply = await client.ask(message, request_id="theirs", action="claim")
                assert reply["error"]["code"] in ("NOT_FOUND", "FORBIDDEN")
            refused = (await client.ask("get_metrics"))["error"]
            assert (refused["code"], refused["reason"]) == ("FORBIDDEN", "key_limited")
            assert {frame["type"] for frame in client.frames} <= {"subscribed"}

    run(test)


def test_limits_that_change_hold_on_open_sockets(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "RECHECK_SECONDS", 0.02)

    async def refused(client: Client) -> bool:
        return (await client.ask("get_metrics")).get("success") is False

    async def test() -> None:
        row, _ = world.keys["agent"]
        async with connected(world, "agent") as client:
            await client.ask("subscribe")
            await client.frame(lambda frame: frame["type"] == "metrics_update")
            narrow = ApiKey.across_organizations.filter(pk=row.pk)
            await in_thread(lambda: narrow.update(uow_id_prefix="order-"))
            while not await refused(client):
                pass
            client.frames.clear()
            await create(world, **inside(request_id="before"))
            await create(world, key="reader-write", **OUTSIDE)
            await create(world, **inside(request_id="ours"))
            seen = [push["data"]["request_id"] for push in await client.pushes(2)]
            assert seen == ["before", "ours"]
            assert "metrics_update" not in {frame["type"] for frame in client.frames}

    world.keys["reader-write"] = api_keys.make(world.acme, "reader-write", BOTH)
    run(test)


def test_a_limit_is_part_of_who_asks(orders: World) -> None:
    caller = Caller.of_key(orders.keys["orders"][0])
    assert caller.limits == Limits("order-", frozenset({"cancel", "clarification"}))
    assert caller == orders.key("orders")
    assert hash(caller) == hash(orders.key("orders"))
