"""Long polls: they answer the moment something happens, hold no thread meanwhile, and end with their client."""

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.db import connections
from django.test import AsyncClient

from chameleon.asgi import django_application
from conftest import DRAFT, World
from interventions import actions
from interventions.content import draft_of
from interventions.live.database import in_thread
from interventions.live.hub import get_hub
from interventions.models import Event
from pilots import api_keys

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]

SOON = 10.0


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async_to_sync(test)()


async def ask(world: World) -> str:
    return (await in_thread(actions.create, world.key(), draft_of(DRAFT))).row.request_id


def get(world: World, path: str, name: str = "agent") -> asyncio.Task[Any]:
    return asyncio.create_task(AsyncClient().get(path, headers=world.bearer(name)))


async def is_waiting(world: World, request_id: str | None = None) -> None:
    """Returns once a long poll watches."""
    async with asyncio.timeout(SOON):
        while request_id not in _watched(world):
            await asyncio.sleep(0.005)


def _watched(world: World) -> dict[str | None, Any]:
    feed = get_hub()._feeds.get(world.acme.pk)
    return feed.watches if feed else {}


DECISIONS = {
    "APPROVED": lambda world, request_id: actions.approve(world.pilot("otto"), request_id),
    "REJECTED": lambda world, request_id: actions.reject(world.pilot("otto"), request_id, reason="no"),
    "CANCELLED": lambda world, request_id: actions.cancel(world.key(), request_id, reason=None),
}


@pytest.mark.parametrize("status", DECISIONS)
def test_the_waiting_agent_gets_the_decision_at_once(world: World, status: str) -> None:
    async def test() -> None:
        request_id = await ask(world)
        poll = get(world, f"/api/interventions/{request_id}/decision?wait=60")
        await is_waiting(world, request_id)
        await in_thread(DECISIONS[status], world, request_id)
        async with asyncio.timeout(SOON):
            answer = await poll
        assert (answer.status_code, answer.json()["status"]) == (200, status)

    run(test)


def test_the_decision_it_waited_for_is_delivered_by_the_answer(world: World) -> None:
    async def test() -> None:
        request_id = await ask(world)
        poll = get(world, f"/api/interventions/{request_id}/decision")
        await is_waiting(world, request_id)
        await in_thread(actions.approve, world.pilot("otto"), request_id)
        await poll

    run(test)
    types = Event.objects.for_organization(world.acme.pk).order_by("seq").values_list("type", flat=True)
    assert list(types) == ["created", "approved", "delivered"]


def test_what_does_not_decide_does_not_end_the_wait(world: World) -> None:
    async def test() -> None:
        request_id = await ask(world)
        poll = get(world, f"/api/interventions/{request_id}/decision?wait=60")
        await is_waiting(world, request_id)
        await in_thread(actions.claim, world.pilot("otto"), request_id)
        await in_thread(actions.comment, world.pilot("otto"), request_id, text="looking")
        assert not poll.done()
        await in_thread(actions.approve, world.pilot("otto"), request_id)
        assert (await poll).json()["status"] == "APPROVED"

    run(test)


def test_with_its_time_up_it_answers_the_open_state(world: World) -> None:
    async def test() -> None:
        request_id = await ask(world)
        poll = get(world, f"/api/interventions/{request_id}/decision?wait=1")
        await is_waiting(world, request_id)
        await in_thread(actions.claim, world.pilot("otto"), request_id)
        answer = await poll
        assert (answer.status_code, answer.json()["status"]) == (200, "IN_PROGRESS")
        assert request_id not in _watched(world)

    run(test)


def test_at_the_end_of_the_log_it_waits_for_the_next_event(world: World) -> None:
    async def test() -> None:
        await ask(world)
        poll = get(world, "/api/events?after=1&wait=60")
        await is_waiting(world)
        request_id = await ask(world)
        body = (await poll).json()
        assert [(event["seq"], event["request_id"]) for event in body["results"]] == [(2, request_id)]
        assert body["next_after"] == 2

    run(test)


def test_without_an_event_the_log_answers_empty_after_its_time(world: World) -> None:
    async def test() -> None:
        await ask(world)
        body = (await get(world, "/api/events?after=1&wait=1")).json()
        assert (body["results"], body["next_after"]) == ([], 1)

    run(test)


def test_a_key_that_is_revoked_meanwhile_learns_nothing(world: World) -> None:
    async def test() -> None:
        request_id = await ask(world)
        poll = get(world, f"/api/interventions/{request_id}/decision?wait=60")
        await is_waiting(world, request_id)
        await in_thread(api_keys.revoke, world.keys["agent"][0])
        await in_thread(actions.comment, world.pilot("otto"), request_id, text="Not for that key any more.")
        answer = await poll
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_key")

    run(test)


@pytest.mark.parametrize("path", ["/api/interventions/nowhere/decision", "/api/interventions/nowhere/decision/"])
def test_there_is_no_waiting_for_what_is_not_there(world: World, path: str) -> None:
    async def test() -> None:
        answer = await get(world, path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert answer["Content-Type"] == "application/problem+json"

    run(test)


class Server:
    """The application as a server runs it."""

    def __init__(self, world: World, path: str) -> None:
        path, _, query = path.partition("?")
        headers = [(name.lower().encode(), value.encode()) for name, value in world.bearer("agent").items()]
        self.request = ApplicationCommunicator(
            django_application,
            {
                "type": "http",
                "http_version": "1.1",
                "method": "GET",
                "path": path,
                "query_string": query.encode(),
                "headers": [*headers, (b"host", b"testserver")],
            },
        )

    async def begin(self) -> None:
        await self.request.send_input({"type": "http.request", "body": b""})

    async def answer(self) -> dict[str, Any]:
        await self.request.receive_output(SOON)
        body: dict[str, Any] = json.loads((await self.request.receive_output(SOON))["body"])
        await self.request.wait(SOON)
        return body


def serve(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Runs without a thread above that would lend itself to every request."""
    asyncio.run(test())
    connections.close_all()


def test_a_hundred_who_wait_hold_no_thread(world: World) -> None:
    request_id = actions.create(world.key(), draft_of(DRAFT)).row.request_id

    async def test() -> None:
        polls = [Server(world, f"/api/interventions/{request_id}/decision?wait=60") for _ in range(100)]
        before = threading.active_count()
        for poll in polls:
            await poll.begin()
        async with asyncio.timeout(60):
            while len(_watched(world).get(request_id, ())) < 100:
                await asyncio.sleep(0.01)
        # Each of both pools has eight, however many wait.
        assert threading.active_count() <= before + 16
        await in_thread(actions.approve, world.pilot("otto"), request_id)
        answers = await asyncio.gather(*(poll.answer() for poll in polls))
        assert {answer["status"] for answer in answers} == {"APPROVED"}

    serve(test)


def test_a_client_that_goes_away_leaves_nothing_behind(world: World) -> None:
    request_id = actions.create(world.key(), draft_of(DRAFT)).row.request_id

    async def test() -> None:
        poll = Server(world, f"/api/interventions/{request_id}/decision?wait=60")
        await poll.begin()
        await is_waiting(world, request_id)
        await poll.request.send_input({"type": "http.disconnect"})
        await poll.request.wait(SOON)
        assert request_id not in _watched(world)
        await in_thread(actions.approve, world.pilot("otto"), request_id)

    serve(test)
    types = Event.objects.for_organization(world.acme.pk).order_by("seq").values_list("type", flat=True)
    assert list(types) == ["created", "approved"]
