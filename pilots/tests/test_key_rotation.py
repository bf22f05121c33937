"""Two keys of one name are alive while a new one is put in place, and never three."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from conftest import Api, World
from interventions import events
from pilots import api_keys
from pilots.access_log import Party
from pilots.api_keys import State
from pilots.caller import Caller
from pilots.errors import InvalidInput, NotAuthenticated
from pilots.limits import Limits
from pilots.models import AccessEvent, ApiKey

embedded = pytest.mark.embedded


def opens(text: str) -> bool:
    try:
        api_keys.match(text)
    except NotAuthenticated:
        return False
    return True


def logged(world: World, type: str) -> list[AccessEvent]:
    return list(AccessEvent.across_organizations.filter(organization=world.acme, type=type).order_by("seq"))


@embedded
def test_both_keys_open_and_speak_by_one_name(world: World) -> None:
    old, old_text = world.keys["agent"]
    new, new_text = api_keys.rotate(old)
    assert new_text != old_text
    assert opens(old_text)
    assert opens(new_text)
    assert Caller.of_key(new).actor == Caller.of_key(old).actor == "key:agent"
    assert api_keys.newest(world.acme, "agent") == new
    old.refresh_from_db()
    assert (api_keys.state(old), api_keys.state(new)) == (State.REPLACED, State.ACTIVE)


@embedded
def test_the_new_key_may_what_the_old_one_may(world: World) -> None:
    lifetime = timedelta(days=30)
    limits = Limits("order-", frozenset({"cancel"}))
    expires_at = timezone.now() + lifetime
    old, _ = api_keys.make(world.acme, "orders", ["interventions:read"], expires_at, limits=limits)
    new, _ = api_keys.rotate(old)
    assert (new.name, new.scopes, api_keys.limits_of(new)) == ("orders", ["interventions:read"], limits)
    # As long a life as the first, from now on.
    assert new.expires_at is not None
    assert abs(new.expires_at - new.created_at - lifetime) < timedelta(minutes=1)


@embedded
def test_the_old_key_ends_with_the_overlap_and_never_later_than_it_would_have(world: World) -> None:
    old, old_text = world.keys["agent"]
    api_keys.rotate(old, timedelta(hours=2))
    old.refresh_from_db()
    assert old.expires_at is not None
    assert timedelta(hours=1.9) < old.expires_at - timezone.now() <= timedelta(hours=2)
    ApiKey.across_organizations.filter(pk=old.pk).update(expires_at=timezone.now())
    assert not opens(old_text)

    soon = timezone.now() + timedelta(hours=1)
    brief, _ = api_keys.make(world.acme, "brief", ["events:read"], soon)
    api_keys.rotate(brief, timedelta(hours=24))
    brief.refresh_from_db()
    assert brief.expires_at == soon


@embedded
def test_rotating_again_ends_the_oldest_at_once(world: World) -> None:
    first, first_text = world.keys["agent"]
    second, second_text = api_keys.rotate(first)
    third, third_text = api_keys.rotate(second)
    assert [opens(text) for text in (first_text, second_text, third_text)] == [False, True, True]
    assert [row.pk for row in api_keys.living(world.acme, "agent")] == [third.pk, second.pk]
    assert logged(world, "key_rotated")[-1].data["ended"] == [first.key_id]


@embedded
def test_only_the_newest_living_key_is_rotated(world: World) -> None:
    first, _ = world.keys["agent"]
    second, _ = api_keys.rotate(first)
    with pytest.raises(InvalidInput, match="replaced already"):
        api_keys.rotate(first)
    api_keys.revoke(second)
    with pytest.raises(InvalidInput, match="was revoked"):
        api_keys.rotate(second)


@embedded
def test_one_that_ran_out_is_rotated_into_a_new_life(world: World) -> None:
    made = timezone.now() - timedelta(days=30)
    old, _ = world.keys["agent"]
    ApiKey.across_organizations.filter(pk=old.pk).update(created_at=made, expires_at=made + timedelta(days=29))
    new, text = api_keys.rotate(old)
    assert opens(text)
    assert new.expires_at is not None
    assert new.expires_at > timezone.now() + timedelta(days=28)


@embedded
def test_revoking_one_leaves_the_other(world: World) -> None:
    old, old_text = world.keys["agent"]
    _, new_text = api_keys.rotate(old)
    api_keys.revoke(old)
    assert [opens(text) for text in (old_text, new_text)] == [False, True]


@embedded
def test_the_record_of_both_verifies(world: World, ask: Any) -> None:
    ask(request_id="before")
    old, old_text = world.keys["agent"]
    _, new_text = api_keys.rotate(old)
    for text, request_id in ((old_text, "by-the-old"), (new_text, "by-the-new")):
        headers = {"Authorization": f"Bearer {text}"}
        draft = {"uow_id": "uow-1", "intervention_type": "clarification", "title": "?", "request_id": request_id}
        assert Api(headers).post("/api/interventions", draft).status_code == 201
    log = events.since(world.acme.pk, 0, 10)
    assert {event.actor for event in log} == {"key:agent"}
    assert len({event.actor_reference for event in log}) == 2
    assert events.audit(world.acme.pk).findings == []


@embedded
def test_the_access_log_tells_who_did_what_to_which_key(world: World) -> None:
    ada = Party.of(world.memberships["ada"].pilot)
    limits = Limits("order-")
    row, text = api_keys.make(world.acme, "orders", ["interventions:read"], limits=limits, by=ada)
    new, new_text = api_keys.rotate(row, timedelta(), by=ada)
    api_keys.revoke(new, by=ada)
    api_keys.revoke(new, by=ada)
    row.refresh_from_db()
    assert row.revoked_at is not None
    created, rotated, revoked = (logged(world, f"key_{what}")[-1] for what in ("created", "rotated", "revoked"))
    assert {event.actor for event in (created, rotated, revoked)} == {"local:ada"}
    assert {event.subject for event in (created, rotated, revoked)} == {"key:orders"}
    known = {"scopes": ["interventions:read"], "uow_id_prefix": "order-", "intervention_types": [], "expires_at": None}
    assert created.data == known | {"key_id": row.key_id}
    assert rotated.data == known | {
        "key_id": new.key_id,
        "replaces": {"key_id": row.key_id, "ends_at": row.revoked_at.isoformat(timespec="seconds")},
        "ended": [],
    }
    assert revoked.data == known | {"key_id": new.key_id}
    assert len(logged(world, "key_revoked")) == 1
    told = str([event.data for event in AccessEvent.across_organizations.filter(organization=world.acme)])
    assert not any(part in told for key in (text, new_text) for part in (key, key[17:]))
    assert row.created_by == new.created_by == "local:ada"


@pytest.mark.parametrize(
    ("revoked", "ends_in_days", "superseded", "state"),
    [
        (False, None, False, State.ACTIVE),
        (False, 8, False, State.ACTIVE),
        (False, 6, False, State.EXPIRES_SOON),
        (False, 6, True, State.REPLACED),
        (False, -1, True, State.EXPIRED),
        (False, -1, False, State.EXPIRED),
        (True, 6, False, State.REVOKED),
    ],
)
@embedded
def test_the_state_of_a_key(
    world: World, revoked: bool, ends_in_days: int | None, superseded: bool, state: State
) -> None:
    now = timezone.now()
    row = ApiKey(
        organization=world.acme,
        revoked_at=now if revoked else None,
        superseded_at=now if superseded else None,
        expires_at=None if ends_in_days is None else now + timedelta(days=ends_in_days),
    )
    assert api_keys.state(row) == state


@pytest.mark.django_db(transaction=True)
@embedded
def test_of_many_who_rotate_at_once_one_does(world: World) -> None:
    row, _ = world.keys["agent"]
    outcomes: list[str] = []

    def rotate() -> None:
        try:
            outcomes.append(api_keys.rotate(row)[1])
        except InvalidInput as error:
            outcomes.append(error.detail)
        finally:
            connection.close()

    threads = [threading.Thread(target=rotate) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum("replaced already" in outcome for outcome in outcomes) == 7
    assert len(api_keys.living(world.acme, "agent")) == 2
    assert ApiKey.objects.for_organization(world.acme.pk).filter(name="agent", superseded_at=None).count() == 1
