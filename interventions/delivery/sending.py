"""Sends what is due, in threads of its own: a mail server that hangs must not hold up the deadlines of requests."""

import logging
import threading
import time

from django.db import connection

from interventions.delivery import channels, ledger
from interventions.delivery.audience import DIGEST, WARNED, may_ring
from interventions.delivery.errors import Undeliverable
from interventions.delivery.ledger import Taken
from interventions.delivery.recipients import Standing
from interventions.delivery.wording import message_of
from interventions.models import Intervention, Notice
from pilots import database
from pilots.models import Membership
from pilots.tenancy import acting_in

logger = logging.getLogger(__name__)

MOST_THREADS = 4


def send_due() -> int:
    """Sends one notice after the other until none is due; returns how many it was done with."""
    done = 0
    while send_next():
        done += 1
    return done


def send_next() -> bool:
    """False where nothing is due."""
    for organization in ledger.with_due():
        with acting_in(organization.pk):
            taken = ledger.take(organization)
            if taken is not None:
                _send(taken)
                return True
    return False


def _send(taken: Taken) -> None:
    notice = taken.notice
    waiting = left_to_tell(notice)
    send = channels.send_by(notice.channel)
    if not waiting or send is None:
        return taken.end("void")
    if not _may_be_told_now(notice, waiting):
        return taken.wait()
    try:
        send(notice, message_of(notice, waiting))
    except Undeliverable as reason:
        logger.warning("notice %d by %s cannot be delivered: %s", notice.pk, notice.channel, reason)
        return taken.end("failed")
    except Exception as error:
        return taken.fail(error)
    return taken.end("sent")


def left_to_tell(notice: Notice) -> list[Standing]:
    """Of the notice's requests those that still wait for its pilot, as everything stands now."""
    member = _member(notice)
    if notice.pilot_id is not None and member is None:
        return []
    now = database.now()
    rows = Intervention.objects.for_organization(notice.organization_id).open(now)
    named = rows.filter(request_id__in=notice.request_ids).defer("description", "context").with_approvals()
    found = [Standing(row, now) for row in named]
    waiting = [request for request in found if (request.concerns(member) if member else request.waits)]
    if notice.kind == WARNED:
        # Of a deadline that was moved another notice tells.
        waiting = [request for request in waiting if request.warned_at == notice.due_at]
    return waiting


def _member(notice: Notice) -> Membership | None:
    rows = Membership.objects.for_organization(notice.organization_id).filter(pilot__is_active=True)
    return rows.filter(pilot=notice.pilot_id).select_related("pilot").first() if notice.pilot_id else None


def _may_be_told_now(notice: Notice, waiting: list[Standing]) -> bool:
    if notice.pilot is None:
        return True
    is_critical = notice.kind != DIGEST and any(request.is_critical for request in waiting)
    return may_ring(notice.pilot, database.now(), is_critical=is_critical)


class Senders:
    """A few threads that send while there is something to send."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def wake(self) -> int:
        """Starts one more thread where something is due that nobody is at; a step of the worker, and over at once."""
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        if len(self._threads) < MOST_THREADS and ledger.with_due():
            thread = threading.Thread(target=self._work, name="sender", daemon=True)
            self._threads.append(thread)
            thread.start()
        return 0

    def stop(self) -> None:
        """After what each is sending; callable from a signal handler."""
        self._stopping.set()

    def join(self, seconds: float) -> None:
        """What a mail server has not taken by then is sent by another worker, once its lease has run out."""
        end = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _work(self) -> None:
        try:
            while not self._stopping.is_set() and send_next():
                pass
        except Exception:
            logger.exception("sending notices failed, and is tried again")
        finally:
            connection.close()
