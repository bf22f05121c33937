"""What does somebody read who is not looking? The titles of what waits, the most urgent first, and where it is."""

from datetime import UTC, datetime

from django.urls import reverse

from interventions.delivery.audience import WARNED
from interventions.delivery.message import Message
from interventions.delivery.recipients import Standing
from interventions.models import Notice
from interventions.spelling import spelled
from pilots import duty
from pilots.models import Pilot

MAX_LINES = 10
MAX_TITLE = 120


def message_of(notice: Notice, waiting: list[Standing]) -> Message:
    """`waiting` are those that are left to tell of, at least one."""
    waiting = sorted(waiting, key=lambda request: (request.row.priority, request.row.created_at, request.row.pk))
    say = _one if len(waiting) == 1 else _several
    return say(notice, waiting)


def one_line(text: str) -> str:
    """Somebody's text made harmless for headers and lists, and cut where it is too long."""
    line = spelled(" ".join(text.split()))
    return line if len(line) <= MAX_TITLE else f"{line[: MAX_TITLE - 1].rstrip()}…"


def _one(notice: Notice, waiting: list[Standing]) -> Message:
    request = waiting[0]
    row = request.row
    kind = row.intervention_type.replace("_", " ")
    return Message(
        title=f"{_beginning(notice, request)}: {_title(request)}",
        body=f"A {kind} request at {_organization(notice)} waits for a decision. {_until(notice, request)}",
        path=reverse("detail", args=[notice.organization.slug, row.request_id]),
        urgent=request.is_critical,
        tag=_tag(notice),
    )


def _several(notice: Notice, waiting: list[Standing]) -> Message:
    critical = sum(request.is_critical for request in waiting)
    mine = sum(_is_assigned(notice, request) for request in waiting)
    lines = [f"{request.priority.capitalize()}: {_title(request)}" for request in waiting[:MAX_LINES]]
    if len(waiting) > MAX_LINES:
        lines.append(f"and {len(waiting) - MAX_LINES} more")
    if notice.kind == WARNED:
        title = f"{len(waiting)} critical requests expire in {_minutes(waiting[0])} min, claimed by nobody"
    else:
        title = f"{len(waiting)} requests wait" + (f", {critical} critical" if critical else "")
    assigned = f" {mine} of them assigned to you." if mine else ""
    return Message(
        title=title,
        body=f"In the queue of {_organization(notice)}.{assigned}",
        path=reverse("queue", args=[notice.organization.slug]),
        urgent=critical > 0,
        tag=_tag(notice),
        lines=tuple(lines),
    )


def _beginning(notice: Notice, request: Standing) -> str:
    if notice.kind == WARNED:
        return f"Expires in {_minutes(request)} min, claimed by nobody"
    return "Assigned to you" if _is_assigned(notice, request) else request.priority.capitalize()


def _is_assigned(notice: Notice, request: Standing) -> bool:
    return notice.pilot is not None and request.assignee == notice.pilot.pilot_id


def _title(request: Standing) -> str:
    return one_line(request.row.title)


def _organization(notice: Notice) -> str:
    return one_line(notice.organization.name)


def _minutes(request: Standing) -> int:
    deadline = request.row.expires_at or request.now
    return max(1, round((deadline - request.now).total_seconds() / 60))


def _until(notice: Notice, request: Standing) -> str:
    deadline = request.row.expires_at
    return "It does not expire." if deadline is None else f"It expires on {_moment(notice.pilot, deadline)}."


def _moment(pilot: Pilot | None, moment: datetime) -> str:
    """In the time zone the pilot chose; of whom it knows none in UTC."""
    local = moment.astimezone(duty.zone_of(pilot) if pilot else UTC)
    return f"{local:%-d %B at %H:%M} ({local.tzinfo})"


def _tag(notice: Notice) -> str:
    """The same whenever the same is sent again; another once more requests have come to it."""
    return f"notice-{notice.pk}-{len(notice.request_ids)}"
