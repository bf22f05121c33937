"""Several processes on one database and one Redis: they hear of each other, with Redis and without."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from typing import Any

import orjson
import pytest
from channels.layers import channel_layers
from channels_redis import pubsub
from django.conf import settings
from django.core.cache import cache
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from conftest import World
from interventions import actions
from interventions.live import hub
from interventions.live.database import in_thread
from interventions.live.hub import Hub, get_hub
from interventions.live.news import News
from interventions.tests.processes import Proxy, Server, running
from interventions.tests.sockets import DRAFT, PATIENCE, create, run, until

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]

REFUSALS_HERE = "socket-refusals:127.0.0.1"


@pytest.fixture(scope="module")
def redis() -> Iterator[Proxy]:
    proxy = Proxy(settings.REDIS_URL)
    yield proxy
    proxy.end()


@pytest.fixture(scope="module")
def servers(
    django_db_setup: None, redis: Proxy, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, Server]]:
    """daphne and uvicorn."""
    folder = tmp_path_factory.mktemp("servers")
    both = tuple(Server(kind, folder / kind, redis.url) for kind in ("daphne", "uvicorn"))
    try:
        for server in both:
            server.wait_until_ready()
        yield both
    finally:
        for server in both:
            server.end()


@pytest.fixture(autouse=True)
def _through_the_proxy(redis: Proxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process reaches Redis the same way as the servers do."""
    layers = {"default": dict(settings.CHANNEL_LAYERS["default"])}
    layers["default"]["CONFIG"] = layers["default"]["CONFIG"] | {
        "hosts": [{"address": redis.url, "socket_connect_timeout": 0.5}]
    }
    monkeypatch.setattr(settings, "CHANNEL_LAYERS", layers)
    channel_layers.backends.clear()
    yield
    redis.mend()
    channel_layers.backends.clear()


class Listener:
    def __init__(self) -> None:
        self.seqs: list[int] = []

    def take(self, item: News) -> None:
        self.seqs.append(item.seq)

    def resync(self, seq: int, epoch: str) -> None:
        raise AssertionError((seq, epoch))


async def ask(world: World, server: Server, bearer: dict[str, str]) -> None:
    status, body = await asyncio.to_thread(server.post, "/api/interventions", DRAFT, bearer)
    assert status == 201, body


async def pushed(connection: ClientConnection, count: int) -> list[int]:
    """The seqs of the next events on a real socket."""
    seqs = []
    async with asyncio.timeout(PATIENCE):
        while len(seqs) < count:
            frame = orjson.loads(await connection.recv())
            if "seq" in frame:
                seqs.append(frame["seq"])
    return seqs


async def subscribe(connection: ClientConnection, **fields: Any) -> None:
    await connection.send(orjson.dumps({"type": "subscribe", **fields}).decode())
    async with asyncio.timeout(PATIENCE):
        while orjson.loads(await connection.recv())["type"] != "subscribed":
            pass


async def nothing() -> None:
    pass


def deafened(patch: pytest.MonkeyPatch) -> None:
    """Leaves only Redis: the logs are no longer compared."""
    patch.setattr(Hub, "_compare", lambda _self: nothing())


async def ask_until(told: Callable[[], bool], world: World, server: Server) -> None:
    """Redis promises nothing about one message, only about many."""
    bearer = await in_thread(world.bearer, "agent")
    async with asyncio.timeout(4 * PATIENCE):
        while not told():
            await ask(world, server, bearer)
            await asyncio.sleep(0.1)


def test_what_one_server_commits_is_pushed_by_the_other(world: World, servers: tuple[Server, Server]) -> None:
    token, bearer = world.keys["agent"][1], world.bearer("agent")

    async def test() -> None:
        async with (
            connect(servers[0].socket_address(token)) as on_daphne,
            connect(servers[1].socket_address(token)) as on_uvicorn,
        ):
            await subscribe(on_daphne)
            await subscribe(on_uvicorn)
            await asyncio.gather(*(ask(world, servers[number % 2], bearer) for number in range(20)))
            assert await pushed(on_daphne, 20) == list(range(1, 21))
            assert await pushed(on_uvicorn, 20) == list(range(1, 21))

    run(test)


@pytest.mark.parametrize("kind", [0, 1])
def test_a_commit_elsewhere_is_told_through_redis(
    world: World, servers: tuple[Server, Server], kind: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    deafened(monkeypatch)
    listener = Listener()

    async def test() -> None:
        async with get_hub().following(world.acme.pk) as feed:
            feed.subscribers.add(listener)
            await ask_until(lambda: len(listener.seqs) >= 10, world, servers[kind])
        assert listener.seqs == list(range(1, len(listener.seqs) + 1))

    run(test)


def test_a_large_commit_is_announced_and_read_from_the_log(
    world: World, servers: tuple[Server, Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    deafened(monkeypatch)
    bearer, listener = world.bearer("agent"), Listener()
    batch = {"interventions": [DRAFT | {"context": {"text": "x" * 30_000}} for _ in range(20)]}

    async def test() -> None:
        async with get_hub().following(world.acme.pk) as feed:
            feed.subscribers.add(listener)
            status, _ = await asyncio.to_thread(servers[0].post, "/api/interventions/batch", batch, bearer)
            assert status == 201 or status == 200
            await ask_until(lambda: len(listener.seqs) >= 20, world, servers[0])
        assert listener.seqs == list(range(1, len(listener.seqs) + 1))

    run(test)


def test_the_worker_tells_the_servers(
    world: World, tmp_path: Path, redis: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    deafened(monkeypatch)
    listener = Listener()

    async def test() -> None:
        async with get_hub().following(world.acme.pk) as feed:
            await create(world, expires_in_seconds=1)
            await until(lambda: feed.position == 1)
            feed.subscribers.add(listener)
            with running(["manage.py", "run_worker"], tmp_path / "worker", redis.url):
                await until(lambda: listener.seqs == [2])

    run(test)


def test_without_redis_nothing_fails_and_nothing_is_lost(
    world: World, servers: tuple[Server, Server], redis: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "TICK_SECONDS", 0.05)
    bearer, listener = world.bearer("agent"), Listener()

    async def test() -> None:
        async with get_hub().following(world.acme.pk) as feed:
            feed.subscribers.add(listener)
            for fault in (redis.cut, redis.hang):
                fault()
                for _ in range(3):
                    await ask(world, servers[0], bearer)
                    await ask(world, servers[1], bearer)
                await create(world)
                await until(lambda: feed.position == len(listener.seqs) and len(listener.seqs) % 7 == 0)
                redis.mend()
            # Redis tells again, after its own time.
            with pytest.MonkeyPatch.context() as patch:
                deafened(patch)
                told = len(listener.seqs)
                await ask_until(lambda: len(listener.seqs) > told, world, servers[0])
        assert listener.seqs == list(range(1, len(listener.seqs) + 1))

    run(test)


def test_a_hub_that_starts_without_redis_joins_later(
    world: World, servers: tuple[Server, Server], redis: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "TICK_SECONDS", 0.05)
    listener = Listener()

    async def test() -> None:
        redis.cut()
        async with get_hub().following(world.acme.pk) as feed:
            feed.subscribers.add(listener)
            await create(world)
            await until(lambda: listener.seqs == [1])
            redis.mend()
            with pytest.MonkeyPatch.context() as patch:
                deafened(patch)
                await ask_until(lambda: len(listener.seqs) > 1, world, servers[1])

    run(test)


def test_a_connection_that_died_without_a_word_is_replaced(
    world: World, servers: tuple[Server, Server], redis: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "TICK_SECONDS", 0.05)
    listener, replaced = Listener(), []
    flush = pubsub.RedisPubSubLoopLayer.flush

    async def noted(self: pubsub.RedisPubSubLoopLayer) -> None:
        await flush(self)
        replaced.append(True)

    monkeypatch.setattr(pubsub.RedisPubSubLoopLayer, "flush", noted)

    async def test() -> None:
        async with get_hub().following(world.acme.pk) as feed:
            feed.subscribers.add(listener)
            await ask_until(lambda: bool(listener.seqs), world, servers[1])
            redis.lose()
            await ask_until(lambda: bool(replaced), world, servers[1])
            with pytest.MonkeyPatch.context() as patch:
                await until(lambda: feed.organization_id in get_hub()._link._joined)
                deafened(patch)
                told = len(listener.seqs)
                await ask_until(lambda: len(listener.seqs) > told, world, servers[1])
        assert listener.seqs == list(range(1, len(listener.seqs) + 1))

    run(test)


def test_clients_that_come_and_go_see_each_event_once_whatever_redis_does(
    world: World, servers: tuple[Server, Server], redis: Proxy
) -> None:
    token, bearer, total = world.keys["agent"][1], world.bearer("agent"), 120

    async def follow(stride: int) -> list[int]:
        seen = [0]
        while seen[-1] < total:
            server = servers[len(seen) % 2]
            # Without a bound of its own: a client that leaves frames unread would wait long for the end of its close.
            async with connect(server.socket_address(token), max_queue=None) as connection:
                await subscribe(connection, since=seen[-1])
                seen += await pushed(connection, min(stride, total - seen[-1]))
        return seen[1:]

    async def test() -> None:
        followers = [asyncio.create_task(follow(stride)) for stride in (7, 11, 25, 60)]
        faults = cycle([redis.cut, redis.mend, redis.hang, redis.mend])
        for number in range(total // 5):
            await asyncio.gather(*(ask(world, servers[(number + each) % 2], bearer) for each in range(5)))
            if number % 3 == 0:
                next(faults)()
        redis.mend()
        for seen in await asyncio.gather(*followers):
            assert seen == list(range(1, total + 1))

    run(test)


@pytest.mark.parametrize("kind", [0, 1])
def test_refusals_reach_a_real_client(world: World, servers: tuple[Server, Server], kind: int) -> None:
    cache.delete(REFUSALS_HERE)

    async def test() -> None:
        async with connect(servers[kind].socket_address("nonsense")) as refused:
            with pytest.raises(ConnectionClosed) as closed:
                await refused.recv()
            assert closed.value.rcvd.code == 4401
        for _ in range(19):
            async with connect(servers[kind].socket_address("nonsense")) as refused:
                await refused.wait_closed()
        with pytest.raises(InvalidStatus) as turned_away:
            await connect(servers[kind].socket_address(world.keys["agent"][1]))
        assert turned_away.value.response.status_code == 429

    run(test)
    cache.delete(REFUSALS_HERE)


@pytest.mark.parametrize("kind", [0, 1])
def test_a_client_that_never_reads_is_cut_off_and_the_others_are_not_disturbed(
    world: World, servers: tuple[Server, Server], kind: int
) -> None:
    server, token, bearer = servers[kind], world.keys["agent"][1], world.bearer("agent")
    batch = {"interventions": [DRAFT | {"context": {"text": "x" * 60_000}} for _ in range(30)]}
    batches = 8

    async def test() -> None:
        async with connect(server.socket_address(token), max_size=None) as reading:
            await subscribe(reading)
            stuck = await asyncio.to_thread(server.connect_and_read_nothing, token)
            with stuck:
                heard = asyncio.create_task(pushed(reading, batches * 30))
                for _ in range(batches):
                    await asyncio.to_thread(server.post, "/api/interventions/batch", batch, bearer)
                assert await heard == list(range(1, batches * 30 + 1))
                assert await asyncio.to_thread(bytes_until_the_end, stuck) < batches * 30 * 60_000

    run(test)


def bytes_until_the_end(stuck: socket.socket) -> int:
    """How much came before the server closed the connection."""
    stuck.settimeout(4 * PATIENCE)
    count = 0
    with suppress(ConnectionResetError):
        while data := stuck.recv(1 << 20):
            count += len(data)
    return count


@pytest.mark.parametrize("kind", ["daphne", "uvicorn"])
def test_a_server_that_goes_away_says_so_and_the_client_goes_on_elsewhere(
    world: World, servers: tuple[Server, Server], redis: Proxy, tmp_path: Path, kind: str
) -> None:
    token = world.keys["agent"][1]

    async def test() -> None:
        going = Server(kind, tmp_path / kind, redis.url)
        try:
            await asyncio.to_thread(going.wait_until_ready)
            async with connect(going.socket_address(token)) as connection:
                await subscribe(connection)
                await create(world)
                assert await pushed(connection, 1) == [1]
                going.ask_to_stop()
                async with asyncio.timeout(PATIENCE):
                    await connection.wait_closed()
                assert connection.close_code == 1012
        finally:
            going.end()
        request_id = await create(world)
        await in_thread(actions.approve, world.pilot("otto"), request_id)
        async with connect(servers[1].socket_address(token)) as connection:
            await subscribe(connection, since=1)
            assert await pushed(connection, 2) == [2, 3]

    run(test)


def test_runserver_serves_sockets_too(world: World, tmp_path: Path) -> None:
    server = Server("runserver", tmp_path / "server.log", "")
    try:
        server.wait_until_ready()

        async def test() -> None:
            async with connect(server.socket_address(world.keys["agent"][1])) as connection:
                await subscribe(connection)

        run(test)
    finally:
        server.end()
