"""What happens on one program's socket: messages answered in turn, events and figures pushed."""

import asyncio
import logging
import time

from django.db import Error as DatabaseError

from interventions import limits, policy
from interventions.insight import metrics
from interventions.live import frames, protocol, replay, summaries
from interventions.live.database import in_organization
from interventions.live.deliveries import get_deliveries, is_news_to_agents
from interventions.live.feed import Feed
from interventions.live.news import News
from interventions.live.sockets import Socket
from interventions.live.standing import Verdict
from pilots.caller import Caller
from pilots.errors import TooMany, Unavailable

logger = logging.getLogger(__name__)

MESSAGES_PER_SECOND = 50
# Where answers take longer than that, no more than this wait for theirs.
MAX_WAITING = 100


class ProgramSession:
    def __init__(self, socket: Socket, caller: Caller, feed: Feed) -> None:
        self._socket = socket
        self._caller = caller
        self._feed = feed
        self._subscription = replay.Subscription(socket, feed, self._push, self._push_resync)
        self._figures: object | None = None
        self._allowance = Allowance(MESSAGES_PER_SECOND)
        self._inbox: list[protocol.Message | str] = []
        self._answering: asyncio.Task[None] | None = None

    def hear(self, raw: str | bytes) -> None:
        """Takes a frame; it is answered when those before it are. What is too much is refused at once."""
        if not self._allowance.take() or len(self._inbox) >= MAX_WAITING:
            self._socket.send(protocol.refusal(_TOO_MANY, protocol.echo_of(raw)))
            return
        try:
            self._inbox.append(protocol.read(raw))
        except protocol.Unreadable as error:
            self._inbox.append(error.text)
        if self._answering is None:
            self._answering = asyncio.create_task(self._answer_all())

    def stand(self, verdict: Verdict) -> None:
        """The caller as they are now, or the code of their going."""
        if isinstance(verdict, Caller):
            self._caller = verdict
            if not policy.may(verdict, "read_metrics"):
                self._leave_figures()
        else:
            self._socket.close(verdict)

    def end(self) -> None:
        """Leaves nothing behind: no subscription, no task."""
        self._unsubscribe()
        if self._answering is not None:
            self._answering.cancel()

    async def _answer_all(self) -> None:
        while self._inbox:
            message = self._inbox.pop(0)
            if isinstance(message, str):
                self._socket.send(message)
                continue
            try:
                await self._answer(message)
            except DatabaseError:
                logger.warning("a message could not be answered", exc_info=True)
                self._socket.send(protocol.refusal(_UNAVAILABLE, message.echoed))
            except Exception:
                logger.exception("a message could not be answered")
                self._socket.send(protocol.refusal(_UNAVAILABLE, message.echoed))
        self._answering = None

    async def _answer(self, message: protocol.Message) -> None:
        if message.type == "ping":
            self._socket.send(frames.reply("pong", {}, message.echoed))
        elif message.type == "subscribe":
            await self._subscribe(message)
        elif message.type == "unsubscribe":
            self._unsubscribe()
            data = {"unsubscribed": True, "pilot_id": message.fields["pilot_id"]}
            self._socket.send(frames.reply("unsubscribed", data, message.echoed))
        else:
            caller = self._caller
            answer = await in_organization(caller.organization.pk, protocol.answer, caller, message)
            self._socket.send(answer.text, lambda: _note(caller, answer.delivers))

    async def _subscribe(self, message: protocol.Message) -> None:
        fields, caller = message.fields, self._caller
        at = await in_organization(caller.organization.pk, replay.place, caller, fields["since"], fields["epoch"])
        data = {
            "subscribed": True,
            "pilot_id": fields["pilot_id"],
            "seq": at.head,
            "epoch": at.epoch,
            "message": f"Events of {self._caller.organization.slug} follow as they happen.",
        }
        self._socket.send(frames.reply("subscribed", data, message.echoed))
        if fields["since"] is None and self._subscription.is_active:
            # Beginning anew at the end would leave out what is on its way here.
            return
        self._unsubscribe()
        self._subscription.begin(at)
        if policy.may(self._caller, "read_metrics"):
            self._figures = summaries.of(self._feed, metrics_text).join(self._socket.send)

    def _unsubscribe(self) -> None:
        self._subscription.stop()
        self._leave_figures()

    def _leave_figures(self) -> None:
        if self._figures is not None:
            summaries.of(self._feed, metrics_text).leave(self._figures)
            self._figures = None

    def _push(self, item: News) -> None:
        if not limits.sees(self._caller, item.intervention):
            return
        if self._caller.kind == "key" and is_news_to_agents(item.intervention):
            caller = self._caller
            self._socket.send(frames.push(item), lambda: _note(caller, [item.request_id]))
        else:
            self._socket.send(frames.push(item))

    def _push_resync(self, seq: int, epoch: str) -> None:
        self._socket.send(frames.resync(seq, epoch))


class Allowance:
    """So many a second, and as many at once."""

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._left = float(per_second)
        self._at = time.monotonic()

    def take(self) -> bool:
        now = time.monotonic()
        self._left = min(self._per_second, self._left + (now - self._at) * self._per_second)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


def metrics_text(organization_id: int) -> str:
    return frames.metrics_update(metrics.snapshot(organization_id))


def _note(caller: Caller, request_ids: list[str]) -> None:
    if request_ids:
        get_deliveries().note(caller, request_ids)


_TOO_MANY = TooMany(f"At most {MESSAGES_PER_SECOND} messages a second.", retry_after=1)
_UNAVAILABLE = Unavailable("This cannot be answered now; try again in a moment.")
