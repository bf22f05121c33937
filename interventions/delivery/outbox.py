"""From what happened to who is to be told: each log is read on from where it was left, in one transaction with what
comes of it. So nothing that happened is missed, and nothing is told twice."""

from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Coalesce

from interventions import events
from interventions.delivery.audience import Address, Audience
from interventions.delivery.recipients import Standing
from interventions.lifecycle import EventType
from interventions.models import Event, Intervention, Notice, NoticePosition, Stream
from pilots import database
from pilots.database import writing
from pilots.models import Organization
from pilots.tenancy import acting_in

# Events read in one transaction.
BATCH = 500
# Requests that one notice names at most; the queue shows them all.
MAX_REQUESTS = 500
# Nothing else that happens needs somebody who is not looking.
TOLD_OF = (EventType.CREATED.value, EventType.ASSIGNED.value, EventType.EXTENDED.value)

type Plan = dict[Address, list[str]]


def read_on() -> int:
    """Writes the notices for all that has happened since the last time, in all organizations; returns how many."""
    written, failure = 0, None
    for organization in Organization.objects.filter(pk__in=_with_news()):
        try:
            with acting_in(organization.pk):
                written += _read_all(organization)
        except Exception as error:
            # What is wrong with one organization is raised only after the others had their turn.
            failure = error
    if failure is not None:
        raise failure
    return written


def _with_news() -> list[int]:
    read = NoticePosition.across_organizations.filter(pk=OuterRef("pk")).values("seq")[:1]
    streams = Stream.across_organizations.annotate(read=Coalesce(Subquery(read), 0)).exclude(last_seq=F("read"))
    return list(streams.values_list("pk", flat=True))


def _read_all(organization: Organization) -> int:
    written, is_more = 0, True
    while is_more:
        with writing():
            position = _hold(organization)
            if position is None:
                return written
            told, is_more = _next(position)
            written += _put(organization, _plan(organization, told))
            position.save(update_fields=["seq"])
    return written


def _hold(organization: Organization) -> NoticePosition | None:
    """The position, locked; None while another worker is at it. A new organization's log is read from its beginning:
    those that were there before there were notices have a position, by the migration."""
    rows = NoticePosition.objects.for_organization(organization.pk)
    position = rows.select_for_update(skip_locked=True).first()
    if position is None:
        position, is_new = rows.get_or_create(organization=organization)
        return position if is_new else None
    return position


def _next(position: NoticePosition) -> tuple[list[Event], bool]:
    """What there is to tell after the position, which it moves on; and whether there is more."""
    head = Stream.objects.for_organization(position.pk).values_list("last_seq", flat=True).get()
    # A restored log may end before it.
    start = min(position.seq, head)
    rows = Event.objects.for_organization(position.pk).filter(seq__gt=start, seq__lte=head, type__in=TOLD_OF)
    told = list(rows.order_by("seq")[:BATCH])
    is_more = len(told) == BATCH
    position.seq = told[-1].seq if is_more else head
    return told, is_more


def _plan(organization: Organization, told: list[Event]) -> Plan:
    # What was taken over happened before, and elsewhere.
    told = [event for event in told if events.IMPORTED not in event.data]
    standing = _standing(organization, [event.request_id for event in told])
    if not standing:
        return {}
    audience = Audience(organization, database.now())
    # Each request once in each notice, in the order they came.
    plan: dict[Address, dict[str, None]] = {}
    for event in told:
        if (request := standing.get(event.request_id)) is not None:
            for address in audience.of(event, request):
                plan.setdefault(address, {})[event.request_id] = None
    return {address: list(request_ids) for address, request_ids in plan.items()}


def _standing(organization: Organization, request_ids: list[str]) -> dict[str, Standing]:
    """Those of the requests that are open still."""
    if not request_ids:
        return {}
    now = database.now()
    rows = Intervention.objects.for_organization(organization.pk).filter(request_id__in=request_ids).open(now)
    return {row.request_id: Standing(row, now) for row in rows.defer("description", "context").with_approvals()}


def _put(organization: Organization, plan: Plan) -> int:
    """Adds to notices that are not under way yet, or makes new ones; returns how many it wrote."""
    there = _there(organization, plan)
    new = []
    for address, request_ids in plan.items():
        notice = there.get(address.burst)
        if notice is None:
            new.append(_notice(organization, address, request_ids))
        else:
            notice.request_ids = list(dict.fromkeys(notice.request_ids + request_ids))[:MAX_REQUESTS]
            notice.save(update_fields=["request_ids"])
    Notice.objects.bulk_create(new)
    return len(plan)


def _there(organization: Organization, plan: Plan) -> dict[tuple[object, ...], Notice]:
    """The notices of the same kind that wait and were never tried. Nobody takes one now: the position is held."""
    if not plan:
        return {}
    rows = Notice.objects.for_organization(organization.pk).filter(ended_at=None, left_until=None)
    bursts = {address.burst for address in plan}
    return {burst: row for row in rows if (burst := Address.of(row).burst) in bursts}


def _notice(organization: Organization, address: Address, request_ids: list[str]) -> Notice:
    return Notice(
        organization=organization,
        pilot_id=address.pilot_id,
        hook_id=address.hook_id,
        channel=address.channel,
        kind=address.kind,
        request_ids=request_ids[:MAX_REQUESTS],
        created_at=database.now(),
        due_at=address.due_at,
    )
