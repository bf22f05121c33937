"""What happens on the socket of an open page: events as HTML, the tiles, and who else looks at what."""

import logging
from typing import Any

from interventions import fragments, policy, wire
from interventions.events import IMPORTED
from interventions.live import frames, presence, replay, summaries
from interventions.live.feed import Feed
from interventions.live.news import News
from interventions.live.sockets import SERVICE_RESTART, Socket
from interventions.live.standing import Verdict
from pilots.caller import Caller
from pilots.errors import InvalidInput
from pilots.strict_json import loads

logger = logging.getLogger(__name__)

# A page further behind is quicker fetched anew.
MAX_GAP = 500
# A page has little to say.
MAX_SAID = 2048
# What an event's HTML comes to, about: it is made when its turn comes.
FRAGMENTS_BYTES = 4096


class ConsoleSession:
    def __init__(self, socket: Socket, caller: Caller, feed: Feed) -> None:
        self._socket = socket
        self._caller = caller
        self._feed = feed
        self._subscription = replay.Subscription(socket, feed, self._push, self._push_resync)
        self._tiles: object | None = None
        self._page: presence.Page | None = None

    def begin(self, at: replay.Place) -> None:
        """Greets the page, tells what it missed, and goes on live."""
        self._send(
            kind="hello",
            seq=at.head,
            epoch=at.epoch,
            now=frames.now(),
            pilot_id=self._caller.actor,
            role=self._caller.role,
        )
        self._subscription.begin(at)
        may_decide = policy.may(self._caller, "approve")
        self._page = presence.Page(
            presence.of(self._feed), self._caller.actor, self._socket.send, may_decide=may_decide
        )
        self._tiles = summaries.of(self._feed, tiles_text).join(self._socket.send)

    def hear(self, raw: str | bytes) -> None:
        """A page says ping, and what it shows; what else comes is not ours to answer."""
        message = _message(raw)
        if message.get("kind") == "ping":
            self._send(kind="pong")
        elif message.get("kind") == "viewing" and self._page is not None:
            self._page.hear(message)

    def stand(self, verdict: Verdict) -> None:
        if not isinstance(verdict, Caller):
            self._socket.close(verdict)
        elif verdict.role != self._caller.role:
            # The page was made for the role it had: it comes back, and the greeting tells it the new one.
            self._socket.close(SERVICE_RESTART)

    def end(self) -> None:
        self._subscription.stop()
        if self._page is not None:
            self._page.leave()
        if self._tiles is not None:
            summaries.of(self._feed, tiles_text).leave(self._tiles)

    def _push(self, item: News) -> None:
        self._socket.send_later(lambda: event_text(item), FRAGMENTS_BYTES)

    def _push_resync(self, seq: int, epoch: str) -> None:
        self._send(kind="resync", seq=seq, epoch=epoch)

    def _send(self, **frame: Any) -> None:
        self._socket.send(frames.text(frame))


def place(caller: Caller, since: int | None, epoch: str | None) -> replay.Place:
    """Where a page goes on that was made at `since` of `epoch`."""
    at = replay.place(caller, since, epoch)
    return replay.Place(at.head, at.head, at.epoch, resync=True) if at.head - at.begin > MAX_GAP else at


def _message(raw: str | bytes) -> dict[str, Any]:
    """Empty where there is none."""
    try:
        message = loads(raw) if len(raw) <= MAX_SAID else None
    except InvalidInput:
        return {}
    return message if isinstance(message, dict) else {}


def event_text(item: News) -> str:
    """The frame of one event, made once for all pages."""
    if item.console is None:
        event, intervention = item.event, item.intervention or {}
        frame = {
            "kind": "event",
            "seq": item.seq,
            "type": event["type"],
            "request_id": item.request_id,
            "status": intervention.get("status"),
            "priority": intervention.get("priority"),
            "intervention_type": intervention.get("intervention_type"),
            "assigned_to": intervention.get("assigned_to"),
            "actor": event["actor"],
            "at": event["at"],
            "imported": IMPORTED in event["data"],
            "html": _html(item),
        }
        item.console = wire.dumps(frame).decode()
    return item.console


def _html(item: News) -> dict[str, str]:
    """Nothing for what is no longer kept, and for what cannot be shown: a page that was closed for it would come back
    to the very same event for ever."""
    if item.intervention is None:
        return {}
    try:
        return fragments.event_fragments(item.event, item.intervention)
    except Exception:
        logger.exception("event %s of organization %s cannot be shown", item.seq, item.organization_id)
        return {}


def tiles_text(organization_id: int) -> str:
    return frames.text({"kind": "tiles", "html": fragments.tiles(organization_id)})
