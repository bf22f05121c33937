"""The pure rules, case by case."""

from datetime import UTC, datetime, timedelta

import pytest

from interventions.lifecycle import (
    FINAL,
    OPEN,
    TRANSITIONS,
    EventType,
    Priority,
    Status,
    Type,
    claim_lives,
    is_past,
    may_follow,
    quorum_reached,
    reason_needed,
)

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)

WAYS = {
    ("PENDING", "IN_PROGRESS"),
    ("PENDING", "APPROVED"),
    ("PENDING", "REJECTED"),
    ("PENDING", "EXPIRED"),
    ("PENDING", "CANCELLED"),
    ("IN_PROGRESS", "PENDING"),
    ("IN_PROGRESS", "APPROVED"),
    ("IN_PROGRESS", "REJECTED"),
    ("IN_PROGRESS", "EXPIRED"),
    ("IN_PROGRESS", "CANCELLED"),
    ("APPROVED", "COMPLETED"),
}


def test_these_ways_lead_from_state_to_state_and_no_others() -> None:
    assert {(a.value, b.value) for a in Status for b in Status if may_follow(a, b)} == WAYS


def test_every_state_is_open_or_final_and_in_the_table() -> None:
    assert set(Status) == OPEN | FINAL == set(TRANSITIONS)
    assert not OPEN & FINAL


@pytest.mark.parametrize(("deadline", "past"), [(None, False), (NOON + TICK, False), (NOON, True), (NOON - TICK, True)])
def test_a_deadline_is_past_from_its_own_moment_on(deadline: datetime | None, past: bool) -> None:
    assert is_past(deadline, NOON) is past


@pytest.mark.parametrize(
    ("status", "until", "lives"),
    [
        ("IN_PROGRESS", NOON + TICK, True),
        ("IN_PROGRESS", NOON, False),
        ("IN_PROGRESS", NOON - TICK, False),
        ("IN_PROGRESS", None, False),
        ("PENDING", NOON + TICK, False),
    ],
)
def test_a_claim_lives_until_its_lease_is_over(status: str, until: datetime | None, lives: bool) -> None:
    assert claim_lives(status, until, NOON) is lives


@pytest.mark.parametrize("kind", list(Type))
def test_a_rejection_needs_a_reason_and_so_do_grave_approvals(kind: Type) -> None:
    assert reason_needed(kind, Status.REJECTED)
    assert reason_needed(kind, Status.APPROVED) is (kind in (Type.KILL_SWITCH, Type.WAIVE_VIOLATION))


def test_a_quorum_counts_pilots_not_clicks() -> None:
    assert quorum_reached(["a"], 1)
    assert not quorum_reached(["a", "a"], 2)
    assert quorum_reached(["a", "b", "a"], 2)
    assert not quorum_reached([], 1)


def test_priorities_are_named_in_lower_case_and_ordered_by_urgency() -> None:
    assert [level.word for level in sorted(Priority)] == ["critical", "high", "normal", "low"]
    assert all(Priority.of(level.word) is level for level in Priority)


def test_words_of_the_contract() -> None:
    told = "created claimed released assigned escalated commented extended approval_added"
    told += " approved rejected expired cancelled completed delivered"
    assert [kind.value for kind in EventType] == told.split()
    assert {kind.value for kind in Type} == {"kill_switch", "clarification", "waive_violation", "resume", "cancel"}
