"""Who looks at a request, or writes a decision on it: told to colleagues and nobody else, and soon forgotten."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.conf import settings
from websockets.asyncio.client import ClientConnection, connect

from conftest import World
from interventions.live import presence, standing
from interventions.live.database import in_thread
from interventions.models import Event
from interventions.tests.processes import Proxy, Server
from interventions.tests.sockets import PATIENCE, Client, run
from interventions.tests.test_console_socket import console_of as opened
from interventions.tests.test_console_socket import page as opening
from pilots.models import Membership

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]


async def page(world: World, who: str, **query: Any) -> Client:
    return await told_how_things_stand(await opening(world, who, **query))


@asynccontextmanager
async def console_of(world: World, who: str, **query: Any) -> AsyncIterator[Client]:
    async with opened(world, who, **query) as client:
        yield await told_how_things_stand(client)


async def told_how_things_stand(client: Client) -> Client:
    """Accepted alone, it might hear first of what the next one says."""
    client.frames.append(await client.frame(lambda frame: frame["kind"] == "presence_all"))
    return client


async def look(client: Client, request_id: str | None, **more: Any) -> None:
    await say(client, orjson.dumps({"kind": "viewing", "request_id": request_id, **more}).decode())


async def say(client: Client, text: str) -> None:
    await client.socket.send_to(text_data=text)


async def viewers(client: Client, request_id: str) -> dict[str, bool]:
    """Who looks at it, as the page is told next, each with whether they write."""
    frame = await client.frame(lambda frame: frame["kind"] == "presence")
    assert frame["request_id"] == request_id
    return {viewer["pilot_id"]: viewer["writing"] for viewer in frame["viewers"]}


async def at_first(client: Client) -> dict[str, list[dict[str, Any]]]:
    frame = await client.frame(lambda frame: frame["kind"] == "presence_all")
    return {each["request_id"]: each["viewers"] for each in frame["requests"]}


async def answered(client: Client) -> None:
    """Whatever was said before has been heard."""
    await say(client, '{"kind": "ping"}')
    await client.frame(lambda frame: frame["kind"] == "pong")


def untold(client: Client) -> list[dict[str, Any]]:
    return [frame for frame in client.frames if frame["kind"] == "presence"]


def test_colleagues_are_told_who_looks_and_who_writes(world: World) -> None:
    async def test() -> None:
        async with console_of(world, "otto") as otto, console_of(world, "olga") as olga:
            await look(olga, "r-1")
            assert await viewers(otto, "r-1") == {"local:olga": False}
            await look(olga, "r-1", writing=True)
            assert await viewers(otto, "r-1") == {"local:olga": True}
            await look(otto, "r-1")
            assert await viewers(otto, "r-1") == {"local:olga": True, "local:otto": False}
            await look(olga, "r-2")
            assert await viewers(otto, "r-1") == {"local:otto": False}
            assert await viewers(otto, "r-2") == {"local:olga": False}
            await look(olga, None)
            assert await viewers(otto, "r-2") == {}
        assert not await in_thread(Event.across_organizations.exists)

    run(test)


def test_a_page_is_told_how_things_stand_when_it_comes(world: World) -> None:
    async def test() -> None:
        async with console_of(world, "otto") as otto, console_of(world, "vera") as vera:
            assert await at_first(otto) == {}
            await look(vera, "r-2")
            await look(otto, "r-1", writing=True)
            await answered(vera)
            await answered(otto)
            async with console_of(world, "olga") as olga:
                assert await at_first(olga) == {
                    "r-1": [{"pilot_id": "local:otto", "writing": True}],
                    "r-2": [{"pilot_id": "local:vera", "writing": False}],
                }

    run(test)


def test_another_organization_hears_nothing(world: World) -> None:
    async def test() -> None:
        async with console_of(world, "otto") as otto, console_of(world, "gina", slug="globex") as gina:
            await look(otto, "r-1", writing=True)
            await answered(otto)
            await answered(gina)
            assert untold(gina) == []
            async with console_of(world, "gina", slug="globex") as later:
                assert await at_first(later) == {}
            # Also a request of the same name is another one.
            await look(gina, "r-1")
            assert await viewers(gina, "r-1") == {"local:gina": False}
            await answered(otto)
            assert [len(frame["viewers"]) for frame in untold(otto)] == [1]

    run(test)


def test_a_pilot_with_many_tabs_counts_once(world: World) -> None:
    async def test() -> None:
        async with console_of(world, "otto") as otto, console_of(world, "olga") as one:
            await look(one, "r-1")
            assert await viewers(otto, "r-1") == {"local:olga": False}
            async with console_of(world, "olga") as other:
                await look(other, "r-1")
                await look(other, "r-1", writing=True)
                assert await viewers(otto, "r-1") == {"local:olga": True}
            assert await viewers(otto, "r-1") == {"local:olga": False}
            await look(one, "r-1")
            await answered(one)
            await answered(otto)
            # What is only said again is not told again.
            assert untold(otto) == []

    run(test)


def test_whoever_closes_the_page_is_forgotten_at_once(world: World) -> None:
    async def test() -> None:
        async with console_of(world, "otto") as otto:
            olga = await page(world, "olga")
            await look(olga, "r-1")
            assert await viewers(otto, "r-1") == {"local:olga": False}
            await olga.leave()
            assert await viewers(otto, "r-1") == {}

    run(test)


def test_a_removed_member_vanishes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "RECHECK_SECONDS", 0.02)

    async def test() -> None:
        async with console_of(world, "otto") as otto:
            olga = await page(world, "olga")
            await look(olga, "r-1", writing=True)
            assert await viewers(otto, "r-1") == {"local:olga": True}
            await in_thread(Membership.across_organizations.filter(pk=world.memberships["olga"].pk).delete)
            assert await olga.closed() == 4403
            await olga.leave()
            assert await viewers(otto, "r-1") == {}

    run(test)


def test_who_falls_silent_is_forgotten_after_a_while(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    time = [1000.0]
    monkeypatch.setattr(presence, "clock", lambda: time[0])
    monkeypatch.setattr(presence, "SWEEP_SECONDS", 0.01)

    async def test() -> None:
        async with console_of(world, "otto") as otto, console_of(world, "olga") as olga:
            await look(olga, "r-1")
            assert await viewers(otto, "r-1") == {"local:olga": False}
            await look(otto, "r-2")
            assert await viewers(otto, "r-2") == {"local:otto": False}
            for _ in range(3):
                time[0] += 20
                await look(otto, "r-2")
                await answered(otto)
            assert await viewers(otto, "r-1") == {}
            async with console_of(world, "vera") as vera:
                assert set(await at_first(vera)) == {"r-2"}
            # She only slept.
            await look(olga, "r-1")
            assert await viewers(otto, "r-1") == {"local:olga": False}

    run(test)


HOSTILE = [
    '{"kind": "viewing"}',
    '{"kind": "viewing", "request_id": ""}',
    '{"kind": "viewing", "request_id": 7}',
    '{"kind": "viewing", "request_id": ["r-1"]}',
    '{"kind": "viewing", "request_id": "r 1"}',
    '{"kind": "viewing", "request_id": "r-1\\n"}',
    '{"kind": "viewing", "request_id": "<b>"}',
    '{"kind": "viewing", "request_id": "r-\\u202e1"}',
    '{"kind": "viewing", "request_id": "' + "x" * 256 + '"}',
    '{"kind": "viewing", "request_id": "r-1", "writing": "yes"}',
    '{"kind": "viewing", "request_id": "r-1", "writing": null}',
    '{"kind": "viewing", "request_id": "r-1", "pilot_id": "local:ada"}',
    '{"kind": "viewing", "request_id": "r-1", "request_id": "r-2"}',
    '{"kind": "viewing", "request_id": "r-1"}' + " " * 3000,
    '{"kind": ["viewing"], "request_id": "r-1"}',
]


@pytest.mark.parametrize("said", HOSTILE)
def test_what_is_malformed_changes_nothing(world: World, said: str) -> None:
    async def test() -> None:
        async with console_of(world, "otto") as otto:
            await look(otto, "r-0")
            assert await viewers(otto, "r-0") == {"local:otto": False}
            await say(otto, said)
            await answered(otto)
            assert untold(otto) == []

    run(test)


def test_a_flood_is_ignored_and_moves_on_when_it_ends(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    time = [1000.0]
    monkeypatch.setattr(presence, "clock", lambda: time[0])

    async def test() -> None:
        async with console_of(world, "otto") as otto, console_of(world, "olga") as olga:
            for number in range(500):
                await look(olga, f"r-{number}")
            await answered(olga)
            await answered(otto)
            # Each of the first few says what she left and what she came to.
            assert 0 < len(untold(otto)) < 20
            otto.frames.clear()
            time[0] += 1
            await look(olga, None)
            await answered(olga)
            await answered(otto)
            assert [frame["viewers"] for frame in untold(otto)] == [[]]

    run(test)


def test_only_who_may_decide_can_be_writing_a_decision(world: World) -> None:
    async def test() -> None:
        async with console_of(world, "otto") as otto, console_of(world, "vera") as vera:
            await look(vera, "r-1", writing=True)
            assert await viewers(otto, "r-1") == {"local:vera": False}

    run(test)


@pytest.fixture
def redis() -> Iterator[Proxy]:
    if not settings.REDIS_URL:
        pytest.skip("without Redis there is one process")
    proxy = Proxy(settings.REDIS_URL)
    yield proxy
    proxy.end()


@pytest.fixture
def servers(redis: Proxy, tmp_path: Path) -> Iterator[list[Server]]:
    """daphne and uvicorn."""
    both = [Server(kind, tmp_path / kind, redis.url) for kind in ("daphne", "uvicorn")]
    try:
        for server in both:
            server.wait_until_ready()
        yield both
    finally:
        for server in both:
            server.end()


@asynccontextmanager
async def at(world: World, server: Server, who: str) -> AsyncIterator[ClientConnection]:
    """A page of this pilot on a real server."""
    browser = await in_thread(world.session, who)
    cookie = f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"
    host = f"127.0.0.1:{server.port}"
    headers = {"Cookie": cookie, "Origin": f"http://{host}"}
    async with connect(f"ws://{host}/ws/o/acme/console", additional_headers=headers) as connection:
        yield connection


async def told(connection: ClientConnection, wanted: dict[str, list[str]]) -> None:
    """Returns once the page knows exactly this; fails where it is never told."""
    known: dict[str, list[str]] = {}
    async with asyncio.timeout(PATIENCE):
        while known != wanted:
            frame = orjson.loads(await connection.recv())
            for each in frame["requests"] if frame["kind"] == "presence_all" else [frame]:
                if "viewers" in each:
                    known[each["request_id"]] = [viewer["pilot_id"] for viewer in each["viewers"]]


async def looks(connection: ClientConnection, request_id: str | None) -> None:
    await connection.send(orjson.dumps({"kind": "viewing", "request_id": request_id}).decode())


async def repeats(connection: ClientConnection, request_id: str) -> None:
    """As a page does, only sooner."""
    while True:
        await looks(connection, request_id)
        await asyncio.sleep(0.6)


def test_pages_on_two_servers_know_of_each_other(world: World, servers: list[Server]) -> None:
    async def test() -> None:
        async with at(world, servers[0], "otto") as otto:
            await looks(otto, "r-1")
            await told(otto, {"r-1": ["local:otto"]})
            # The other server begins to serve this organization only now, and asks who is here.
            async with at(world, servers[1], "olga") as olga:
                repeating = asyncio.create_task(repeats(olga, "r-1"))
                await told(olga, {"r-1": ["local:olga", "local:otto"]})
                await told(otto, {"r-1": ["local:olga", "local:otto"]})
                repeating.cancel()
            await told(otto, {"r-1": ["local:otto"]})

    run(test)


def test_without_redis_each_server_knows_its_own_and_it_heals(
    world: World, servers: list[Server], redis: Proxy
) -> None:
    async def test() -> None:
        async with at(world, servers[0], "otto") as otto, at(world, servers[0], "vera") as vera:
            for fault in (redis.cut, redis.hang):
                fault()
                await looks(otto, "r-1")
                await told(vera, {"r-1": ["local:otto"]})
                await looks(otto, None)
                await told(vera, {"r-1": []})
                redis.mend()
            async with at(world, servers[1], "olga") as olga:
                repeating = asyncio.create_task(repeats(olga, "r-1"))
                await told(vera, {"r-1": ["local:olga"]})
                repeating.cancel()

    run(test)
