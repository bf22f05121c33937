"""The work nobody asks for: deadlines pass, claims lapse, pilots are told, old records go. One loop, in any number of
processes.

The truth is in tables, so a worker may die at any moment: the next turn, here or elsewhere, finds what is due.
"""

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from interventions import actions
from interventions.delivery import ledger, outbox
from interventions.delivery.sending import Senders
from pilots import actions as pilots_actions
from pilots import database

logger = logging.getLogger(__name__)

# A deadline that was set a moment ago is noticed within this time.
LONGEST_PAUSE = 0.5
# What is due but held by somebody's decision is looked at again after this time.
SHORTEST_PAUSE = 0.05
# A worker that is told to stop waits so long for a mail that is under way.
LONGEST_SEND = 5.0


@dataclass(slots=True)
class Step:
    """One kind of work, done at most `every` so many seconds; with `in_steps` each turn until nothing is left."""

    name: str
    every: float
    work: Callable[[], int]
    in_steps: bool = False
    due: float = 0.0
    failing: bool = False


class Worker:
    """Turns until it is told to stop. A step that fails is said once, and tried again next time."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._senders = Senders()
        self._steps = [
            Step("expiring requests", 0, actions.expire_due),
            Step("releasing lapsed claims", 0, actions.release_lapsed),
            Step("writing notices", 0, outbox.read_on),
            Step("sending notices", 0, self._senders.wake),
            Step("forgetting idempotency keys", 60, actions.forget_idempotency_keys),
            Step("forgetting ended sign-ins", 3600, pilots_actions.forget_ended_sign_ins),
            Step("forgetting old notices", 3600, ledger.forget_old),
            # Of years of records nothing else may wait for the last.
            Step("pruning records", 24 * 3600, actions.prune_due, in_steps=True),
        ]

    def run(self) -> None:
        while not self._stopping.is_set():
            self.turn()
            pause = self._pause()
            # Nothing is held while it sleeps, and after a restart of the database it starts afresh.
            close_old_connections()
            self._stopping.wait(pause)
        self._senders.join(LONGEST_SEND)
        logger.info("the worker has stopped")

    def turn(self) -> int:
        """Does what is due, each step for itself; returns how much that was."""
        return sum(self._try(step) for step in self._steps if step.due <= time.monotonic())

    def stop(self) -> None:
        """After the batch at hand; callable from a signal handler and from another thread."""
        self._stopping.set()
        self._senders.stop()

    def _try(self, step: Step) -> int:
        if self._stopping.is_set():
            return 0
        step.due = time.monotonic() + step.every
        try:
            done = step.work()
        except Exception as error:
            self._note_failure(step, error)
            return 0
        if step.failing:
            logger.info("%s works again", step.name)
            step.failing = False
        if done and step.in_steps:
            step.due = 0
        return done

    def _note_failure(self, step: Step, error: Exception) -> None:
        step.due = 0
        if not step.failing:
            expected = isinstance(error, (DatabaseError, InterfaceError))
            logger.error("%s failed, and is tried again: %s", step.name, error, exc_info=not expected)
        step.failing = True
        if not connection.in_atomic_block:
            connection.close()

    def _pause(self) -> float:
        """Seconds until the next deadline or notice, as far as is known."""
        try:
            moments = [moment for moment in (actions.next_deadline(), ledger.next_due()) if moment is not None]
            ahead = min((moment - database.now()).total_seconds() for moment in moments) if moments else LONGEST_PAUSE
        except (DatabaseError, InterfaceError):
            ahead = LONGEST_PAUSE
        return min(max(ahead, SHORTEST_PAUSE), LONGEST_PAUSE)


_starting = threading.Lock()
_background: tuple[int, Worker] | None = None


def start_in_background() -> None:
    """The same loop as a thread of this server process, once, for where there is no Redis and so no other process."""
    global _background
    with _starting:
        # A fork inherits the variable, not the thread.
        if _background is not None and _background[0] == os.getpid():
            return
        worker = Worker()
        thread = threading.Thread(target=worker.run, name="worker", daemon=True)
        _background = (os.getpid(), worker)
        thread.start()
        atexit.register(_end, worker, thread)


def _end(worker: Worker, thread: threading.Thread) -> None:
    worker.stop()
    thread.join(timeout=2)
