"""API keys: shown once, recognised by their hash, and worth nothing once revoked or expired."""

import re
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from conftest import World
from pilots import api_keys, key_text, known_keys
from pilots.caller import Caller
from pilots.errors import InvalidInput, NotAuthenticated
from pilots.models import ApiKey

pytestmark = pytest.mark.embedded


def test_a_key_is_recognised_with_its_organization_and_scopes(world: World) -> None:
    row, text = world.keys["agent"]
    caller = Caller.of_key(api_keys.match(text))
    assert (caller.organization, caller.actor, caller.kind) == (world.acme, "key:agent", "key")
    assert caller.scopes == {"interventions:read", "interventions:write"}
    assert caller.credential == f"key:{row.pk}"


def test_a_key_reads_well_and_the_table_holds_nothing_usable(world: World) -> None:
    _, text = world.keys["agent"]
    assert re.fullmatch(r"chm_[0-9A-Za-z]{12}_[0-9A-Za-z]{38}", text)
    kept = [str(value) for row in ApiKey.across_organizations.values_list() for value in row]
    secret = text.split("_")[2]
    assert not any(secret in value or secret[:32] in value for value in kept)


def test_no_two_keys_are_alike(world: World) -> None:
    texts = {api_keys.make(world.acme, f"key {number}", ["events:read"])[1] for number in range(20)}
    assert len(texts) == 20


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-1],
        lambda text: text + "0",
        lambda text: text[:-1] + ("0" if text[-1] != "0" else "1"),
        lambda text: text[:20] + ("0" if text[20] != "0" else "1") + text[21:],
        lambda text: text.swapcase(),
        lambda text: text.replace("chm_", "chn_"),
        lambda text: " " + text,
        lambda text: text + "\n",
        lambda _: "chm_",
        lambda _: "chm__",
        lambda _: "",
        lambda _: "chm_ü_ü",
        lambda _: "chm_" + "x" * 100_000,
    ],
)
def test_a_spoilt_key_is_refused(world: World, spoil: object) -> None:
    with pytest.raises(NotAuthenticated) as refusal:
        api_keys.match(spoil(world.keys["agent"][1]))  # type: ignore[operator]
    assert refusal.value.code == "invalid_key"


def test_a_well_formed_key_of_another_secret_is_refused(world: World) -> None:
    body = world.keys["agent"][1].rpartition("_")[0] + "_" + "0" * 32
    with pytest.raises(NotAuthenticated):
        api_keys.match(body + key_text.checksum(body))


def test_a_revoked_or_expired_key_opens_nothing(world: World) -> None:
    row, text = api_keys.make(world.acme, "old", ["events:read"], timezone.now() + timedelta(days=1))
    ApiKey.across_organizations.filter(pk=row.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(NotAuthenticated):
        api_keys.match(text)
    ApiKey.across_organizations.filter(pk=row.pk).update(expires_at=None)
    assert api_keys.match(text) == row
    api_keys.revoke(row)
    with pytest.raises(NotAuthenticated):
        api_keys.match(text)


def test_a_key_that_another_process_revokes_opens_for_a_second_at_most(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = time.monotonic()
    row, text = api_keys.make(world.acme, "busy", ["events:read"])
    for ahead in (0.0, 0.9):
        monkeypatch.setattr(known_keys, "monotonic", lambda ahead=ahead: began + ahead)
        assert api_keys.match(text) == row
    ApiKey.across_organizations.filter(pk=row.pk).update(revoked_at=timezone.now())
    assert api_keys.match(text) == row
    monkeypatch.setattr(known_keys, "monotonic", lambda: began + 1.1)
    with pytest.raises(NotAuthenticated):
        api_keys.match(text)


@pytest.mark.parametrize("scopes", [[], ["everything"], ["interventions:read", "admin"]])
def test_only_known_scopes_are_given(world: World, scopes: list[str]) -> None:
    with pytest.raises(InvalidInput) as refusal:
        api_keys.make(world.acme, "new", scopes)
    assert list(refusal.value.errors or {}) == ["scopes"]


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "agent"])
def test_a_name_is_needed_and_used_once(world: World, name: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        api_keys.make(world.acme, name, ["events:read"])
    assert list(refusal.value.errors or {}) == ["name"]


def test_two_organizations_may_use_one_name(world: World) -> None:
    assert api_keys.make(world.globex, "agent", ["events:read"])[0].organization == world.globex


def test_use_is_noted_to_the_minute(world: World, django_assert_num_queries: object) -> None:
    row = api_keys.match(world.keys["agent"][1])
    api_keys.note_use(row)
    noted = ApiKey.across_organizations.get(pk=row.pk)
    assert noted.last_used_at is not None
    with django_assert_num_queries(0):  # type: ignore[operator]
        api_keys.note_use(noted)
