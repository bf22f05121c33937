"""The agents at work: each raises a matter, waits for the pilots' word, checks what they saw, acts and reports."""

import asyncio
from datetime import datetime
from random import Random

from interventions.simulation import company
from interventions.simulation.client import JSON, Client, Refused, Say, differences
from interventions.simulation.company import Matter

# One in so many finds that it needs no pilot any more, and withdraws.
WITHDRAWS = 12
SECONDS_UNTIL_WITHDRAWAL = (20, 90)
SECONDS_PER_STEP = (1.0, 4.0)


class BadKey(Exception):
    """The server does not take the key: nothing of this can work."""


class Fleet:
    """So many agents at most, and so many arrivals per minute while one of them is free."""

    def __init__(self, client: Client, say: Say, *, agents: int, rate: float, random: Random) -> None:
        self._client = client
        self._say = say
        self._free = asyncio.Semaphore(agents)
        self._rate = rate
        self._random = random

    async def run(self, matters: int | None = None) -> None:
        """Until it is cancelled, or until so many matters came to their end."""
        async with asyncio.TaskGroup() as group:
            raised = 0
            while matters is None or raised < matters:
                await self._free.acquire()
                group.create_task(self._attend(company.next_matter(self._random)))
                raised += 1
                # Irregular, as work is: from a fifth of the mean to nearly twice as long.
                await asyncio.sleep(60 / self._rate * self._random.uniform(0.2, 1.8))

    async def _attend(self, matter: Matter) -> None:
        try:
            await self.attend(matter)
        except Refused as refusal:
            if refusal.http_status in (401, 403):
                raise BadKey(str(refusal)) from refusal
            self._tell(matter, f"gives up: {refusal}")
        finally:
            self._free.release()

    async def attend(self, matter: Matter) -> None:
        """One matter from asked to acted on."""
        request_id = matter.request["request_id"]
        raised = await self._client.ask(matter.request)
        self._tell(matter, f"asks: {matter.request['title']}")
        intervention = await self._answer(matter, request_id)
        took = _moment(intervention["action_timestamp"]) - _moment(raised["created_at"])
        self._tell(matter, f"hears after {took.total_seconds():.0f} s: {_words(intervention)}")
        if intervention["status"] != "APPROVED":
            return
        if wrong := differences(matter.request, intervention):
            self._tell(matter, f"does not act: {', '.join(wrong)} is not what it asked")
            return
        for step in matter.steps:
            await asyncio.sleep(self._random.uniform(*SECONDS_PER_STEP))
            self._tell(matter, step)
        await self._complete(matter, request_id)

    async def _answer(self, matter: Matter, request_id: str) -> JSON:
        """The decision; now and then the matter settles itself first, and the agent withdraws."""
        if self._random.randrange(WITHDRAWS):
            return await self._client.decision(request_id)
        deciding = asyncio.create_task(self._client.decision(request_id))
        try:
            done, _ = await asyncio.wait([deciding], timeout=self._random.uniform(*SECONDS_UNTIL_WITHDRAWAL))
            if not done:
                await self._withdraw(matter, request_id)
            return await deciding
        finally:
            deciding.cancel()

    async def _withdraw(self, matter: Matter, request_id: str) -> None:
        try:
            await self._client.cancel(request_id, matter.withdrawal)
        except Refused as refusal:
            # On 409 a pilot was quicker, and their word stands.
            if refusal.http_status != 409:
                raise

    async def _complete(self, matter: Matter, request_id: str) -> None:
        try:
            await self._client.complete(request_id, matter.outcome)
        except Refused as refusal:
            self._tell(matter, f"cannot report: {refusal}")
        else:
            self._tell(matter, "is done, and has reported it")

    def _tell(self, matter: Matter, text: str) -> None:
        self._say(f"{matter.agent:12} {matter.request['request_id']:32} {text}")


def _words(intervention: JSON) -> str:
    by = f" by {intervention['decided_by']}" if intervention["decided_by"] else ""
    reason = f", “{intervention['action_reason']}”" if intervention["action_reason"] else ""
    answer = f", answer {intervention['response']}" if intervention["response"] else ""
    return f"{intervention['status'].lower()}{by}{reason}{answer}"


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
