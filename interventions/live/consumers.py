"""The two sockets: programs at /ws, our own pages at /ws/o/<slug>/console."""

import logging
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from interventions.live import admission, console, credentials
from interventions.live.console import ConsoleSession
from interventions.live.database import in_organization, in_thread
from interventions.live.hub import get_hub
from interventions.live.program import ProgramSession
from interventions.live.sockets import Receive, Scope, Send, Socket
from interventions.live.standing import get_watchman
from pilots.caller import Caller

logger = logging.getLogger(__name__)

# "Try again later": the database could not say who it is.
TRY_LATER = 1013
MAX_SEQ = 2**53 - 1


async def program_consumer(scope: Scope, receive: Receive, send: Send) -> None:
    socket = Socket(scope, receive, send)
    caller = await _admitted(socket, receive, credentials.program)
    if caller is None:
        return
    async with socket.open(), get_hub().following(caller.organization.pk) as feed:
        session = ProgramSession(socket, caller, feed)
        await _run(socket, caller, session)


async def console_consumer(scope: Scope, receive: Receive, send: Send) -> None:
    socket, slug = Socket(scope, receive, send), scope["url_route"]["kwargs"]["slug"]
    caller = await _admitted(socket, receive, lambda scope: credentials.console(scope, slug))
    if caller is None:
        return
    organization_id = caller.organization.pk
    async with socket.open(), get_hub().following(organization_id) as feed:
        session = ConsoleSession(socket, caller, feed)
        session.begin(await in_organization(organization_id, console.place, caller, *_position(scope)))
        await _run(socket, caller, session)


async def nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    """Every other address."""
    await receive()
    await Socket(scope, receive, send).turn_away(404)


async def _admitted(
    socket: Socket, receive: Receive, recognise: Callable[[Mapping[str, Any]], Caller]
) -> Caller | None:
    """The caller; None where the socket has been refused and it is over."""
    if (await receive())["type"] != "websocket.connect":
        return None
    if get_watchman().is_dismissing:
        # Unaccepted, so that clients wait before they come again, and a proxy may try another server.
        await socket.turn_away(503, [(b"retry-after", b"1")])
        return None
    try:
        return get_watchman().known(await in_thread(admission.admit, socket.scope, recognise))
    except admission.TurnedAway:
        await socket.turn_away(429, [(b"retry-after", str(admission.WINDOW_SECONDS).encode())])
    except credentials.Refused as refusal:
        await socket.refuse(refusal.code)
    except Exception:
        logger.exception("a socket's credentials could not be checked")
        await socket.refuse(TRY_LATER)
    return None


async def _run(socket: Socket, caller: Caller, session: ProgramSession | ConsoleSession) -> None:
    try:
        with get_watchman().watching(caller, session.stand):
            async for message in socket.messages():
                session.hear(message)
    finally:
        session.end()


def _position(scope: Scope) -> tuple[int | None, str | None]:
    """Where the page was made; anything unreadable is a position ahead of every log, and so a resync."""
    query = parse_qs(scope["query_string"].decode("latin-1"))
    since, epoch = query.get("since", [""])[0], query.get("epoch", [""])[0]
    if not since:
        return None, None
    readable = since.isascii() and since.isdigit() and len(since) <= len(str(MAX_SEQ))
    return (int(since) if readable else MAX_SEQ), epoch or None
