"""The trusted door, for programs of the installation: `interventions.trust` says what happens, here it is written."""

from collections.abc import Iterable

from interventions import trust
from interventions.actions.change import Held, write
from interventions.actions.deciding import answer_of, record_approval
from interventions.errors import Conflict
from interventions.lifecycle import EventType, Status
from interventions.models import Intervention
from interventions.trust import Step, Word
from pilots import database
from pilots.caller import Caller
from pilots.database import writing
from pilots.models import Organization, Pilot

# Stands in hashes for everybody who is named to the store and has no account here.
_UNKNOWN = "store"
# What a living claim of somebody else would keep others from.
_BOUND = frozenset({EventType.CLAIMED, EventType.APPROVED, EventType.REJECTED})


def change_trusting(organization: Organization, request_id: str, word: Word) -> Intervention | None:
    """Makes the request what the word says; None where the organization has none of this id.

    Approvals and answers that the request asks for it needs here too: with too few of them it stays open. Raises
    Conflict, and InvalidInput `response_required`.
    """
    with writing():
        rows = Intervention.objects.for_organization(organization.pk).select_for_update(of=("self",))
        row = next(iter(rows.with_approvals().filter(request_id=request_id)), None)
        if row is None:
            return None
        now = database.now()
        actor = trust.actor_of(row, word, now)
        carry_out(Held(acting_as(organization, [actor])[actor], row, now), word)
        return row


def carry_out(held: Held, word: Word) -> None:
    """`change_trusting` on a row that is locked already, its caller being who acts."""
    for step in _steps(held, word):
        _take(held, step, word)


def acting_as(organization: Organization, names: Iterable[str]) -> dict[str, Caller]:
    """The system, in the name of each pilot: so the record shows them, and forgets them when it must."""
    wanted = set(names)
    known = dict(Pilot.objects.filter(pilot_id__in=wanted - {trust.NOBODY}).values_list("pilot_id", "opaque_id"))
    return {
        name: Caller.system(organization)
        if name == trust.NOBODY
        else Caller(organization, "system", name, known[name].hex if name in known else _UNKNOWN)
        for name in wanted
    }


def _steps(held: Held, word: Word) -> list[Step]:
    try:
        return trust.steps(held.row, word, held.now)
    except Conflict as refusal:
        raise Conflict(refusal.detail, code=refusal.code, intervention=held.row) from refusal


def _take(held: Held, step: Step, word: Word) -> None:
    claimant = held.claimant if step.event_type in _BOUND else None
    over = {"take_over": True, "from": claimant} if claimant not in (None, held.caller.actor) else None
    if step.event_type == EventType.APPROVED:
        if held.caller.actor not in {item.pilot_id for item in held.row.given_approvals()}:
            record_approval(held, word.reason, answer_of(held, None), step.changes, over)
    elif step.event_type == EventType.COMPLETED and held.status != Status.APPROVED:
        raise Conflict("Approvals are missing: it cannot be completed yet.")
    else:
        write(held, step.event_type, dict(step.changes), extra=over)
