"""Messages and replies: every type, every envelope, every refusal, and a socket that stays open."""

import threading
from typing import Any

import pytest
from django.db import OperationalError

from conftest import Clock, World
from interventions import actions, listing
from interventions.live import program
from interventions.live.database import in_thread
from interventions.tests.sockets import Client, connected, create, run, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]


def refused(reply: dict[str, Any]) -> str:
    assert (reply["type"], reply["success"]) == ("error", False)
    assert reply["error"]["message"]
    assert reply["timestamp"].endswith("Z")
    return reply["error"]["code"]


def test_ping_is_answered_with_its_id(world: World) -> None:
    async def test() -> None:
        async with connected(world, "agent") as client:
            reply = await client.ask("ping")
            assert (reply["type"], reply["success"], reply["data"]) == ("pong", True, {})
            await client.say("ping")
            assert "id" not in await client.frame()

    run(test)


def test_fields_stand_flat_or_under_payload_or_under_data(world: World) -> None:
    async def test() -> None:
        request_id = await create(world)
        async with connected(world, "otto") as client:
            for envelope in (
                {"request_id": request_id},
                {"payload": {"request_id": request_id}},
                {"data": {"request_id": request_id}},
                {"request_id": request_id, "payload": None, "since_phase_2": True},
            ):
                reply = await client.ask("request_detail", **envelope)
                assert (reply["type"], reply["data"]["request_id"]) == ("request_detail", request_id)

    run(test)


def test_pending_is_that_of_rest(world: World) -> None:
    async def test() -> None:
        low = await create(world, priority="low")
        critical = await create(world, priority="critical")
        async with connected(world, "otto") as client:
            data = (await client.ask("get_pending", limit=1, pilot_id="local:otto"))["data"]
            assert [item["request_id"] for item in data["requests"]] == [critical]
            assert (data["total"], data["count"], data["limit"]) == (2, 1, 1)
            data = (await client.ask("get_pending"))["data"]
            assert [item["request_id"] for item in data["requests"]] == [critical, low]
            assert data["limit"] == 50

    run(test)


def test_history_goes_on_from_its_cursor(world: World) -> None:
    async def test() -> None:
        for _ in range(3):
            await in_thread(actions.approve, world.pilot("otto"), await create(world))
        async with connected(world, "vera") as client:
            first = (await client.ask("get_history", limit=2))["data"]
            second = (await client.ask("get_history", limit=2, cursor=first["next"]))["data"]
            assert (len(first["results"]), len(second["results"]), second["next"]) == (2, 1, None)

    run(test)


def test_metrics_have_their_figures(world: World) -> None:
    async def test() -> None:
        await create(world)
        async with connected(world, "agent") as client:
            reply = await client.ask("get_metrics")
            assert (reply["type"], reply["data"]["pending_interventions"]) == ("metrics", 1)

    run(test)


def test_a_pilot_claims_releases_and_decides(world: World) -> None:
    async def test() -> None:
        request_id = await create(world)
        async with connected(world, "otto") as client:
            for action, status in (("claim", "IN_PROGRESS"), ("release", "PENDING"), ("approve", "APPROVED")):
                reply = await client.ask("action", request_id=request_id, action=action, action_reason="checked")
                assert (reply["type"], reply["data"]["status"]) == ("action_result", status)
            assert reply["data"]["action_reason"] == "checked"

    run(test)


def test_an_answer_goes_with_the_approval(world: World) -> None:
    async def test() -> None:
        schema = {"type": "object", "properties": {"vendor": {"type": "string"}}, "required": ["vendor"]}
        request_id = await create(world, response_schema=schema)
        async with connected(world, "otto") as client:
            asked = {"request_id": request_id, "action": "approve"}
            assert refused(await client.ask("action", **asked)) == "INVALID"
            reply = await client.ask("action", **asked, response={"vendor": "Initech"})
            assert reply["data"]["response"] == {"vendor": "Initech"}

    run(test)


def test_a_refused_action_says_why(world: World) -> None:
    async def test() -> None:
        request_id = await create(world)
        grave = await create(world, intervention_type="kill_switch")
        async with (
            connected(world, "otto") as otto,
            connected(world, "agent") as agent,
            connected(world, "vera") as vera,
        ):
            approve = {"request_id": request_id, "action": "approve"}
            assert refused(await agent.ask("action", **approve)) == "FORBIDDEN"
            assert refused(await vera.ask("action", **approve)) == "FORBIDDEN"
            assert (
                refused(await otto.ask("action", request_id=grave, action="approve", action_reason="x")) == "FORBIDDEN"
            )
            assert refused(await otto.ask("action", request_id="unknown", action="approve")) == "NOT_FOUND"
            assert refused(await otto.ask("action", request_id=request_id, action="reject")) == "INVALID"
            await in_thread(actions.approve, world.pilot("olga"), request_id)
            reply = await otto.ask("action", **approve)
            assert refused(reply) == "CONFLICT"
            assert reply["error"]["reason"] == "already_decided"
            assert reply["error"]["intervention"]["decided_by"] == "local:olga"

    run(test)


def test_a_request_past_its_deadline_is_expired(world: World, clock: Clock) -> None:
    async def test() -> None:
        request_id = await create(world)
        clock.forward(hours=2)
        async with connected(world, "otto") as client:
            reply = await client.ask("action", request_id=request_id, action="approve")
            assert refused(reply) == "EXPIRED"

    run(test)


def test_another_organization_finds_nothing(world: World) -> None:
    async def test() -> None:
        request_id = await create(world)
        async with connected(world, "gina") as client:
            assert refused(await client.ask("request_detail", request_id=request_id)) == "NOT_FOUND"
            assert refused(await client.ask("action", request_id=request_id, action="approve")) == "NOT_FOUND"

    run(test)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "INVALID"),
        ("null", "INVALID"),
        ('["ping"]', "INVALID"),
        ("{}", "INVALID"),
        ('{"type": 5}', "INVALID"),
        ('{"type": "ping", "payload": "text"}', "INVALID"),
        ('{"type": "ping", "type": "ping"}', "INVALID"),
        ('{"type": "ping", "n": NaN}', "INVALID"),
        ('{"type": "ping", "n": 1e400}', "INVALID"),
        ('{"type": "ping", "n": 9007199254740993}', "INVALID"),
        ('{"type": "ping", "n": "\\u0000"}', "INVALID"),
        ('{"type": "ping", "n": "\\ud800"}', "INVALID"),
        ("[" * 5000, "INVALID"),
        ('{"type": "dance"}', "UNKNOWN_MESSAGE"),
        ('{"type": "get_pending", "limit": "5"}', "INVALID"),
        ('{"type": "get_pending", "limit": 0}', "INVALID"),
        ('{"type": "get_pending", "limit": 201}', "INVALID"),
        ('{"type": "get_pending", "limit": 1.0}', "INVALID"),
        ('{"type": "get_history", "cursor": "nonsense"}', "INVALID"),
        ('{"type": "request_detail"}', "INVALID"),
        ('{"type": "request_detail", "request_id": 7}', "INVALID"),
        ('{"type": "request_detail", "request_id": "unknown"}', "NOT_FOUND"),
        ('{"type": "action", "request_id": "x", "action": "delete"}', "INVALID"),
        ('{"type": "action", "request_id": "x", "action": "approve", "response": []}', "INVALID"),
        ('{"type": "subscribe", "since": -1}', "INVALID"),
        ('{"type": "subscribe", "since": "0"}', "INVALID"),
        ('{"type": "subscribe", "since": true}', "INVALID"),
        ('{"type": "subscribe", "epoch": 5}', "INVALID"),
        ('{"type": "ping", "n": "' + "x" * 66_000 + '"}', "TOO_LARGE"),
        ('{"type": "ping", "n": "' + "é" * 33_000 + '"}', "TOO_LARGE"),
    ],
)
def test_what_cannot_be_taken_is_refused_and_the_socket_stays_open(world: World, text: str, code: str) -> None:
    async def test() -> None:
        async with connected(world, "otto") as client:
            await client.socket.send_to(text_data=text)
            reply = await client.frame()
            assert refused(reply) == code
            if code == "UNKNOWN_MESSAGE":
                assert reply["error"]["message"].startswith("Unknown message type")
            assert (await client.ask("ping"))["type"] == "pong"

    run(test)


def test_a_binary_frame_is_refused_and_the_socket_stays_open(world: World) -> None:
    async def test() -> None:
        async with connected(world, "otto") as client:
            await client.socket.send_to(bytes_data=b'{"type": "ping"}')
            assert refused(await client.frame()) == "INVALID"
            assert (await client.ask("ping"))["type"] == "pong"

    run(test)


def test_a_message_of_exactly_64_kib_is_taken(world: World) -> None:
    async def test() -> None:
        async with connected(world, "otto") as client:
            text = '{"type": "ping", "n": "%s"}'
            await client.socket.send_to(text_data=text % ("x" * (64 * 1024 - len(text) + 2)))
            assert (await client.frame())["type"] == "pong"

    run(test)


def test_an_error_echoes_the_id(world: World) -> None:
    async def test() -> None:
        async with connected(world, "otto") as client:
            for echoed in ("text", 7, None, {"n": [1]}):
                await client.say("dance", id=echoed)
                assert (await client.frame())["id"] == echoed

    run(test)


def test_replies_come_in_the_order_of_the_messages(world: World) -> None:
    async def test() -> None:
        async with connected(world, "otto") as client:
            for number, kind in enumerate(["get_metrics", "dance", "ping", "get_pending", "get_history"]):
                await client.say(kind, id=number)
            assert [(await client.frame())["id"] for _ in range(5)] == [0, 1, 2, 3, 4]

    run(test)


def test_more_than_fifty_messages_a_second_are_refused(world: World) -> None:
    async def test() -> None:
        async with connected(world, "otto") as client:
            # Many more than fifty: a slow machine takes its time to send them.
            for number in range(400):
                await client.say("ping", id=number)
            frames = [await client.frame() for _ in range(400)]
            pongs = [frame["id"] for frame in frames if frame["type"] == "pong"]
            errors = [frame for frame in frames if frame["type"] == "error"]
            assert pongs[:50] == list(range(50))
            assert {refused(frame) for frame in errors} == {"RATE_LIMITED"}
            assert {frame["id"] for frame in errors} | set(pongs) == set(range(400))
            assert "websocket.close" not in [frame["type"] for frame in frames]

    run(test)


def test_no_more_than_so_many_messages_wait_for_a_slow_answer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "MAX_WAITING", 3)
    begun, slow, real = threading.Event(), threading.Event(), listing.count_pending

    def slowly(*args: Any, **kwargs: Any) -> int:
        begun.set()
        slow.wait()
        return real(*args, **kwargs)

    monkeypatch.setattr(listing, "count_pending", slowly)

    async def test() -> None:
        async with connected(world, "otto") as client:
            await client.say("get_pending")
            await until(begun.is_set)
            for _ in range(9):
                await client.say("get_pending")
            refusals = [await client.frame() for _ in range(6)]
            slow.set()
            answers = [await client.frame() for _ in range(4)]
        assert {refused(frame) for frame in refusals} == {"RATE_LIMITED"}
        assert [frame["type"] for frame in answers] == ["pending_requests"] * 4

    run(test)


def test_a_database_that_is_away_is_an_error_and_the_socket_stays_open(world: World) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OperationalError("gone")

    async def test() -> None:
        async with connected(world, "otto") as client:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(listing, "count_pending", fail)
                reply = await client.ask("get_pending")
                assert refused(reply) == "UNAVAILABLE"
            assert (await client.ask("get_pending"))["type"] == "pending_requests"

    run(test)


def test_both_addresses_and_both_spellings_answer(world: World) -> None:
    async def test() -> None:
        for path in ("/ws", "/ws/", "/ws/interventions", "/ws/interventions/"):
            async with connected(world, "otto", path) as client:
                assert (await client.ask("ping"))["type"] == "pong"

    run(test)


def test_every_other_address_is_not_found(world: World) -> None:
    async def test() -> None:
        client = Client("/ws/nowhere")
        answer = await client.handshake()
        assert (answer["type"], answer["status"]) == ("websocket.http.response.start", 404)
        client.socket.stop()

    run(test)
