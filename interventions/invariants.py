"""Does what is stored agree with itself? The invariants of docs/invariants.md.

I1 one decision · I4 none after the deadline · I7 gap-free log · I10 the chain verifies · I11 one claimant ·
I12 the events give the rows · and: the tallies are a recount, content hashes fit, approvals make the quorum.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import batched, groupby
from operator import attrgetter

from django.db.models import Exists, OuterRef, QuerySet

from interventions import content, events, retelling, tallies
from interventions.lifecycle import FINAL, EventType, Priority, Status
from interventions.models import Event, Intervention, PilotTally, Stream, Tally
from interventions.retelling import Told
from pilots import access_log
from pilots.database import in_steps, snapshot

# Requests held in memory at a time.
BATCH = 1000

type Kind = tuple[date, str, int, str]


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken promise; `subject` is the request's id, or the place in the log or the tallies."""

    invariant: str
    subject: str
    problem: str

    def __str__(self) -> str:
        return f"{self.invariant} {self.subject}: {self.problem}"


@dataclass(slots=True)
class Recount:
    """What the tallies should say, counted from the log; rows may be archived, the log goes on counting them.

    Of a log that was pruned it is what they say of the days since, for all of which it has.
    """

    counts: Counter[Kind] = field(default_factory=Counter)
    seconds: defaultdict[Kind, float] = field(default_factory=lambda: defaultdict(float))
    pilots: Counter[str] = field(default_factory=Counter)
    complete: bool = True
    pruned_to: date | None = None


def check(organization_id: int) -> list[Finding]:
    """Every broken invariant of one organization, as of one moment; empty where all is well."""
    with snapshot():
        recount = Recount(pruned_to=_pruned_to(organization_id))
        log = Event.objects.for_organization(organization_id)
        return [
            *_check_chain(organization_id),
            *_check_requests(organization_id, recount, log),
            *_check_untold(organization_id),
            *(_check_tallies(organization_id, recount) if recount.complete else []),
        ]


def check_told(organization_id: int, after: int, until: int) -> list[Finding]:
    """What is wrong with the requests of which the events after `after` up to `until` tell: their rows, and all of
    their events. So what has changed is checked without walking what has not."""
    with snapshot():
        log = Event.objects.for_organization(organization_id)
        told = log.filter(seq__gt=after, seq__lte=until).values_list("request_id", flat=True).distinct()
        # A list and no subquery, for which PostgreSQL might rather walk the whole log in order.
        recount = Recount(pruned_to=_pruned_to(organization_id))
        return list(_check_requests(organization_id, recount, log.filter(request_id__in=list(told))))


def _pruned_to(organization_id: int) -> date | None:
    """The last day of which the log may lack something; None where it lacks nothing."""
    stream = Stream.objects.for_organization(organization_id).first()
    if stream is None or stream.first_seq == 1:
        return None
    return access_log.checkpoint(organization_id).before.date()


def _check_chain(organization_id: int) -> Iterator[Finding]:
    for finding in events.verify(organization_id):
        yield Finding(finding.invariant, f"seq {finding.seq}", finding.problem)


def _check_requests(organization_id: int, recount: Recount, log: QuerySet[Event]) -> Iterator[Finding]:
    for stories in batched(_stories(log, recount), BATCH, strict=False):
        rows = Intervention.objects.for_organization(organization_id).prefetch_related("approvals")
        by_id = {row.request_id: row for row in rows.filter(request_id__in=[told.request_id for told, _ in stories])}
        for told, problems in stories:
            for invariant, problem in problems:
                yield Finding(invariant, told.request_id, problem)
            row = by_id.get(told.request_id)
            if row is not None:
                yield from _check_row(row, told)


def _stories(log: QuerySet[Event], recount: Recount) -> Iterator[tuple[Told, list[retelling.Problem]]]:
    """Each request as its events tell it. An id used again after its first request was archived tells the newest."""
    for _, told_events in groupby(in_steps(log, "request_id", "seq"), key=attrgetter("request_id")):
        told: Told | None = None
        problems: list[retelling.Problem] = []
        for event in told_events:
            if event.type == EventType.CREATED:
                if told is not None:
                    _count(recount, told)
                told = retelling.begin(event)
            elif told is not None:
                problems += retelling.go_on(told, event)
        if told is not None:
            _count(recount, told)
            yield told, problems


def _check_row(row: Intervention, told: Told) -> Iterator[Finding]:
    problems: list[retelling.Problem] = []
    if not told.erased:
        problems += [("I12", text) for text in retelling.differences(told, row)]
        decisions = [row.pk] if row.status in FINAL else []
        if told.decided_rows != decisions:
            problems.append(("I10", f"{len(decisions)} decisions, {len(told.decided_rows)} in the log"))
    problems += _contradictions(row)
    for invariant, problem in problems:
        yield Finding(invariant, row.request_id, problem)


def _contradictions(row: Intervention) -> Iterator[retelling.Problem]:
    """What is wrong with the row by itself."""
    if row.content_hash != content.hash_of(row):
        yield "content", "its content hash does not fit its content"
    if row.claimed_until is not None and (row.status != Status.IN_PROGRESS or row.assigned_to is None):
        yield "I11", "a lease without a claimant"
    decided_at, deadline = row.action_timestamp, row.expires_at
    if decided_at and deadline and decided_at >= deadline and row.status != Status.EXPIRED:
        yield "I4", f"{row.status} at {decided_at}, after its deadline {deadline}"
    approvers = [item.pilot_id for item in row.approvals.all()]
    if len(set(approvers)) != len(approvers):
        yield "quorum", "one pilot's approval counts twice"
    enough = len(approvers) >= row.approvals_required
    if enough and row.status not in (Status.APPROVED, Status.COMPLETED):
        yield "quorum", f"all {row.approvals_required} approvals are there, yet it is {row.status}"
    if not enough and row.status in (Status.APPROVED, Status.COMPLETED) and row.decided_by in approvers:
        yield "quorum", f"{row.status} with {len(approvers)} of {row.approvals_required} approvals"


def _check_untold(organization_id: int) -> Iterator[Finding]:
    """Rows that no event tells of."""
    told = Event.objects.for_organization(organization_id).filter(
        request_id=OuterRef("request_id"), type=EventType.CREATED
    )
    rows = Intervention.objects.for_organization(organization_id).filter(~Exists(told))
    for request_id in rows.values_list("request_id", flat=True):
        yield Finding("I12", request_id, "no event tells of its creation")


def _count(recount: Recount, told: Told) -> None:
    if told.erased:
        recount.complete = False
        return
    values = told.values
    kind = (values["intervention_type"], Priority.of(values["priority"]).value)
    for status, at in told.moves:
        recount.counts[(at.date(), *kind, status)] += 1
        if status in (Status.APPROVED, Status.REJECTED, Status.COMPLETED):
            recount.seconds[(at.date(), *kind, status)] += told.seconds_to_decision
    now = (tallies.ALL_TIME, *kind, told.status.value)
    recount.counts[now] += 1
    if told.status in (Status.APPROVED, Status.REJECTED, Status.COMPLETED):
        recount.seconds[now] += told.seconds_to_decision
        recount.pilots[values["assigned_to"] or values["decided_by"]] += 1


def _check_tallies(organization_id: int, recount: Recount) -> Iterator[Finding]:
    rows = Tally.objects.for_organization(organization_id)
    fields = ("day", "intervention_type", "priority", "status", "count", "seconds")
    stored = {tuple(key): (count, seconds) for *key, count, seconds in rows.values_list(*fields)}
    for key in sorted(stored.keys() | recount.counts.keys()):
        if recount.pruned_to is not None and key[0] <= recount.pruned_to:
            continue
        count, seconds = stored.get(key, (0, 0.0))
        if count != recount.counts[key]:
            yield Finding("tally", " ".join(map(str, key)), f"says {count}, the log {recount.counts[key]}")
        if abs(seconds - recount.seconds[key]) > 0.001 + 1e-9 * abs(seconds):
            yield Finding("tally", " ".join(map(str, key)), f"says {seconds} s, the log {recount.seconds[key]} s")
    if recount.pruned_to is not None:
        return
    pilots = dict(PilotTally.objects.for_organization(organization_id).values_list("pilot_id", "count"))
    for name in sorted(pilots.keys() | recount.pilots.keys()):
        if pilots.get(name, 0) != recount.pilots[name]:
            yield Finding("tally", name, f"says {pilots.get(name, 0)}, the log {recount.pilots[name]}")
