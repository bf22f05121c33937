"""A validation from its credentials to its last report: probes at a steady rate, looks at what is stored, and an end
that leaves nothing behind."""

import asyncio
import logging
import math
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from django.db import DatabaseError, InterfaceError

from interventions.validation import access, report
from interventions.validation.access import Access
from interventions.validation.following import Listener
from interventions.validation.line import Failed, Line
from interventions.validation.plan import Plan
from interventions.validation.probes import QUEUE, Prober
from interventions.validation.record import Record
from interventions.validation.report import Document
from interventions.validation.watch import Watch
from pilots import database
from pilots.errors import InvalidInput

logger = logging.getLogger(__name__)

# Seconds between two expiries, looks at the servers, checks of what is stored, reports, and looks at the token's age.
EXPIRIES, LOOKS, CHECKS, REPORTS, TOKENS = 20.0, 5.0, 120.0, 60.0, 5.0
# For each server's first answer, and the socket.
PATIENCE_AT_FIRST = 10.0
# For the probes that are under way when the time is over; and for a database that is away at that moment.
PATIENCE_AT_LAST = 60.0

type Say = Callable[[str], None]


class Validation:
    """Runs once. What is wrong before the first probe raises; what goes wrong later is what it is about."""

    def __init__(self, plan: Plan, say: Say) -> None:
        self._plan, self._say = plan, say
        self._record, self._watch = Record(), Watch()
        self._stopping = asyncio.Event()
        self._state, self._organization = "running", ""
        self._notes: Counter[str] = Counter()
        self._begun, self._started, self._ended = datetime.now(UTC), monotonic(), 0.0
        # One thread, and so one connection: the database is asked one thing at a time.
        self._thread = ThreadPoolExecutor(1, "validation")

    async def run(self) -> Document:
        """The last report. Raises DomainError or DatabaseError where it cannot begin."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # nohup has said that it is to be ignored.
            if signal.getsignal(number) is not signal.SIG_IGN:
                asyncio.get_running_loop().add_signal_handler(number, self._stopping.set)
        holding = await self._ask(access.begin, self._plan.organization, self._plan.seconds)
        self._organization = holding.organization.slug
        try:
            await self._work(holding)
        finally:
            await self._give_back(holding)
        self._state = "stopped" if self._stopping.is_set() else "finished"
        await self._check_at_last()
        return self._write()

    async def _work(self, holding: Access) -> None:
        urls, key = self._plan.urls, holding.key_text
        agent, pilot, listener = Line(urls, key), Line(urls, ""), Listener(urls, key)
        prober = Prober(holding.name, agent, pilot, access.PILOT, listener, self._record)
        renewal = Renewal(holding, pilot)
        await self._ask(renewal.renew)
        following = asyncio.create_task(listener.run())
        try:
            await self._require_servers(key)
            await _require_socket(listener)
            await self._ask(self._watch.begin)
            self._say(f"Validating {', '.join(urls)} as {holding.name}; the report is {self._plan.report}.")
            self._begun, self._started = datetime.now(UTC), monotonic()
            await self._beside(self._probe(prober), self._regular_work(agent, renewal))
        finally:
            self._ended = monotonic()
            following.cancel()
            if listener.disorder:
                self._record.broke(f"I7 {listener.disorder} news came twice or out of order over the socket")
            await agent.close()
            await pilot.close()

    async def _probe(self, prober: Prober) -> None:
        """At the times that were planned, however long answers take: whoever waited for them would not see a queue."""
        probes: set[asyncio.Task[None]] = set()
        last = self._started + self._plan.seconds
        lets_expire = math.ceil(EXPIRIES / self._plan.interval)
        try:
            number = 0
            while (due := self._started + number * self._plan.interval) < last:
                if await self._stopped_until(due):
                    return
                for work in (prober.probe, prober.expire) if number % lets_expire == 0 else (prober.probe,):
                    task = asyncio.create_task(self._guarded(work, number))
                    probes.add(task)
                    task.add_done_callback(probes.discard)
                number += 1
            await self._stopped_until(last)
            while probes and not await self._stopped_until(monotonic() + 0.1) and monotonic() < last + PATIENCE_AT_LAST:
                pass
        finally:
            await _cancelled(probes)

    def _regular_work(self, agent: Line, renewal: "Renewal") -> list[Awaitable[None]]:
        return [
            self._every(LOOKS, lambda _: self._look_at_servers(agent)),
            self._every(CHECKS, lambda _: self._ask(self._watch.look)),
            self._every(REPORTS, self._write_meanwhile),
            self._every(TOKENS, lambda _: self._ask(renewal.renew_in_time)),
        ]

    async def _beside(self, work: Awaitable[None], others: list[Awaitable[None]]) -> None:
        """Does the work, and the others for as long as it takes."""
        tasks = {asyncio.ensure_future(each) for each in others}
        try:
            await work
        finally:
            await _cancelled(tasks)

    async def _every(self, seconds: float, work: Callable[[int], Awaitable[Any]]) -> None:
        number = 0
        while True:
            await self._guarded(work, number)
            number += 1
            await asyncio.sleep(max(0.0, self._started + number * seconds - monotonic()))

    async def _guarded(self, work: Callable[[int], Awaitable[Any]], number: int) -> None:
        """Nothing ends a validation half-way; what is unexpected is counted and logged."""
        try:
            await work(number)
        except (DatabaseError, InterfaceError):
            self._notes["the database did not answer this command"] += 1
        except Exception as error:
            logger.exception("a part of the validation failed")
            self._notes[f"unexpected: {type(error).__name__}, see the log"] += 1

    async def _stopped_until(self, moment: float) -> bool:
        """True as soon as it is to stop, False once this moment of the monotonic clock has come."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), max(0.0, moment - monotonic()))
        return self._stopping.is_set()

    async def _require_servers(self, key: str) -> None:
        for url in self._plan.urls:
            line = Line([url], key, patience=PATIENCE_AT_FIRST)
            try:
                await line.call("GET", QUEUE)
            except Failed as failure:
                raise InvalidInput(
                    f"{url} is no server of this installation, or does not serve ({failure}): see --url, ALLOWED_HOSTS."
                ) from None
            finally:
                await line.close()

    async def _look_at_servers(self, agent: Line) -> None:
        for url in self._plan.urls:
            healthy, ready = await agent.status(url, "/health"), await agent.status(url, "/ready")
            self._record.looked(url, healthy=healthy == 200, ready=ready == 200)

    async def _give_back(self, holding: Access) -> None:
        if not await self._ask_patiently(access.end, holding):
            command = f"manage.py revoke_api_key --org {self._organization} --name {holding.name}"
            ends = f"{holding.key.expires_at:%Y-%m-%d %H:%M} UTC"
            self._notes[f"the key could not be revoked: {command}; it ends by itself at {ends}"] += 1

    async def _check_at_last(self) -> None:
        if self._state == "finished":
            self._say("The probes are done; what is stored is checked from its beginning.")
            await self._ask_patiently(self._watch.finish, self._stopping.is_set)
        else:
            await self._ask_patiently(self._watch.look)

    async def _ask_patiently(self, work: Callable[..., Any], *arguments: Any) -> bool:
        """Again where the database is away; False where it stays away."""
        until = monotonic() + PATIENCE_AT_LAST
        while True:
            try:
                await self._ask(work, *arguments)
            except (DatabaseError, InterfaceError) as error:
                if monotonic() > until:
                    logger.error("the database stays away: %s", error)
                    return False
                await asyncio.sleep(1)
            else:
                return True

    async def _ask[Result](self, work: Callable[..., Result], *arguments: Any) -> Result:
        def asked() -> Result:
            try:
                return work(*arguments)
            finally:
                # After a restart of the database it starts afresh.
                database.give_back()

        return await asyncio.get_running_loop().run_in_executor(self._thread, asked)

    async def _write_meanwhile(self, _number: int) -> None:
        # Here and in no thread: what it reads is added to by the loop. Two small files take no time.
        self._write()

    def _write(self) -> Document:
        facts = {
            "state": self._state,
            "organization": self._organization,
            "begun": report.moment(self._begun),
            "seconds": (self._ended or monotonic()) - self._started,
            "notes": [f"{text} ({count} ×)" for text, count in self._notes.items()],
        }
        told = report.document(self._plan, self._record, self._watch, **facts)
        try:
            report.write(self._plan, told)
        except OSError as error:
            self._say(f"The report cannot be written, and is tried again: {error}")
        return told


class Renewal:
    """The pilot's token, which is good for minutes: replaced in the middle of its life."""

    def __init__(self, holding: Access, pilot: Line) -> None:
        self._holding, self._pilot = holding, pilot
        self._due = 0.0

    def renew(self) -> None:
        token = access.pilots_token(self._holding)
        self._pilot.bearer = token.access
        self._due = monotonic() + (token.expires_at - datetime.now(UTC)).total_seconds() / 2

    def renew_in_time(self) -> None:
        if monotonic() > self._due:
            self.renew()


async def _require_socket(listener: Listener) -> None:
    try:
        await asyncio.wait_for(listener.begun.wait(), PATIENCE_AT_FIRST)
    except TimeoutError:
        raise InvalidInput("No socket opens at /ws: see the proxy's settings for WebSockets.") from None


async def _cancelled(tasks: set["asyncio.Task[None]"]) -> None:
    ending = list(tasks)
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)
