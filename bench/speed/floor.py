"""The floor under the product: the thinnest Django that does the same kinds of work on the same server and database.

One row inserted or updated, a page of rows read, sockets told from this process's memory; nobody is asked who they are,
nothing is checked, logged or counted, and what is lost is lost.
"""

import asyncio
import os
from collections import defaultdict
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "bench.speed.floor_settings"

from django.core.asgi import get_asgi_application
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path

from bench.speed.statements import INSERT, ONE, PAGE, UPDATE

type Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_sockets: set[Send] = set()
_telling: set[asyncio.Task[None]] = set()
_decided: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
_loop: asyncio.AbstractEventLoop | None = None


def ready(_request: HttpRequest) -> HttpResponse:
    return _answer("{}")


def make(_request: HttpRequest, request_id: str) -> HttpResponse:
    return _told(_one(INSERT, request_id), f'"new_request","request_id":"{request_id}"')


def decide(_request: HttpRequest, request_id: str) -> HttpResponse:
    row = _one(UPDATE, request_id)
    if _loop is not None:
        _loop.call_soon_threadsafe(_decided[request_id].set)
    return _told(row, f'"status_changed","request_id":"{request_id}"')


async def wait(_request: HttpRequest, request_id: str) -> HttpResponse:
    await _decided[request_id].wait()
    _decided.pop(request_id, None)
    return _answer("{}")


def page(_request: HttpRequest) -> HttpResponse:
    return _answer(_one(PAGE))


def one(_request: HttpRequest) -> HttpResponse:
    return _answer(_one(ONE))


urlpatterns = [
    path("ready", ready),
    path("make/<str:request_id>", make),
    path("decide/<str:request_id>", decide),
    path("wait/<str:request_id>", wait),
    path("page", page),
    path("one", one),
]


def _one(statement: str, *parameters: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        text: str = cursor.fetchone()[0]
        return text


def _told(row: str, fact: str) -> HttpResponse:
    if _loop is not None and _sockets:
        _loop.call_soon_threadsafe(_tell, f'{{"type":{fact},"data":{row}}}')
    return _answer(row)


def _tell(text: str) -> None:
    for send in tuple(_sockets):
        task = asyncio.ensure_future(send({"type": "websocket.send", "text": text}))
        _telling.add(task)
        task.add_done_callback(_telling.discard)


def _answer(text: str) -> HttpResponse:
    body = text.encode()
    return HttpResponse(body, content_type="application/json", headers={"Content-Length": str(len(body))})


django_application = get_asgi_application()


async def application(scope: Any, receive: Callable[[], Awaitable[Any]], send: Send) -> None:
    global _loop
    _loop = asyncio.get_running_loop()
    if scope["type"] == "websocket":
        await _hold(receive, send)
    elif scope["type"] == "http":
        await django_application(scope, receive, send)


async def _hold(receive: Callable[[], Awaitable[Any]], send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    _sockets.add(send)
    try:
        while (await receive())["type"] != "websocket.disconnect":
            pass
    finally:
        _sockets.discard(send)
