"""One request from asked to acted on, through the front door, as an agent, a pilot and a program that listens."""

import asyncio
from collections.abc import Awaitable
from datetime import datetime
from time import monotonic

from interventions.simulation.client import JSON, OPEN, differences
from interventions.validation.following import Listener
from interventions.validation.line import PATIENCE_SECONDS, Answer, Failed, Line
from interventions.validation.record import EXPIRY, Record, Story

# What a probe leaves open, because the run or a server ended, is over by itself after so long.
LIFE_SECONDS = 600
SHORT_LIFE_SECONDS = 2
POLL_SECONDS = 20
# A poll that comes back open so soon was sent away, by a server that is about to stop: not at once again.
EARLY_SECONDS = 0.2
QUEUE = "/api/interventions/pending?limit=200"


class Prober:
    """Makes probes whose ids begin with `name`; `pilot_id` is whom `pilot` speaks for."""

    def __init__(self, name: str, agent: Line, pilot: Line, pilot_id: str, listener: Listener, record: Record) -> None:
        self._name, self._agent, self._pilot, self._pilot_id = name, agent, pilot, pilot_id
        self._listener, self._record = listener, record

    async def probe(self, number: int) -> None:
        """Asks, is seen, decides, hears, reports; counts each step once. A cancelled probe counts for what it did."""
        request_id = f"{self._name}-{number}"
        story = Story(self._record)
        self._record.probes += 1
        try:
            last = await self._tell(story, request_id)
        except Exception:
            # An answer of another shape than documented, for one.
            story.close("something unexpected")
            raise
        story.close(last)

    async def expire(self, number: int) -> None:
        """Lets a request run out and notes how late, by the database's clock, it was marked."""
        request_id = f"{self._name}-short-{number}"
        try:
            draft = self._draft(request_id, SHORT_LIFE_SECONDS)
            asked = await self._agent.call("POST", "/api/interventions", draft)
            told = await asyncio.wait_for(self._outcome(request_id), SHORT_LIFE_SECONDS + PATIENCE_SECONDS)
        except (Failed, TimeoutError) as failure:
            self._record.failed(EXPIRY, str(failure) or f"not marked for {PATIENCE_SECONDS:.0f} s: is there a worker?")
            return
        document = told.document
        if document["status"] != "EXPIRED":
            self._record.failed(EXPIRY, f"{request_id} is {document['status']} and not EXPIRED")
            return
        late = _moment(document["action_timestamp"]) - _moment(document["expires_at"])
        self._record.passed(EXPIRY, late.total_seconds(), at_once=asked.at_once and told.at_once)

    async def _tell(self, story: Story, request_id: str) -> str:
        """Returns the step it came to."""
        draft = self._draft(request_id, LIFE_SECONDS)
        seen, told = (self._listener.expect(request_id, status) for status in ("PENDING", "APPROVED"))
        begun, socket = monotonic(), self._listener.connections
        outcome: asyncio.Task[Answer] | None = None
        try:
            asked = await self._step(story, "create", self._agent.call("POST", "/api/interventions", draft))
            if asked is None:
                return "create"
            outcome = asyncio.create_task(self._outcome(request_id))
            await self._step(story, "pending", self._in_queue(request_id))
            await self._heard(story, "socket", seen, begun, socket)
            begun, socket = monotonic(), self._listener.connections
            reason = {"action_reason": f"Approved by {request_id}.", "content_hash": asked.document["content_hash"]}
            approve = self._pilot.call("POST", f"/api/interventions/{request_id}/approve", reason)
            if await self._step(story, "decide", approve) is None:
                return "decide"
            await self._delivered(story, draft, reason["action_reason"], outcome, begun)
            await self._heard(story, "told", told, begun, socket)
            report = self._agent.call("POST", f"/api/interventions/{request_id}/complete", {"outcome": {"seen": True}})
            await self._step(story, "complete", report)
            return "complete"
        finally:
            self._listener.forget(request_id, "PENDING", "APPROVED")
            if outcome is not None:
                await _dropped(outcome)

    async def _step(self, story: Story, name: str, call: Awaitable[Answer]) -> Answer | None:
        try:
            answer = await call
        except Failed as failure:
            story.failed(name, str(failure))
            return None
        story.passed(name, answer.seconds, at_once=answer.at_once)
        return answer

    async def _in_queue(self, request_id: str) -> Answer:
        """What was acknowledged is in the queue from that moment on."""
        answer = await self._agent.call("GET", QUEUE)
        if request_id not in [shown["request_id"] for shown in answer.document]:
            self._record.broke(f"I6 {request_id}: acknowledged, and not in the queue")
            raise Failed("acknowledged, and not in the queue")
        return answer

    async def _heard(self, story: Story, name: str, news: "asyncio.Future[float]", begun: float, socket: int) -> None:
        """At once where it came over the socket that there was, by its number, when it was begun."""
        try:
            heard = await asyncio.wait_for(asyncio.shield(news), PATIENCE_SECONDS)
        except TimeoutError:
            story.failed(name, f"nothing heard for {PATIENCE_SECONDS:.0f} s")
        else:
            story.passed(name, heard - begun, at_once=self._listener.connections == socket)

    async def _outcome(self, request_id: str) -> Answer:
        """Waits as an agent does: a poll that comes back open is asked again."""
        begun, at_once = monotonic(), True
        while True:
            path = f"/api/interventions/{request_id}/decision?wait={POLL_SECONDS}"
            answer = await self._agent.call("GET", path, wait=POLL_SECONDS)
            at_once = at_once and answer.at_once
            if answer.document["status"] not in OPEN:
                return Answer(answer.document, begun, answer.here, at_once)
            if answer.seconds < EARLY_SECONDS:
                await asyncio.sleep(EARLY_SECONDS)

    async def _delivered(
        self, story: Story, draft: JSON, reason: str, outcome: "asyncio.Task[Answer]", begun: float
    ) -> None:
        try:
            answer = await asyncio.wait_for(outcome, PATIENCE_SECONDS)
        except (Failed, TimeoutError) as failure:
            story.failed("delivery", str(failure) or f"no answer for {PATIENCE_SECONDS:.0f} s")
            return
        story.passed("delivery", answer.here - begun, at_once=answer.at_once)
        document = answer.document
        told = (document["status"], document["decided_by"], document["action_reason"])
        if wrong := differences(draft, document):
            self._record.broke(f"I5 {draft['request_id']}: {', '.join(wrong)} is not what was asked")
        if told != ("APPROVED", self._pilot_id, reason):
            self._record.broke(f"I5 {draft['request_id']}: its agent was told {told}")

    def _draft(self, request_id: str, seconds: int) -> JSON:
        return {
            "request_id": request_id,
            "uow_id": self._name,
            "intervention_type": "clarification",
            "priority": "low",
            "title": f"Does {request_id} come through?",
            "description": "Asked and answered by manage.py validate; nobody need do anything.",
            "expires_in_seconds": seconds,
        }


async def _dropped(outcome: "asyncio.Task[Answer]") -> None:
    outcome.cancel()
    await asyncio.gather(outcome, return_exceptions=True)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
