"""The ASGI application: pages and API over HTTP, sockets, and the files of the pages before both."""

import os
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import django
from channels.routing import ProtocolTypeRouter

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chameleon.settings")
django.setup(set_prefix=False)

# These read settings and models, which are there only now.
from django.conf import settings  # noqa: E402

from chameleon import on_uvicorn  # noqa: E402
from chameleon.drain import drain  # noqa: E402
from chameleon.handler import Handler  # noqa: E402
from chameleon.static_files import static_files  # noqa: E402
from interventions import worker  # noqa: E402
from interventions.live.hub import get_hub  # noqa: E402
from interventions.live.urls import router  # noqa: E402
from pilots import statements  # noqa: E402

type Scope = MutableMapping[str, Any]

if "daphne.server" in sys.modules:
    # Under another server nobody needs its network library.
    from chameleon import on_daphne

    on_daphne.install(drain.attend)
statements.limit(settings.STATEMENT_TIMEOUT)
if settings.WORKER_IN_SERVER:
    worker.start_in_background()
django_application = Handler()
protocols = ProtocolTypeRouter({"http": drain.counting(static_files(django_application)), "websocket": router})


async def application(
    scope: Scope, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
) -> None:
    # Made with the first request, so that what this process commits is told to the others though nobody listens here.
    get_hub()
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
        return
    if scope["type"] == "websocket":
        scope, shown = {**scope}, scope
        # Some servers log the address of a socket once it is open: by then there is no token in it.
        shown["query_string"] = b""
    await protocols(scope, receive, send)


async def lifespan(receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
    """The loop runs and nothing is served yet. daphne does not say so, and has its own way to tell."""
    while (message := await receive())["type"] == "lifespan.startup":
        if (host := on_uvicorn.host()) is not None:
            drain.attend(host)
        await send({"type": "lifespan.startup.complete"})
    await send({"type": f"{message['type']}.complete"})
