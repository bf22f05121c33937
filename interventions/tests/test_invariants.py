"""The invariants hold after honest work, and each kind of damage to the tables is found."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from conftest import World
from interventions import actions, invariants
from interventions.models import Approval, Event, Intervention, PilotTally, Tally

pytestmark = pytest.mark.embedded


@pytest.fixture
def worked(world: World, ask: Any) -> World:
    """An organization in which a bit of everything has happened."""
    otto, olga, ada, agent = world.pilot("otto"), world.pilot("olga"), world.pilot("ada"), world.key()
    ask(request_id="open")
    ask(request_id="claimed")
    actions.claim(otto, "claimed")
    ask(request_id="done", approvals_required=2, response_schema=SCHEMA)
    actions.approve(otto, "done", response={"vendor": "Ø"})
    actions.claim(olga, "done")
    actions.claim(ada, "done", take_over=True)
    actions.comment(olga, "done", text="looks right")
    actions.approve(ada, "done", reason="fine")
    actions.record_delivery(agent, ["done"])
    actions.complete(agent, "done", outcome={"paid": 1e300})
    ask(request_id="refused", priority="critical")
    actions.assign(ada, "refused", pilot_id="local:olga")
    actions.reject(olga, "refused", reason="no")
    ask(request_id="withdrawn")
    actions.extend(otto, "withdrawn", expires_in_seconds=None)
    actions.cancel(agent, "withdrawn", reason=None)
    return world


SCHEMA = {"type": "object", "properties": {"vendor": {"type": "string"}}}


def rows(request_id: str) -> Any:
    return Intervention.across_organizations.filter(request_id=request_id)


def found(world: World) -> set[tuple[str, str]]:
    return {(finding.invariant, finding.subject) for finding in invariants.check(world.acme.pk)}


def test_after_honest_work_nothing_is_found(worked: World) -> None:
    assert invariants.check(worked.acme.pk) == []
    assert invariants.check(worked.globex.pk) == []


@pytest.mark.parametrize(
    ("request_id", "damage", "invariant"),
    [
        ("open", {"title": "Another title"}, "content"),
        ("open", {"context": {"a": 1}}, "content"),
        ("open", {"version": F("version") + 1}, "I12"),
        ("open", {"assigned_to": "local:vera"}, "I12"),
        ("open", {"expires_at": None}, "I12"),
        ("claimed", {"status": "PENDING", "claimed_until": None}, "I12"),
        ("done", {"decided_by": "local:vera"}, "I12"),
        ("done", {"response": {"vendor": "other"}}, "I12"),
        ("done", {"outcome": None}, "I12"),
        ("refused", {"status": "APPROVED"}, "I12"),
        ("refused", {"action_reason": "yes"}, "I12"),
        ("withdrawn", {"updated_at": F("updated_at") - timedelta(seconds=1)}, "I12"),
    ],
)
def test_a_changed_row_is_found(worked: World, request_id: str, damage: dict[str, Any], invariant: str) -> None:
    rows(request_id).update(**damage)
    assert (invariant, request_id) in found(worked)


def test_a_changed_row_is_told_with_both_values(worked: World) -> None:
    rows("refused").update(decided_by="local:vera")
    (finding,) = invariants.check(worked.acme.pk)
    assert str(finding) == "I12 refused: decided_by is 'local:vera', its events say 'local:olga'"


def test_a_missing_approval_is_found(worked: World) -> None:
    Approval.across_organizations.filter(pilot_id="local:otto").delete()
    assert {("I12", "done"), ("quorum", "done")} <= found(worked)


def test_a_row_without_events_is_found(worked: World) -> None:
    rows("open").update(request_id="smuggled")
    assert ("I12", "smuggled") in found(worked)


def test_a_removed_row_is_no_finding_for_its_events_stay(worked: World) -> None:
    rows("refused").delete()
    assert invariants.check(worked.acme.pk) == []


def test_an_id_used_again_after_its_row_was_removed_is_told_from_its_new_beginning(worked: World, ask: Any) -> None:
    rows("refused").delete()
    ask(request_id="refused", title="Another question")
    actions.approve(worked.pilot("otto"), "refused")
    assert invariants.check(worked.acme.pk) == []


@pytest.mark.parametrize("field", ["count", "seconds"])
def test_a_wrong_tally_is_found(worked: World, field: str) -> None:
    tally = Tally.across_organizations.filter(organization=worked.acme, status="COMPLETED").first()
    assert tally is not None
    Tally.across_organizations.filter(pk=tally.pk).update(**{field: F(field) + 1})
    assert {invariant for invariant, _ in found(worked)} == {"tally"}


def test_a_wrong_pilot_tally_is_found(worked: World) -> None:
    PilotTally.across_organizations.filter(pilot_id="local:olga").update(count=5)
    assert found(worked) == {("tally", "local:olga")}


def test_a_removed_event_is_found(worked: World) -> None:
    event = Event.across_organizations.get(type="rejected")
    event.delete()
    assert {("I7", f"seq {event.seq + 1}"), ("I12", "refused"), ("I10", "refused")} <= found(worked)


def test_a_decision_after_the_deadline_is_found(worked: World) -> None:
    """Told by the events, too: the row's own constraint would have refused it."""
    event = Event.across_organizations.get(type="rejected")
    late = event.data | {"expires_at": event.data["action_timestamp"]}
    Event.across_organizations.filter(pk=event.pk).update(data=late)
    assert ("I4", "refused") in found(worked)


def test_a_claim_over_a_living_claim_is_found(worked: World) -> None:
    event = Event.across_organizations.get(type="claimed", actor="local:ada")
    data = {key: value for key, value in event.data.items() if key != "take_over"}
    Event.across_organizations.filter(pk=event.pk).update(data=data)
    assert ("I11", "done") in found(worked)


def test_a_second_decision_is_found(worked: World) -> None:
    decided = Event.across_organizations.get(type="rejected")
    Event.across_organizations.filter(type="cancelled").update(request_id="refused", decides=decided.decides + 1000)
    assert ("I12", "refused") in found(worked)


def test_a_log_cut_at_its_end_is_found(worked: World) -> None:
    newest = Event.across_organizations.filter(organization=worked.acme).order_by("-seq")[:1]
    Event.across_organizations.filter(pk__in=newest.values("pk")).delete()
    assert "I7" in {invariant for invariant, _ in found(worked)}


def test_erased_data_is_no_finding(worked: World) -> None:
    Event.across_organizations.filter(request_id="refused").update(data={}, salt="")
    assert invariants.check(worked.acme.pk) == []
