"""A pilot is forgotten: the record keeps what was decided, and a neutral name in place of theirs."""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from interventions import audits, events
from interventions.actions.claiming import release_all_of
from interventions.models import Approval, Event, Intervention, PilotTally
from pilots import access_log, database, erasing
from pilots.database import writing
from pilots.erasing import Person
from pilots.errors import NotAllowed
from pilots.models import Membership, Organization, Pilot

# In place of what the pilot wrote, where that is erased too: some decisions must have a reason.
NO_WORDS = "[erased]"
# What agents sent, and what a pilot answered them, is no naming of pilots.
_CONTENT = frozenset({"title", "uow_id", "request_id", "text", "action_reason", "response", "outcome"})


@dataclass(slots=True)
class Erased:
    """What was changed, by kind; `neutral` is what stands for the pilot from now on."""

    neutral: str
    organizations: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


def erase(pilot: Pilot, *, texts: bool = False, force: bool = False, dry_run: bool = False) -> Erased:
    """Forgets the pilot in all organizations, in one transaction; both logs go on verifying.

    With `texts` the reasons and comments they wrote go too. Raises LastAdmin, and NotAllowed where a log
    does not verify, for erasing would hide what was done to it; `force` goes on all the same.
    """
    person = Person.of(pilot)
    with writing():
        if not force:
            erasing.require_another_admin(pilot)
        erased = Erased(person.neutral)
        for organization in Organization.objects.order_by("pk"):
            if _is_told_of(person, organization):
                _hold(person, organization, force)
                erased.organizations.append(organization.slug)
                erased.counts += _erase_in(person, organization, texts=texts)
        erased.counts += _erase_in_installation(person, told=not erased.organizations)
        erased.counts += Counter(erasing.forget(person))
        transaction.set_rollback(dry_run)
    return erased


def _is_told_of(person: Person, organization: Organization) -> bool:
    """True where the pilot is, or ever was, in this organization, or something names them."""
    pk = organization.pk
    return (
        Membership.objects.and_deactivated().for_organization(pk).filter(pilot=person.pilot).exists()
        or _rows_of(person, organization).exists()
        or _events_of(person, organization).exists()
        or PilotTally.objects.for_organization(pk).filter(pilot_id=person.pilot_id).exists()
        or erasing.is_told_of(person, organization)
    )


def _hold(person: Person, organization: Organization, force: bool) -> None:
    """Locks all that will change, in the order everybody else does, and refuses where a log was tampered with."""
    list(_rows_of(person, organization).select_for_update(of=("self",)).values_list("pk", flat=True))
    events.hold(organization.pk)
    access_log.hold(organization)
    broken = [name for name, audit in audits.of(organization).items() if audit.findings]
    if broken and not force:
        raise NotAllowed(
            f"The {broken[0]} log of {organization.slug} does not verify, and erasing would hide that: verify_audit"
        )


def _erase_in(person: Person, organization: Organization, *, texts: bool) -> Counter[str]:
    pk = organization.pk
    counts: Counter[str] = Counter(released=release_all_of(organization, person.pilot_id, told_as=person.neutral))
    counts["events"] = _redact_events(person, organization, texts=texts)
    rows = Intervention.objects.for_organization(pk)
    approvals = Approval.objects.for_organization(pk).filter(pilot_id=person.pilot_id)
    if texts:
        rows.filter(decided_by=person.pilot_id, action_reason__isnull=False).update(action_reason=NO_WORDS)
        approvals.filter(action_reason__isnull=False).update(action_reason=NO_WORDS)
    counts["approvals"] = approvals.update(pilot_id=person.neutral)
    counts["interventions"] = rows.filter(decided_by=person.pilot_id).update(decided_by=person.neutral)
    rows.filter(assigned_to=person.pilot_id).update(assigned_to=person.neutral)
    PilotTally.objects.for_organization(pk).filter(pilot_id=person.pilot_id).update(pilot_id=person.neutral)
    counts["access events"] = erasing.redact_access(person, organization)
    erasing.record(person, organization, {"record": erasing.vouch(events.touched_by_erasures(pk))})
    return counts


def _erase_in_installation(person: Person, *, told: bool) -> Counter[str]:
    access_log.hold(None)
    count = erasing.redact_access(person, None)
    if count or told:
        erasing.record(person, None, {})
    return Counter({"access events": count})


def _redact_events(person: Person, organization: Organization, *, texts: bool) -> int:
    rows = Event.objects.for_organization(organization.pk)
    count = 0
    for event in database.in_steps(_events_of(person, organization), "seq"):
        data = _redacted(person, event, texts=texts)
        fields = {"data": data, "salt": ""} if data != event.data else {}
        if event.actor == person.pilot_id:
            fields["actor"] = person.neutral
        if fields:
            count += rows.filter(pk=event.pk).update(**fields)
    return count


def _redacted(person: Person, event: Event, *, texts: bool) -> dict[str, Any]:
    data: dict[str, Any] = person.replaced_in(event.data, leaving=_CONTENT)
    if not texts:
        return data
    if event.actor_reference == person.reference:
        data = _without_words(data)
    if "approvals" in data:
        approvals = [_without_words(item) if item["pilot_id"] == person.neutral else item for item in data["approvals"]]
        data = data | {"approvals": approvals}
    return data


def _without_words(data: dict[str, Any]) -> dict[str, Any]:
    return {key: NO_WORDS if key in ("action_reason", "text") and value else value for key, value in data.items()}


def _rows_of(person: Person, organization: Organization) -> QuerySet[Intervention]:
    """The interventions that name the pilot."""
    rows = Intervention.objects.for_organization(organization.pk)
    approved = Approval.objects.for_organization(organization.pk).filter(pilot_id=person.pilot_id)
    named = Q(assigned_to=person.pilot_id) | Q(decided_by=person.pilot_id) | Q(pk__in=approved.values("intervention"))
    return rows.filter(named).order_by("pk")


def _events_of(person: Person, organization: Organization) -> QuerySet[Event]:
    """The events that name the pilot, as their actor or inside."""
    rows = Event.objects.for_organization(organization.pk).annotate(text=Cast("data", TextField()))
    inside = Q(text__contains=json.dumps(person.pilot_id, ensure_ascii=False))
    return rows.filter(Q(actor_reference=person.reference) | Q(actor=person.pilot_id) | inside)
