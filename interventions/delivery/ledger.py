"""Which notices are due, who is sending them, and what became of them? Taken under the position's lock, so by one only;
nothing is held while it is sent: a lease says until when others leave it alone."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q

from interventions.delivery.audience import WARNED
from interventions.delivery.errors import TryLater
from interventions.models import Notice, NoticePosition
from pilots import database
from pilots.database import writing
from pilots.models import Organization
from pilots.tenancy import ScopedQuerySet

logger = logging.getLogger(__name__)

# Longer than any mail server is waited for. Of a worker that was killed others take over what it was sending then.
LEASE = timedelta(minutes=2)
# Between the attempts; after the last one it is given up.
BACKOFF = tuple(timedelta(seconds=seconds) for seconds in (10, 30, 120, 600, 1800, 3600, 7200))
# What somebody may not be told now is looked at again after this time.
PATIENCE = timedelta(minutes=5)
# Notices that are looked at to find out where something is due.
LOOKED_AT = 1000
# Of what became of a notice nothing is known any longer.
KEPT = timedelta(days=7)
# Rows per transaction, so that who writes notices gets through between.
BATCH = 1000


@dataclass(slots=True)
class Taken:
    """Notices that go out as one: `notice` is the first of them, and names the requests of all."""

    notice: Notice
    pks: list[int]
    left_until: datetime

    def _rows(self) -> ScopedQuerySet[Notice]:
        """Those that are still ours: a lease that has run out may be somebody else's now."""
        rows = Notice.objects.for_organization(self.notice.organization_id)
        return rows.filter(pk__in=self.pks, left_until=self.left_until, ended_at=None)

    def end(self, outcome: str) -> None:
        self._rows().update(ended_at=database.now(), outcome=outcome)

    def wait(self) -> None:
        """Due a little later, as if it had never been tried."""
        self._rows().update(due_at=database.now() + PATIENCE, left_until=None, attempts=0)

    def fail(self, error: Exception) -> None:
        """To be tried again, unless it was tried often enough."""
        attempts = self.notice.attempts
        if attempts > len(BACKOFF):
            logger.error("notice %d by %s is given up: %s", self.notice.pk, self.notice.channel, _named(error))
            self.end("failed")
            return
        pause = BACKOFF[attempts - 1]
        if isinstance(error, TryLater) and error.after is not None:
            # No longer than the last of ours, whatever a receiver asks for.
            pause = min(max(pause, timedelta(seconds=error.after)), BACKOFF[-1])
        logger.warning(
            "notice %d by %s failed and is tried again in %d s: %s",
            self.notice.pk,
            self.notice.channel,
            pause.total_seconds(),
            _named(error),
        )
        self._rows().update(left_until=database.now() + pause)


def with_due() -> list[Organization]:
    """The organizations in which a notice is due that nobody has taken, who waits longest first."""
    due = Notice.across_organizations.filter(_is_due(database.now())).order_by("due_at")
    pks = dict.fromkeys(due.values_list("organization_id", flat=True)[:LOOKED_AT])
    found = Organization.objects.in_bulk(list(pks))
    return [found[pk] for pk in pks if pk in found]


def next_due() -> datetime | None:
    """When the next notice becomes due, of those that are not yet."""
    ahead = Notice.across_organizations.filter(ended_at=None, due_at__gt=database.now())
    return ahead.order_by("due_at").values_list("due_at", flat=True).first()


def take(organization: Organization) -> Taken | None:
    """What is due first, with all that may go out together with it; None where there is nothing."""
    with writing():
        NoticePosition.objects.for_organization(organization.pk).select_for_update().first()
        now = database.now()
        due = Notice.objects.for_organization(organization.pk).filter(_is_due(now)).order_by("due_at", "pk")
        first = due.select_related("pilot", "organization").first()
        if first is None:
            return None
        together = list(_like(due, first))
        pks, left_until = [notice.pk for notice in together], now + LEASE
        due.filter(pk__in=pks).update(left_until=left_until, attempts=F("attempts") + 1)
    first.attempts += 1
    first.request_ids = list(dict.fromkeys(name for notice in together for name in notice.request_ids))
    return Taken(first, pks, left_until)


def _like(rows: ScopedQuerySet[Notice], notice: Notice) -> ScopedQuerySet[Notice]:
    """Those that go out as one with it: `Address.burst`, for the database."""
    receiver = Q(pilot=notice.pilot) if notice.pilot else Q(hook_id=notice.hook_id)
    same = rows.filter(receiver, channel=notice.channel, kind=notice.kind)
    return same.filter(due_at=notice.due_at) if notice.kind == WARNED else same


def forget_old() -> int:
    """Removes what ended long ago; returns how many."""
    old = Notice.across_organizations.filter(ended_at__lt=database.now() - KEPT).order_by("ended_at")
    done = 0
    while ids := list(old.values_list("pk", flat=True)[:BATCH]):
        done += Notice.across_organizations.filter(pk__in=ids).delete()[0]
    return done


def _is_due(now: datetime) -> Q:
    return (Q(left_until=None) | Q(left_until__lte=now)) & Q(ended_at=None, due_at__lte=now)


def _named(error: Exception) -> str:
    # Not its text: mail servers repeat the address in theirs.
    code = getattr(error, "smtp_code", None) or getattr(error, "errno", None)
    return f"{type(error).__name__} {code}" if code else type(error).__name__
