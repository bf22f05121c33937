"""Long polls: answers that wait for something to happen, at the cost of a sleeping coroutine each.

Plain async views, for the REST framework holds a thread per request. They read in one of the few threads that
`chameleon/handler.py` keeps for them, give it back with its database connection, and wait on the hub.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

from interventions import listing, policy, wire
from interventions.api import answers, inputs, outputs
from interventions.lifecycle import FINAL
from interventions.live.hub import get_hub
from pilots import database, rate
from pilots.authentication import caller_of
from pilots.operations import Call, Operation, answer, documented, operation, options_of
from pilots.tenancy import acting_in

# What a long poll could answer now, and whether that is worth answering before its time is up.
type Reading = tuple[HttpResponse, bool]

_METHODS = ["GET", "HEAD", "OPTIONS"]


@operation(
    answers={200: outputs.ref("Intervention")}, query=inputs.DECISION, allow=partial(policy.require, verb="read")
)
def get_decision(call: Call, request_id: str) -> Reading:
    """Wait for the decision.

    Answers the moment it is decided, else with the open state after `wait` seconds.
    """
    row = listing.detail(call.caller, request_id)
    return answers.received(call, row), row.status in FINAL


@operation(
    answers={200: outputs.LOG}, query=inputs.LOG, allow=partial(policy.require, verb="read_events"), tag="events"
)
def get_events(call: Call) -> Reading:
    """Follow the organization's log from a position on.

    At its end it answers when the next event comes, or with none after `wait` seconds.
    """
    query = call.query
    found = listing.log(call.caller, after=query["after"], epoch=query.get("epoch") or None, limit=query["limit"])
    results = [wire.event(row) for row in found.events]
    body = {"epoch": found.epoch, "results": results, "next_after": found.next_after}
    return answers.note_told(call, found.events, answer(body)), bool(results) or found.more


def long_poll(poll: Operation) -> Callable[..., Awaitable[HttpResponse]]:
    """The async view of an operation that reads a Reading."""

    async def view(request: HttpRequest, **path: str) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return options_of("GET") if request.method == "OPTIONS" else HttpResponseNotAllowed(_METHODS)
        call = await sync_to_async(_begin)(poll, request)
        read = sync_to_async(partial(_read, poll, request, path))
        if not call.query["wait"]:
            return (await read())[0]
        return await _wait(call, read, path.get("request_id"))

    return documented(view, get=poll)


async def _wait(call: Call, read: Callable[[], Awaitable[Reading]], request_id: str | None) -> HttpResponse:
    clock = asyncio.get_running_loop().time
    deadline = clock() + call.query["wait"]
    hub, has_waited = get_hub(), False
    async with hub.watch(call.caller.organization.pk, request_id) as watch:
        while True:
            # Only once the watch is set: what happened in between would wake nobody.
            response, settled = await read()
            if settled or clock() >= deadline or (hub.is_leaving and has_waited):
                return response
            has_waited = True
            await watch.changed(hub.patience(deadline - clock()))


def _begin(poll: Operation, request: HttpRequest) -> Call:
    """Who waits for what; counted once, however often it is read."""
    try:
        caller = caller_of(request)
        rate.count(caller.credential)
        with acting_in(caller.organization.pk):
            return poll.call(request, caller)
    finally:
        database.give_back()


def _read(poll: Operation, request: HttpRequest, path: dict[str, Any]) -> Reading:
    """What there is now, to whoever this credential still speaks for: it may have been revoked meanwhile."""
    try:
        caller = caller_of(request)
        with acting_in(caller.organization.pk):
            reading: Reading = poll.handler(poll.call(request, caller), **path)
            return reading
    finally:
        # At once, not at the end of the request: the hub needs a connection too before anybody is woken.
        database.give_back()
