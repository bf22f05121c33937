"""The hub: whoever waits hears of an event at once and in order, by whichever way the news arrives."""

import asyncio

import pytest

from conftest import World
from interventions import actions
from interventions.content import draft_of
from interventions.live import hub as hub_module
from interventions.live import news
from interventions.live.database import in_thread
from interventions.live.hub import Hub, get_hub
from interventions.live.news import News
from interventions.tests.sockets import DRAFT, create, run, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]

SOON = 10.0


class Listener:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.seqs: list[int] = []
        self.ids: list[str] = []
        self.resyncs: list[tuple[int, str]] = []

    def take(self, item: News) -> None:
        self.seqs.append(item.seq)
        self.ids.append(item.request_id)

    def resync(self, seq: int, epoch: str) -> None:
        self.resyncs.append((seq, epoch))


@pytest.fixture
def _deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is handed over: only comparing the logs is left."""
    monkeypatch.setattr(Hub, "hand_over", lambda *_: None)
    monkeypatch.setattr(hub_module.layer.Link, "join", lambda *_: asyncio.sleep(0))
    monkeypatch.setattr(hub_module, "TICK_SECONDS", 0.02)


def test_a_watch_wakes_when_its_request_changes(world: World) -> None:
    async def test() -> None:
        request_id = await create(world)
        async with get_hub().watch(world.acme.pk, request_id) as watch:
            waiting = asyncio.create_task(watch.changed(SOON))
            await in_thread(actions.approve, world.pilot("otto"), request_id)
            assert await waiting
            assert not await watch.changed(0)

    run(test)


def test_a_watch_remembers_what_happened_before_it_waited(world: World) -> None:
    async def test() -> None:
        async with get_hub().watch(world.acme.pk) as watch:
            await create(world)
            assert await watch.changed(SOON)

    run(test)


def test_a_watch_sleeps_through_other_requests_and_other_organizations(world: World) -> None:
    async def test() -> None:
        request_id = await create(world)
        async with get_hub().watch(world.acme.pk, request_id) as watch, get_hub().watch(world.acme.pk) as all_of_acme:
            await in_thread(actions.create, world.key("globex-agent"), draft_of(DRAFT | {"request_id": request_id}))
            await create(world)
            assert await all_of_acme.changed(SOON)
            assert not await watch.changed(0)

    run(test)


def test_events_arrive_in_order_from_many_threads(world: World) -> None:
    async def test() -> None:
        listener = Listener()
        async with get_hub().following(world.acme.pk) as feed:
            feed.subscribers.add(listener)
            await asyncio.gather(*(create(world) for _ in range(40)))
            await until(lambda: len(listener.seqs) == 40)
        assert listener.seqs == list(range(1, 41))

    run(test)


def test_news_out_of_order_is_put_in_order(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        await create(world)
        listener, held = Listener(), []
        async with get_hub().following(world.acme.pk) as feed:
            feed.subscribers.add(listener)
            with monkeypatch.context() as patch:
                patch.setattr(Hub, "hand_over", lambda _self, *told: held.append(told))
                for _ in range(5):
                    await create(world)
            for told in reversed(held):
                get_hub().accept(*told)
            for told in held:
                get_hub().accept(*told)
        assert listener.seqs == [2, 3, 4, 5, 6]

    run(test)


def test_news_of_another_log_is_not_taken_for_ours(world: World) -> None:
    async def test() -> None:
        listener, hub = Listener(), get_hub()
        foreign = {"type": "created", "request_id": "foreign", "at": "", "actor": "", "data": {}}
        async with hub.following(world.acme.pk) as feed:
            feed.subscribers.add(listener)
            hub.accept(world.acme.pk, "foreign", [News(world.acme.pk, foreign | {"seq": 1}, None)])
            await create(world)
            await until(lambda: listener.seqs == [1])
            hub.accept(world.acme.pk, "foreign", [News(world.acme.pk, foreign | {"seq": 2}, None)])
            own = await create(world)
            await until(lambda: len(listener.seqs) == 2)
        assert (listener.ids[1], listener.resyncs) == (own, [])
        assert "foreign" not in listener.ids

    run(test)


def test_lost_news_is_read_from_the_log_as_soon_as_later_news_arrives(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "TICK_SECONDS", 3600)

    async def test() -> None:
        listener = Listener()
        async with get_hub().following(world.acme.pk) as feed:
            feed.subscribers.add(listener)
            with monkeypatch.context() as patch:
                patch.setattr(Hub, "hand_over", lambda *_: None)
                await create(world)
                await create(world)
            await create(world)
            await until(lambda: len(listener.seqs) == 3)
        assert listener.seqs == [1, 2, 3]

    run(test)


@pytest.mark.usefixtures("_deaf")
def test_lost_news_is_found_by_comparing_the_logs(world: World) -> None:
    async def test() -> None:
        listener = Listener()
        async with get_hub().following(world.acme.pk) as feed:
            feed.subscribers.add(listener)
            for _ in range(3):
                await create(world)
            await until(lambda: len(listener.seqs) == 3)
        assert (listener.seqs, listener.resyncs) == ([1, 2, 3], [])

    run(test)


@pytest.mark.usefixtures("_deaf")
def test_a_log_that_ran_far_ahead_is_not_told_event_by_event(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "MAX_BEHIND", 2)

    async def test() -> None:
        await create(world)
        listener = Listener()
        async with get_hub().following(world.acme.pk) as feed:
            feed.subscribers.add(listener)
            drafts = [draft_of(DRAFT) for _ in range(4)]
            await in_thread(actions.create_many, world.key(), drafts)
            await until(lambda: bool(listener.resyncs))
        assert (listener.seqs, listener.resyncs) == ([], [(5, feed.epoch)])

    run(test)


def test_a_new_epoch_is_a_resync_for_everybody(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "TICK_SECONDS", 0.02)

    async def test() -> None:
        await create(world)
        listener = Listener()
        async with get_hub().following(world.acme.pk) as feed, get_hub().watch(world.acme.pk, "any") as watch:
            feed.subscribers.add(listener)
            await in_thread(set_epoch, world.acme.pk, "restored")
            await until(lambda: bool(listener.resyncs))
            assert await watch.changed(SOON)
            await create(world)
            await until(lambda: bool(listener.seqs))
        assert (listener.resyncs, listener.seqs) == ([(1, "restored")], [2])

    run(test)


def set_epoch(organization_id: int, epoch: str) -> None:
    news.Stream.across_organizations.filter(organization_id=organization_id).update(epoch=epoch)


def test_a_database_that_does_not_answer_heals(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "TICK_SECONDS", 0.02)

    def fail(*_: object) -> None:
        raise ConnectionError("gone")

    async def test() -> None:
        listener = Listener()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(news, "heads", fail)
            async with get_hub().following(world.acme.pk) as feed:
                feed.subscribers.add(listener)
                await create(world)
                patch.undo()
                await until(lambda: bool(listener.resyncs))
                await create(world)
                await until(lambda: bool(listener.seqs))
        assert listener.seqs[-1] == 2

    run(test)


def test_nothing_is_left_when_everybody_has_gone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "TICK_SECONDS", 0.02)
    monkeypatch.setattr(hub_module, "IDLE_SECONDS", 0.0)

    async def test() -> None:
        async with get_hub().watch(world.acme.pk, "some") as _, get_hub().following(world.acme.pk) as feed:
            assert feed.watches
        assert not feed.watches
        hub = get_hub()
        await until(lambda: not hub.serves(world.acme.pk))
        await until(lambda: not hub._tasks)

    run(test)
