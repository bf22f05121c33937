"""The socket of an open page: a greeting, what it missed, events as HTML, and the tiles."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from django.conf import settings

from conftest import World
from interventions import actions, fragments
from interventions.live import console, standing, summaries
from interventions.live.database import in_thread
from interventions.models import Intervention
from interventions.tests.sockets import Client, create, run
from pilots.models import Membership
from pilots.roles import Role

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]

HOST = "testserver"


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summaries, "CHANGED_SECONDS", 0.02)


async def page(world: World, who: str, slug: str = "acme", **query: Any) -> Client:
    browser = await in_thread(world.session, who)
    cookie = f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"
    headers = {"Cookie": cookie, "Host": HOST, "Origin": f"http://{HOST}"}
    texts = {name: str(value) for name, value in query.items()}
    return await Client(f"/ws/o/{slug}/console", headers=headers, **texts).open()


@asynccontextmanager
async def console_of(world: World, who: str, **query: Any) -> AsyncIterator[Client]:
    client = await page(world, who, **query)
    try:
        yield client
    finally:
        await client.leave()


async def events(client: Client, count: int) -> list[dict[str, Any]]:
    return [await client.frame(lambda frame: frame["kind"] == "event") for _ in range(count)]


async def of_kind(client: Client, kind: str) -> dict[str, Any]:
    return await client.frame(lambda frame: frame["kind"] == kind)


def test_a_page_is_greeted_first(world: World) -> None:
    async def test() -> None:
        await create(world)
        async with console_of(world, "otto") as client:
            hello = await client.frame()
            assert (hello["kind"], hello["seq"], hello["pilot_id"], hello["role"]) == (
                "hello",
                1,
                "local:otto",
                "OPERATOR",
            )
            assert hello["epoch"]
            assert hello["now"].endswith("Z")
            # Nobody looks at anything.
            assert await client.frame() == {"kind": "presence_all", "requests": []}
            tiles = await client.frame()
            assert tiles["kind"] == "tiles"
            assert tiles["html"] == await in_thread(fragments.tiles, world.acme.pk)

    run(test)


def test_events_arrive_with_the_html_that_the_page_shows(world: World) -> None:
    async def test() -> None:
        async with console_of(world, "otto") as client:
            await of_kind(client, "hello")
            request_id = await create(world, title="<script>Ship it?</script>", priority="critical")
            # Events tell of the intervention as it is when they are sent: the first has to be here before the next.
            (created,) = await events(client, 1)
            await in_thread(actions.approve, world.pilot("olga"), request_id)
            (approved,) = await events(client, 1)
            assert (created["seq"], created["type"], created["status"]) == (1, "created", "PENDING")
            assert (created["priority"], created["intervention_type"]) == ("critical", "clarification")
            assert (created["request_id"], created["assigned_to"]) == (request_id, None)
            assert (created["actor"], approved["actor"]) == ("key:agent", "local:olga")
            assert "&lt;script&gt;Ship it?" in created["html"]["card"]
            assert "<script>" not in created["html"]["card"]
            assert (approved["type"], approved["status"]) == ("approved", "APPROVED")
            assert set(approved["html"]) == {"tombstone", "entry"}

    run(test)


def test_tiles_follow_what_happens(world: World) -> None:
    async def test() -> None:
        async with console_of(world, "otto") as client:
            before = (await of_kind(client, "tiles"))["html"]
            await create(world)
            after = (await of_kind(client, "tiles"))["html"]
            assert after != before

    run(test)


def test_a_page_that_was_away_is_told_what_it_missed_as_it_is_now(world: World) -> None:
    async def test() -> None:
        await create(world)
        async with console_of(world, "otto") as client:
            hello = await of_kind(client, "hello")
        missed = await create(world)
        await in_thread(actions.claim, world.pilot("olga"), missed)
        async with console_of(world, "otto", since=hello["seq"], epoch=hello["epoch"]) as client:
            await create(world)
            created, claimed, live = await events(client, 3)
            assert [event["seq"] for event in (created, claimed, live)] == [2, 3, 4]
            assert (created["type"], created["status"], created["assigned_to"]) == (
                "created",
                "IN_PROGRESS",
                "local:olga",
            )

    run(test)


@pytest.mark.parametrize(
    "position",
    [
        {"since": 6},
        {"since": 0},
        {"since": 2, "epoch": "another"},
        {"since": "x"},
        {"since": "-1"},
        {"since": "٣"},
        {"since": "9" * 40},
    ],
)
def test_a_page_that_cannot_go_on_is_told_to_fetch_anew(
    world: World, position: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "MAX_GAP", 4)

    async def test() -> None:
        for _ in range(5):
            await create(world)
        async with console_of(world, "otto", **position) as client:
            hello = await client.frame()
            resync = await client.frame()
            assert (hello["kind"], resync["kind"]) == ("hello", "resync")
            assert (resync["seq"], resync["epoch"]) == (5, hello["epoch"])
            await create(world)
            assert [event["seq"] for event in await events(client, 1)] == [6]

    run(test)


def test_a_removed_intervention_has_no_html(world: World) -> None:
    def remove() -> None:
        Intervention.objects.for_organization(world.acme.pk).delete()

    async def test() -> None:
        async with console_of(world, "otto") as client:
            epoch = (await of_kind(client, "hello"))["epoch"]
        await create(world)
        await in_thread(remove)
        async with console_of(world, "otto", since=0, epoch=epoch) as client:
            (event,) = await events(client, 1)
            assert (event["html"], event["status"]) == ({}, None)

    run(test)


def test_only_a_ping_is_answered(world: World) -> None:
    async def test() -> None:
        async with console_of(world, "otto") as client:
            for said in ("{", "[]", '{"kind": "action"}'):
                await client.socket.send_to(text_data=said)
            await client.socket.send_to(bytes_data=b"\xff")
            await client.socket.send_to(text_data=orjson.dumps({"kind": "ping"}).decode())
            assert await of_kind(client, "pong") == {"kind": "pong"}
            assert {frame["kind"] for frame in client.frames} <= {"hello", "presence_all", "tiles"}

    run(test)


def test_html_is_made_once_for_all_pages_and_not_at_all_for_none(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    real = fragments.event_fragments

    def counted(event: Any, intervention: Any) -> dict[str, str]:
        made.append(event["seq"])
        return real(event, intervention)

    monkeypatch.setattr(fragments, "event_fragments", counted)

    async def test() -> None:
        async with console_of(world, "otto") as otto, console_of(world, "olga") as olga:
            await of_kind(otto, "hello")
            await of_kind(olga, "hello")
            await create(world)
            assert await events(otto, 1) == await events(olga, 1)
        token = (await in_thread(world.bearer, "agent"))["Authorization"].removeprefix("Bearer ")
        program = await Client(token=token).open()
        await program.ask("subscribe")
        await create(world)
        await program.push()
        await program.leave()
        assert made == [1]

    run(test)


def test_an_event_that_cannot_be_shown_does_not_end_the_page(world: World) -> None:
    def fail(*_: object) -> None:
        raise ValueError("no template for this")

    async def test() -> None:
        async with console_of(world, "otto") as client:
            await of_kind(client, "hello")
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(fragments, "event_fragments", fail)
                await create(world)
                assert [event["html"] for event in await events(client, 1)] == [{}]
            await create(world)
            assert "card" in (await events(client, 1))[0]["html"]

    run(test)


def test_a_page_is_for_members_signed_in_here(world: World) -> None:
    async def test() -> None:
        stranger = await page(world, "gina")
        assert await stranger.closed() == 4403
        unknown = await page(world, "otto", slug="initech")
        assert await unknown.closed() == 4403
        nobody = await Client("/ws/o/acme/console").open()
        assert await nobody.closed() == 4401
        # A token opens the programs' socket, not this one.
        token = world.keys["agent"][1]
        program = await Client("/ws/o/acme/console", token=token).open()
        assert await program.closed() == 4401

    run(test)


def test_a_page_comes_back_when_its_pilots_role_has_changed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "RECHECK_SECONDS", 0.02)
    members = Membership.across_organizations.filter(pilot__pilot_id="local:otto")

    async def test() -> None:
        client = await page(world, "otto")
        await in_thread(members.update, role=Role.ADMIN.value)
        assert await client.closed() == 1012
        await client.leave()
        async with console_of(world, "otto") as client:
            assert (await of_kind(client, "hello"))["role"] == "ADMIN"
            await in_thread(members.delete)
            assert await client.closed() == 4403

    run(test)
