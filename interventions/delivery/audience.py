"""Who in an organization is told of what happened, by which way, and when? By their rules, duty and quiet hours."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count

from interventions.delivery import channels
from interventions.delivery.recipients import WARNING, Standing
from interventions.lifecycle import EventType
from interventions.models import Event, Notice
from pilots import duty, notifications
from pilots.models import Membership, Organization, Pilot
from pilots.roles import Role

# What comes within this time goes out together.
WINDOW = timedelta(seconds=2)
# Who was told so often of late is told once a minute until it is calmer.
BUSY_AFTER, LATELY, BUSY_WINDOW = 10, timedelta(minutes=10), timedelta(minutes=1)

# Kinds of notices. A warning comes before the deadline of a critical request that nobody has claimed.
AT_ONCE, DIGEST, WARNED = "at_once", "digest", "warning"


@dataclass(frozen=True, slots=True)
class Address:
    """What makes one notice of several events: for whom, by which way, of which kind, and when."""

    channel: str
    kind: str
    due_at: datetime
    pilot_id: int | None = None
    hook_id: int | None = None

    @classmethod
    def of(cls, notice: Notice) -> "Address":
        return cls(notice.channel, notice.kind, notice.due_at, notice.pilot_id, notice.hook_id)

    @property
    def burst(self) -> tuple[object, ...]:
        """Two with the same go out together, unless one is under way."""
        return self.channel, self.kind, self.pilot_id, self.hook_id, self.due_at if self.kind == WARNED else None


class Audience:
    """Those who can be told of what happens in the organization, and how."""

    def __init__(self, organization: Organization, now: datetime) -> None:
        self._now = now
        rows = Membership.objects.for_organization(organization.pk).filter(pilot__is_active=True)
        self._members = list(rows.exclude(role=Role.VIEWER).select_related("pilot").order_by("pk"))
        pilots = [member.pilot for member in self._members]
        self._reached = {name: channel.reached(organization, pilots) for name, channel in channels.offered().items()}
        self._hooks = [(name, hook) for name, shared in channels.SHARED.items() for hook in shared.hooks(organization)]
        self._told_lately = _told_lately(organization, now)

    def of(self, event: Event, request: Standing) -> Iterator[Address]:
        for member in self._members:
            if _is_for(event, member) and request.concerns(member):
                for channel, reached in self._reached.items():
                    if member.pilot_id in reached:
                        yield from self._to(member.pilot, channel, event, request)
        for channel, hook in self._hooks:
            if request.waits and request.row.priority <= hook.lowest_priority:
                yield from self._to_hook(hook, channel, event, request)

    def _to(self, pilot: Pilot, channel: str, event: Event, request: Standing) -> Iterator[Address]:
        way = notifications.way(pilot, request.priority, channel)
        if way == "off":
            return
        warned_at = _warned_at(event, request)
        if way != DIGEST and warned_at is not None:
            yield Address(channel, WARNED, warned_at, pilot.pk)
        if event.type == EventType.EXTENDED:
            return
        if way != DIGEST and may_ring(pilot, self._now, is_critical=request.is_critical):
            yield Address(channel, AT_ONCE, self._now + self._window(pilot.pk, channel), pilot.pk)
        elif DIGEST in notifications.WAYS[channel]:
            yield Address(channel, DIGEST, notifications.next_digest(pilot, self._now), pilot.pk)

    def _to_hook(self, hook: channels.Hook, channel: str, event: Event, request: Standing) -> Iterator[Address]:
        if event.type == EventType.CREATED:
            yield Address(channel, AT_ONCE, self._now + WINDOW, hook_id=hook.pk)
        if (warned_at := _warned_at(event, request)) is not None:
            yield Address(channel, WARNED, warned_at, hook_id=hook.pk)

    def _window(self, pilot_pk: int, channel: str) -> timedelta:
        return BUSY_WINDOW if self._told_lately.get((pilot_pk, channel), 0) >= BUSY_AFTER else WINDOW


def may_ring(pilot: Pilot, now: datetime, *, is_critical: bool) -> bool:
    """Whether anything is sent at once at this moment: the rule by which their open pages ring."""
    return duty.rings(pilot, now) in ("all", "critical" if is_critical else "all")


def _is_for(event: Event, member: Membership) -> bool:
    """Nobody is told of their own doing; but whoever moved a deadline is warned of it like the others."""
    pilot_id = member.pilot.pilot_id
    if event.type == EventType.ASSIGNED and event.data.get("assigned_to") != pilot_id:
        return False
    return event.type == EventType.EXTENDED or event.actor != pilot_id


def _warned_at(event: Event, request: Standing) -> datetime | None:
    """When to warn, where there is time for it; a deadline that was moved has a warning of its own."""
    due = request.warned_at
    is_ahead = event.type != EventType.ASSIGNED and due is not None and due > request.now + WARNING
    return due if is_ahead else None


def _told_lately(organization: Organization, now: datetime) -> dict[tuple[int | None, str], int]:
    rows = Notice.objects.for_organization(organization.pk).filter(kind=AT_ONCE, ended_at__gt=now - LATELY)
    counted = rows.filter(outcome="sent").values_list("pilot_id", "channel").annotate(count=Count("pk"))
    return {(pilot_pk, channel): count for pilot_pk, channel, count in counted.order_by()}
