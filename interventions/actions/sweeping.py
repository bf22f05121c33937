"""What time does by itself: deadlines pass, claims lapse, answers arrive."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db.models import F, QuerySet

from interventions import events, tallies, wire
from interventions.actions.change import as_data
from interventions.lifecycle import ANSWERS, OPEN, EventType, Status
from interventions.models import Intervention
from interventions.queries import InterventionQuerySet
from pilots import database
from pilots.caller import Caller
from pilots.database import writing
from pilots.models import Organization
from pilots.tenancy import acting_in

# Rows per transaction: long enough to be quick over ten thousand, short enough to let decisions through between.
BATCH = 500


def expire_due(organization: Organization | None = None) -> int:
    """Marks every open request whose deadline has passed, of one organization or of all; returns how many."""
    now = database.now()
    overdue = Intervention.across_organizations.filter(status__among=OPEN, expires_at__lte=now)
    if organization is not None:
        overdue = overdue.filter(organization=organization)
    return _for_each_organization(overdue, _expire_batch)


def release_lapsed() -> int:
    """Gives back every claim whose lease has run out; returns how many."""
    now = database.now()
    lapsed = Intervention.across_organizations.filter(status=Status.IN_PROGRESS.value, claimed_until__lte=now)
    return _for_each_organization(lapsed, _release_batch)


def next_deadline() -> datetime | None:
    """The earliest moment at which one of the sweeps has work again."""
    deadlines = Intervention.across_organizations.filter(status__among=OPEN, expires_at__isnull=False)
    return deadlines.order_by("expires_at").values_list("expires_at", flat=True).first()


def record_delivery(caller: Caller, request_ids: list[str]) -> int:
    """Notes that an agent has received these decisions, each the first time only; returns how many were new."""
    with writing():
        now = database.now()
        rows = Intervention.objects.for_caller(caller).select_for_update(of=("self",)).with_approvals()
        fresh = list(
            rows.filter(request_id__in=request_ids, status__in=sorted(ANSWERS), delivered_at=None).order_by("pk")
        )
        ids = [row.pk for row in fresh]
        Intervention.objects.for_caller(caller).filter(pk__in=ids).update(delivered_at=now)
        for row in fresh:
            row.delivered_at = now
        data = {"delivered_at": wire.moment(now)}
        entries = [events.Entry(EventType.DELIVERED, row, caller, now, data) for row in fresh]
        events.append(caller.organization.pk, entries)
        return len(fresh)


def _for_each_organization(rows: QuerySet[Intervention], sweep: Callable[[Caller], int]) -> int:
    """Batch by batch; what is wrong with one organization is raised only after the others had their turn."""
    done, failure = 0, None
    # Distinct here rather than there: for a DISTINCT SQLite would walk the index of organizations.
    concerned = set(rows.values_list("organization_id", flat=True))
    for organization in Organization.objects.filter(pk__in=concerned):
        system = Caller.system(organization)
        swept = BATCH
        try:
            while swept == BATCH:
                with acting_in(organization.pk):
                    swept = sweep(system)
                done += swept
        except Exception as error:
            failure = error
    if failure is not None:
        raise failure
    return done


def _expire_batch(system: Caller) -> int:
    with writing():
        rows = Intervention.objects.for_caller(system).overdue(database.now())
        held = _lock(rows.order_by("expires_at"))
        now = database.now()
        changes = {"status": Status.EXPIRED, "action_timestamp": now, "claimed_until": None}
        lapsed: list[Intervention] = []
        standing: list[Intervention] = []
        for row in held:
            (lapsed if row.claimed_until is not None and row.claimed_until <= now else standing).append(row)
        _write_all(system, lapsed, EventType.EXPIRED, now, changes | {"assigned_to": None})
        _write_all(system, standing, EventType.EXPIRED, now, changes)
        return len(held)


def _release_batch(system: Caller) -> int:
    with writing():
        now = database.now()
        rows = Intervention.objects.for_caller(system).filter(status=Status.IN_PROGRESS.value, claimed_until__lte=now)
        held = _lock(rows.order_by("claimed_until"))
        changes = {"status": Status.PENDING, "assigned_to": None, "claimed_until": None}
        _write_all(system, held, EventType.RELEASED, now, changes, lapsed=True)
        return len(held)


def _lock(rows: InterventionQuerySet) -> list[Intervention]:
    # What somebody is deciding at this moment is left to them; the next sweep finds it if it is still due.
    return list(rows.select_for_update(of=("self",), skip_locked=True).with_approvals()[:BATCH])


def _write_all(
    system: Caller,
    rows: list[Intervention],
    event_type: EventType,
    now: datetime,
    changes: dict[str, Any],
    **extra: object,
) -> None:
    """One update and one append for all rows, which this transaction has locked."""
    if not rows:
        return
    locked = Intervention.objects.for_caller(system).filter(pk__in=[row.pk for row in rows])
    locked.update(**changes, version=F("version") + 1, updated_at=now)
    told, entries, moves = _Told(as_data(changes) | extra), [], []
    for row in rows:
        before, assignee = row.status, row.assigned_to
        for name, value in changes.items():
            setattr(row, name, value)
        row.version, row.updated_at = row.version + 1, now
        data = told[before, row.version, assignee if assignee != row.assigned_to else None]
        entries.append(events.Entry(event_type, row, system, now, data, decides=event_type == EventType.EXPIRED))
        moves.append(tallies.move_of(row, before, now))
    events.append(system.organization.pk, entries, moves)


class _Told(dict[tuple[str, int, str | None], dict[str, Any]]):
    """An event's data by what differs between rows, so that rows alike share it: most of a sweep are."""

    def __init__(self, common: dict[str, Any]) -> None:
        self._common = common

    def __missing__(self, key: tuple[str, int, str | None]) -> dict[str, Any]:
        before, version, assignee = key
        data = self._common | {"old_status": before, "version": version}
        self[key] = data if assignee is None else data | {"from": assignee}
        return self[key]
