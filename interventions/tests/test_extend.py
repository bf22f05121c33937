"""Extend and comment: what is granted and said meanwhile."""

from datetime import timedelta
from typing import Any

import pytest

from conftest import Clock, World, stored, told
from interventions import actions
from interventions.errors import Conflict
from interventions.models import Event
from pilots.errors import NotAllowed, NotFound

pytestmark = pytest.mark.embedded


def test_the_new_deadline_counts_from_now(world: World, ask: Any, clock: Clock) -> None:
    ask(request_id="r", expires_in_seconds=60)
    clock.forward(seconds=30)
    row = actions.extend(world.pilot("otto"), "r", expires_in_seconds=600)
    assert row.expires_at == row.updated_at + timedelta(seconds=600)
    assert (row.version, told("r")) == (2, ["created", "extended"])


def test_a_deadline_can_be_drawn_nearer_or_taken_away(world: World, ask: Any) -> None:
    ask(request_id="r")
    assert actions.extend(world.pilot("otto"), "r", expires_in_seconds=1).expires_at is not None
    assert actions.extend(world.pilot("otto"), "r", expires_in_seconds=None).expires_at is None


def test_an_extended_request_outlives_its_first_deadline(world: World, ask: Any, clock: Clock) -> None:
    ask(request_id="r", expires_in_seconds=60)
    actions.extend(world.pilot("otto"), "r", expires_in_seconds=600)
    clock.forward(seconds=61)
    assert actions.expire_due() == 0
    assert actions.approve(world.pilot("otto"), "r").status == "APPROVED"


def test_once_past_it_cannot_be_extended_whether_swept_or_not(world: World, ask: Any, clock: Clock) -> None:
    ask(request_id="r", expires_in_seconds=60)
    clock.forward(seconds=60)
    for _ in range(2):
        with pytest.raises(Conflict) as refusal:
            actions.extend(world.pilot("otto"), "r", expires_in_seconds=600)
        assert refusal.value.code == "expired"
        actions.expire_due()
    assert told("r") == ["created", "expired"]


def test_what_is_decided_has_no_deadline_to_move(world: World, ask: Any) -> None:
    actions.approve(world.pilot("otto"), ask(request_id="r").request_id)
    with pytest.raises(Conflict) as refusal:
        actions.extend(world.pilot("otto"), "r", expires_in_seconds=600)
    assert refusal.value.code == "already_decided"


def test_a_claim_does_not_keep_others_from_granting_time(world: World, ask: Any) -> None:
    actions.claim(world.pilot("otto"), ask(request_id="r").request_id)
    row = actions.extend(world.pilot("olga"), "r", expires_in_seconds=600)
    assert (row.status, row.assigned_to) == ("IN_PROGRESS", "local:otto")


def test_a_comment_is_on_record_and_changes_no_version(world: World, ask: Any) -> None:
    ask(request_id="r")
    row = actions.comment(world.pilot("otto"), "r", text="I asked the vendor.\nNo answer yet.")
    assert (row.version, row.status) == (1, "PENDING")
    event = Event.across_organizations.latest("seq")
    assert (event.type, event.actor, event.data["text"]) == (
        "commented",
        "local:otto",
        "I asked the vendor.\nNo answer yet.",
    )


def test_what_is_over_can_still_be_commented(world: World, ask: Any, clock: Clock) -> None:
    actions.reject(world.pilot("otto"), ask(request_id="r").request_id, reason="no")
    actions.comment(world.pilot("olga"), "r", text="agreed")
    ask(request_id="late", expires_in_seconds=1)
    clock.forward(seconds=2)
    actions.comment(world.pilot("olga"), "late", text="too late")
    assert (stored("r").version, told("r")) == (2, ["created", "rejected", "commented"])


def test_viewers_keys_and_strangers_neither_extend_nor_comment(world: World, ask: Any) -> None:
    ask(request_id="r")
    callers = [(world.pilot("vera"), NotAllowed), (world.key(), NotAllowed), (world.pilot("gina"), NotFound)]
    for caller, refusal in callers:
        with pytest.raises(refusal):
            actions.extend(caller, "r", expires_in_seconds=60)
        with pytest.raises(refusal):
            actions.comment(caller, "r", text="hello")
    assert told("r") == ["created"]
