"""The event log: gap-free, chained, and every way to falsify it is found."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
import rfc8785
from django.db import IntegrityError, transaction
from django.db.models import F

from conftest import World
from interventions import actions, events, wire
from interventions.models import Event, Intervention, Stream
from pilots.models import ApiKey
from pilots.tenancy import across

pytestmark = pytest.mark.embedded


@pytest.fixture
def log(world: World, ask: Any) -> list[Event]:
    """Four events: created, claimed, approved, created."""
    ask(request_id="r")
    actions.claim(world.pilot("otto"), "r")
    actions.approve(world.pilot("otto"), "r", reason="fine")
    ask(request_id="s")
    return list(Event.objects.for_organization(world.acme.pk).order_by("seq"))


def problems(world: World) -> list[str]:
    return [finding.problem for finding in events.verify(world.acme.pk)]


def test_an_empty_log_is_in_order(world: World) -> None:
    assert problems(world) == []


def test_seq_starts_at_one_and_has_no_gap(world: World, log: list[Event]) -> None:
    assert [event.seq for event in log] == [1, 2, 3, 4]
    stream = Stream.objects.for_organization(world.acme.pk).get()
    assert (stream.last_seq, stream.head_hash) == (4, log[-1].hash)
    assert problems(world) == []


def test_each_organization_has_a_log_of_its_own(world: World, log: list[Event], ask: Any) -> None:
    ask(key="globex-agent")
    theirs = Event.objects.for_organization(world.globex.pk).get()
    assert theirs.seq == 1
    ours = Stream.objects.for_organization(world.acme.pk).get()
    assert Stream.objects.for_organization(world.globex.pk).get().epoch != ours.epoch


def test_the_hash_can_be_computed_by_hand(log: list[Event]) -> None:
    previous = ""
    for event in log:
        digest = hashlib.sha256(event.salt.encode() + rfc8785.dumps(event.data)).hexdigest()
        parts = [previous, event.seq, event.type, event.request_id, wire.moment(event.at)]
        parts += [event.actor_reference, digest]
        assert event.hash == hashlib.sha256(rfc8785.dumps(parts)).hexdigest()
        previous = event.hash


def test_a_change_that_fails_leaves_no_event_and_no_gap(world: World, ask: Any, log: list[Event]) -> None:
    with transaction.atomic():
        actions.approve(world.pilot("otto"), "s")
        transaction.set_rollback(True)
    ask(request_id="t")
    assert Event.objects.for_organization(world.acme.pk).latest("seq").seq == 5
    assert problems(world) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("type", "rejected"),
        ("request_id", "s"),
        ("at", F("created_at")),
        ("actor", "local:olga"),
        ("actor_reference", "system"),
        ("data", {"status": "REJECTED"}),
        ("data_digest", "0" * 64),
        ("hash", "0" * 64),
    ],
)
def test_an_edited_event_is_found(world: World, log: list[Event], field: str, value: Any) -> None:
    if field == "at":
        value = log[0].at
    Event.across_organizations.filter(pk=log[2].pk).update(**{field: value})
    assert problems(world)


def forget_middle(log: list[Event]) -> None:
    log[1].delete()


def forget_last(log: list[Event]) -> None:
    log[3].delete()


def forget_first(log: list[Event]) -> None:
    log[0].delete()


def swap(log: list[Event]) -> None:
    for event, seq in ((log[1], 99), (log[2], 2), (log[1], 3)):
        Event.across_organizations.filter(pk=event.pk).update(seq=seq)


def insert(log: list[Event]) -> None:
    forged = Event.across_organizations.get(pk=log[3].pk)
    forged.pk, forged.seq = None, 5
    forged.save(force_insert=True)


def rewind_head(log: list[Event]) -> None:
    log[3].delete()
    Stream.across_organizations.filter(pk=log[0].organization_id).update(last_seq=3)


@pytest.mark.parametrize("falsify", [forget_middle, forget_last, forget_first, swap, insert, rewind_head])
def test_a_log_with_more_less_or_another_order_is_found(
    world: World, log: list[Event], falsify: Callable[[list[Event]], None]
) -> None:
    falsify(log)
    assert problems(world)


def test_another_organizations_log_is_not_blamed(world: World, log: list[Event], ask: Any) -> None:
    ask(key="globex-agent")
    log[1].delete()
    assert list(events.verify(world.globex.pk)) == []


def test_data_and_names_can_be_erased_without_breaking_the_chain(world: World, log: list[Event]) -> None:
    Event.across_organizations.filter(pk=log[2].pk).update(data={}, salt="")
    with across():
        world.memberships["otto"].pilot.delete()
    Event.across_organizations.filter(actor="local:otto").update(actor="erased")
    assert problems(world) == []


def test_a_digest_does_not_betray_a_short_reason(world: World, log: list[Event]) -> None:
    """The same data twice: two salts, two digests."""
    actions.comment(world.pilot("otto"), "s", text="ok")
    actions.comment(world.pilot("otto"), "s", text="ok")
    one, other = Event.across_organizations.order_by("-seq")[:2]
    assert one.data == other.data
    assert one.data_digest != other.data_digest


def test_the_database_itself_refuses_a_second_decision(world: World, log: list[Event]) -> None:
    forged = Event.across_organizations.get(pk=log[2].pk)
    assert forged.decides == Intervention.across_organizations.get(request_id="r").pk
    forged.pk, forged.seq = None, 5
    with pytest.raises(IntegrityError), transaction.atomic():
        forged.save(force_insert=True)


def test_every_type_is_told_by_its_own_event(world: World, ask: Any) -> None:
    """One request through all that can be told of it; each `data` says what has changed."""
    otto, agent = world.pilot("otto"), world.key()
    ask(request_id="r", approvals_required=2)
    actions.assign(world.pilot("ada"), "r", pilot_id="local:otto")
    actions.claim(otto, "r")
    actions.comment(otto, "r", text="hm")
    actions.extend(otto, "r", expires_in_seconds=60)
    actions.approve(otto, "r")
    actions.release(otto, "r")
    actions.approve(world.pilot("olga"), "r", reason="yes")
    actions.record_delivery(agent, ["r"])
    actions.complete(agent, "r", outcome={"done": 1})
    shown = [(event.type, event.actor) for event in Event.across_organizations.order_by("seq")]
    assert shown == [
        ("created", "key:agent"),
        ("assigned", "local:ada"),
        ("claimed", "local:otto"),
        ("commented", "local:otto"),
        ("extended", "local:otto"),
        ("approval_added", "local:otto"),
        ("released", "local:otto"),
        ("approved", "local:olga"),
        ("delivered", "key:agent"),
        ("completed", "key:agent"),
    ]
    approved = Event.across_organizations.get(type="approved").data
    assert (approved["old_status"], approved["status"], approved["action_reason"]) == ("PENDING", "APPROVED", "yes")


def test_listeners_hear_after_the_commit_and_only_then(
    world: World, ask: Any, django_capture_on_commit_callbacks: Any
) -> None:
    heard: list[tuple[int, list[int]]] = []

    def listen(organization_id: int, entries: list[events.Entry], **_: Any) -> None:
        heard.append((organization_id, [entry.event.seq for entry in entries if entry.event]))

    events.committed.connect(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            ask(request_id="r")
            assert heard == []
        with transaction.atomic():
            actions.approve(world.pilot("otto"), "r")
            transaction.set_rollback(True)
    finally:
        events.committed.disconnect(listen)
    assert heard == [(world.acme.pk, [1])]


def test_a_position_is_read_on_from(world: World, log: list[Event]) -> None:
    assert [event.seq for event in events.since(world.acme.pk, 1, limit=2)] == [2, 3]
    assert events.since(world.acme.pk, 4, limit=2) == []
    assert events.since(world.globex.pk, 0, limit=2) == []


def test_a_renamed_key_is_found_for_the_log_shows_its_name(world: World, log: list[Event]) -> None:
    ApiKey.across_organizations.filter(name="agent").update(name="another")
    assert "the actor's name was changed" in problems(world)
