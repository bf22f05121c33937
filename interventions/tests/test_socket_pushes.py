"""What a subscribed program is told: every event in order, from wherever it left off, and the figures."""

import asyncio
from typing import Any

import pytest

from conftest import World
from interventions import actions
from interventions.live import hub, outbox, program, replay, sockets, summaries
from interventions.live.database import in_thread
from interventions.live.hub import get_hub
from interventions.models import Event, Intervention, Stream
from interventions.tests.sockets import Client, connected, create, run, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]


def test_a_subscription_tells_where_the_log_is(world: World) -> None:
    async def test() -> None:
        await create(world)
        async with connected(world, "otto") as client:
            reply = await client.ask("subscribe", pilot_id="local:otto")
            assert reply["type"] == "subscribed"
            data = reply["data"]
            assert (data["subscribed"], data["pilot_id"], data["seq"]) == (True, "local:otto", 1)
            assert data["epoch"]
            assert data["message"]

    run(test)


def test_a_life_of_an_intervention_is_pushed_event_by_event(world: World) -> None:
    async def test() -> None:
        otto, agent = world.pilot("otto"), world.key()
        async with connected(world, "vera") as client:
            await client.ask("subscribe")
            request_id = await create(world, title="<b>Ship it?</b>")
            await in_thread(actions.claim, otto, request_id)
            await in_thread(actions.comment, otto, request_id, text="looking")
            await in_thread(actions.approve, otto, request_id, reason="fine")
            await in_thread(actions.complete, agent, request_id, outcome={"shipped": True})
            created, claimed, commented, approved, completed = await client.pushes(5)

        assert [push["seq"] for push in (created, claimed, commented, approved, completed)] == [1, 2, 3, 4, 5]
        assert all(push["success"] is True and push["timestamp"].endswith("Z") for push in (created, approved))
        assert created["type"] == "new_request"
        assert created["data"]["title"] == "<b>Ship it?</b>"
        assert (claimed["type"], commented["type"]) == ("status_changed", "request_updated")
        assert claimed["data"]["new_status"] == "IN_PROGRESS"
        assert commented["data"]["change"] == "commented"
        assert (commented["data"]["by"], commented["data"]["text"]) == ("local:otto", "looking")
        assert approved["type"] == "status_changed"
        decided = approved["data"].pop("intervention")
        assert approved["data"] == {
            "request_id": request_id,
            "old_status": "IN_PROGRESS",
            "new_status": "APPROVED",
            "updated_by": "local:otto",
            "action_reason": "fine",
            "response": None,
        }
        assert (decided["status"], decided["decided_by"]) == ("APPROVED", "local:otto")
        assert completed["type"] == "action_completed"
        assert completed["data"] == {"request_id": request_id, "outcome": {"shipped": True}, "by": "key:agent"}

    run(test)


def test_what_time_does_is_told_as_the_systems_doing(world: World, clock: Any) -> None:
    async def test() -> None:
        await create(world)
        async with connected(world, "otto") as client:
            await client.ask("subscribe")
            clock.forward(hours=2)
            await in_thread(actions.expire_due)
            push = await client.push()
            assert (push["type"], push["data"]["new_status"]) == ("status_changed", "EXPIRED")
            assert push["data"]["updated_by"] == "system"

    run(test)


def test_a_client_that_did_not_subscribe_or_has_unsubscribed_is_told_nothing(world: World) -> None:
    async def test() -> None:
        async with connected(world, "otto") as silent, connected(world, "olga") as listening:
            await listening.ask("subscribe")
            await listening.ask("subscribe")
            await silent.ask("subscribe")
            assert (await silent.ask("unsubscribe"))["type"] == "unsubscribed"
            await create(world)
            assert (await listening.push())["seq"] == 1
            await silent.ask("ping")
            assert not [frame for frame in silent.frames if "seq" in frame]

    run(test)


def test_another_organization_hears_nothing(world: World) -> None:
    async def test() -> None:
        async with connected(world, "gina") as gina, connected(world, "otto") as otto:
            await gina.ask("subscribe")
            await otto.ask("subscribe")
            await create(world, title="canary")
            await otto.push()
            await create(world, key="globex-agent")
            assert (await gina.push())["data"]["title"] != "canary"

    run(test)


def test_a_client_cut_for_200_events_gets_exactly_those(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "PAGE", 64)

    async def test() -> None:
        async with connected(world, "otto") as client:
            reply = await client.ask("subscribe")
            await create(world)
            last = (await client.push())["seq"]
        for number in range(100):
            request_id = await create(world, request_id=f"missed-{number}")
            await in_thread(actions.approve, world.pilot("otto"), request_id)
        async with connected(world, "otto") as client:
            await client.ask("subscribe", since=last, epoch=reply["data"]["epoch"])
            await create(world, request_id="after")
            pushes = await client.pushes(201)
        assert [push["seq"] for push in pushes] == list(range(last + 1, last + 202))
        # As it is now, not as it was then.
        assert pushes[0]["data"]["status"] == "APPROVED"
        assert pushes[-1]["data"]["request_id"] == "after"

    run(test)


def test_nothing_is_missed_or_repeated_while_events_happen_during_catching_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "PAGE", 3)

    async def test() -> None:
        for _ in range(20):
            await create(world)

        async def keep_asking() -> None:
            for _ in range(40):
                await create(world)

        async with connected(world, "otto") as client:
            asking = asyncio.create_task(keep_asking())
            for since in (0, 7, 19):
                await client.ask("subscribe", since=since)
                assert [push["seq"] for push in await client.pushes(5)] == list(range(since + 1, since + 6))
                await client.ask("unsubscribe")
                client.frames.clear()
            await client.ask("subscribe", since=0)
            await asking
            assert [push["seq"] for push in await client.pushes(60)] == list(range(1, 61))

    run(test)


def test_subscribing_again_leaves_nothing_out(world: World) -> None:
    async def test() -> None:
        async with connected(world, "otto") as client:
            await client.ask("subscribe")

            async def keep_subscribing() -> None:
                for _ in range(40):
                    await client.say("subscribe")
                    await asyncio.sleep(0.005)

            again = asyncio.create_task(keep_subscribing())
            for _ in range(30):
                await create(world)
            await again
            assert [push["seq"] for push in await client.pushes(30)] == list(range(1, 31))

    run(test)


def test_a_position_that_cannot_be_continued_from_is_a_resync(world: World) -> None:
    async def test() -> None:
        for _ in range(4):
            await create(world)
        async with connected(world, "otto") as client:
            epoch = (await client.ask("subscribe"))["data"]["epoch"]
            for asked in ({"since": 5}, {"since": 2, "epoch": "of another life"}, {"since": 2**53 - 1}):
                reply = await client.ask("subscribe", **asked)
                assert reply["data"]["seq"] == 4
                frame = await client.frame(lambda frame: frame["type"] == "resync")
                assert (frame["success"], frame["data"]) == (True, {"seq": 4, "epoch": epoch})
                assert "seq" not in frame
            await in_thread(prune, world.acme.pk, 2)
            await client.ask("subscribe", since=1)
            await client.frame(lambda frame: frame["type"] == "resync")
            await client.ask("subscribe", since=2)
            assert [push["seq"] for push in await client.pushes(2)] == [3, 4]
            await create(world)
            assert (await client.push())["seq"] == 5

    run(test)


def prune(organization_id: int, up_to: int) -> None:
    Event.objects.for_organization(organization_id).filter(seq__lte=up_to).delete()
    Stream.across_organizations.filter(organization_id=organization_id).update(first_seq=up_to + 1)


def test_an_event_of_a_removed_intervention_is_still_told(world: World) -> None:
    async def test() -> None:
        request_id = await create(world)
        await in_thread(actions.reject, world.pilot("otto"), request_id, reason="no")
        await in_thread(remove, world.acme.pk, request_id)
        async with connected(world, "otto") as client:
            await client.ask("subscribe", since=0)
            created, rejected = await client.pushes(2)
            assert created["data"]["request_id"] == request_id
            assert (rejected["data"]["new_status"], rejected["data"]["intervention"]) == ("REJECTED", None)

    run(test)


def remove(organization_id: int, request_id: str) -> None:
    Intervention.objects.for_organization(organization_id).filter(request_id=request_id).delete()


def test_a_restored_log_is_a_resync_for_open_sockets(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "TICK_SECONDS", 0.02)

    async def test() -> None:
        await create(world)
        async with connected(world, "otto") as client:
            await client.ask("subscribe")
            await in_thread(Stream.across_organizations.filter(pk=world.acme.pk).update, epoch="restored")
            frame = await client.frame(lambda frame: frame["type"] == "resync")
            assert frame["data"] == {"seq": 1, "epoch": "restored"}
            await create(world)
            assert (await client.push())["seq"] == 2

    run(test)


def test_figures_come_at_subscribe_and_when_something_changed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summaries, "CHANGED_SECONDS", 0.02)

    async def test() -> None:
        async with connected(world, "otto") as client:
            await client.ask("subscribe")
            first = await client.frame(lambda frame: frame["type"] == "metrics_update")
            assert (first["success"], first["data"]["total_interventions"]) == (True, 0)
            assert "seq" not in first
            await create(world)
            while (await client.frame(of_figures))["data"]["total_interventions"] != 1:
                pass

    run(test)


def of_figures(frame: dict[str, Any]) -> bool:
    return frame["type"] == "metrics_update"


def test_figures_come_regularly_though_nothing_happens(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summaries, "REGULAR_SECONDS", 0.02)

    async def test() -> None:
        async with connected(world, "otto") as client:
            await client.ask("subscribe")
            for _ in range(3):
                await client.frame(of_figures)

    run(test)


def test_figures_are_made_once_for_all_and_not_for_every_event(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    monkeypatch.setattr(summaries, "CHANGED_SECONDS", 3600)
    monkeypatch.setattr(program.metrics, "snapshot", lambda pk: made.append(pk) or {"made": len(made)})

    async def test() -> None:
        async with connected(world, "otto") as otto, connected(world, "olga") as olga:
            for client in (otto, olga):
                await client.ask("subscribe")
                await client.frame(of_figures)
            for _ in range(10):
                await create(world)
            await otto.pushes(10)
            await otto.ask("ping")
            assert not [frame for frame in otto.frames if of_figures(frame)]
            assert len(made) == 2

    run(test)


def test_a_decision_pushed_to_an_agent_is_recorded_as_delivered_once(world: World) -> None:
    async def test() -> None:
        request_id = await create(world)
        async with connected(world, "agent") as agent, connected(world, "reader") as reader:
            await agent.ask("subscribe")
            await reader.ask("subscribe")
            await in_thread(actions.approve, world.pilot("otto"), request_id)
            approved, delivered = await agent.pushes(2)
            assert approved["data"]["intervention"]["delivered_at"] is None
            assert (delivered["type"], delivered["data"]["change"]) == ("request_updated", "delivered")
            assert delivered["data"]["intervention"]["delivered_at"]
            await create(world)
            assert (await agent.push())["type"] == "new_request"

    run(test)


def test_a_decision_pushed_to_pilots_only_is_not_delivered(world: World) -> None:
    async def test() -> None:
        request_id = await create(world)
        async with connected(world, "vera") as vera:
            await vera.ask("subscribe")
            await in_thread(actions.approve, world.pilot("otto"), request_id)
            await vera.ask("request_detail", request_id=request_id)
            await vera.push()
        async with connected(world, "agent") as agent:
            await agent.ask("subscribe")
            reply = await agent.ask("request_detail", request_id=request_id)
            assert reply["data"]["delivered_at"] is None
            assert (await agent.push())["data"]["change"] == "delivered"

    run(test)


def test_a_decision_read_in_the_history_is_delivered(world: World) -> None:
    async def test() -> None:
        request_id = await create(world)
        await in_thread(actions.reject, world.pilot("otto"), request_id, reason="no")
        async with connected(world, "agent") as agent:
            await agent.ask("subscribe")
            await agent.ask("get_history")
            push = await agent.push()
            assert (push["data"]["change"], push["data"]["request_id"]) == ("delivered", request_id)

    run(test)


class Slow(Client):
    """A client that takes frames only while its gate is open."""

    def __init__(self, token: str) -> None:
        super().__init__(token=token)
        self.gate = asyncio.Event()
        self.gate.set()
        put = self.socket.output_queue.put

        async def send(frame: Any) -> None:
            await self.gate.wait()
            await put(frame)

        self.socket.output_queue.put = send


async def slow_client(world: World, who: str) -> Slow:
    token = (await in_thread(world.bearer, who))["Authorization"].removeprefix("Bearer ")
    client = Slow(token)
    await client.open()
    await client.ask("subscribe")
    client.gate.clear()
    return client


def test_a_client_that_does_not_read_is_cut_off_and_the_others_are_not_disturbed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MAX_COUNT", 5)
    monkeypatch.setattr(sockets, "CUT_SECONDS", 0.05)

    async def test() -> None:
        async with connected(world, "otto") as reading, get_hub().following(world.acme.pk) as feed:
            await reading.ask("subscribe")
            listening = len(feed.subscribers)
            stuck = await slow_client(world, "olga")
            for number in range(1, 21):
                await create(world)
                assert (await reading.push())["seq"] == number
            # It does not even take the close frame.
            await until(stuck.socket.future.done)
            assert not stuck.socket.future.cancelled()
            assert len(feed.subscribers) == listening

    run(test)


def test_a_client_that_reads_too_slowly_learns_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MAX_COUNT", 5)
    monkeypatch.setattr(sockets, "CUT_SECONDS", 3600)

    async def test() -> None:
        async with connected(world, "otto") as reading:
            await reading.ask("subscribe")
            slow = await slow_client(world, "olga")
            for _ in range(20):
                await create(world)
                await reading.push()
            slow.gate.set()
            assert await slow.closed() == sockets.TOO_SLOW
            # What did come is without a hole.
            seqs = [frame["seq"] for frame in slow.frames if "seq" in frame]
            assert seqs == list(range(1, len(seqs) + 1))
            await slow.leave()

    run(test)


def test_large_events_count_by_their_size(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MAX_BYTES", 20_000)

    async def test() -> None:
        async with connected(world, "otto") as reading:
            await reading.ask("subscribe")
            slow = await slow_client(world, "olga")
            for _ in range(5):
                await create(world, description="x" * 9000)
                await reading.push()
            slow.gate.set()
            assert await slow.closed() == sockets.TOO_SLOW
            await slow.leave()

    run(test)


def test_catching_up_goes_no_faster_than_the_client_reads(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MAX_COUNT", 6)

    async def test() -> None:
        for _ in range(60):
            await create(world)
        async with connected(world, "otto") as client:
            await client.ask("subscribe", since=0)
            assert [push["seq"] for push in await client.pushes(60)] == list(range(1, 61))

    run(test)


def test_nothing_is_left_of_a_socket_that_has_gone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "TICK_SECONDS", 0.02)
    monkeypatch.setattr(hub, "IDLE_SECONDS", 0.0)

    async def test() -> None:
        before = len(asyncio.all_tasks())
        async with get_hub().following(world.acme.pk) as feed:
            for _ in range(5):
                async with connected(world, "otto") as client:
                    await client.ask("subscribe", since=0)
                    await client.say("get_metrics")
            assert not feed.subscribers
        await until(lambda: not get_hub().serves(world.acme.pk))
        await until(lambda: len(asyncio.all_tasks()) == before or not get_hub()._tasks)

    run(test)
