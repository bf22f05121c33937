"""The access log: who came in and who was let in is told as it happens, and every way to falsify it is found."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from conftest import PASSWORD, World
from pilots import access_log, actions
from pilots.access_log import SYSTEM, Party
from pilots.models import AccessChain, AccessEvent, Organization, Pilot
from pilots.roles import Role
from pilots.sign_in import links, telling
from pilots.tenancy import across
from pilots.tests.test_providers import sign_in as through_provider
from tests.provider import Provider

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]


def told(organization: Organization | None, *types: str) -> list[tuple[str, str, str, dict[str, Any]]]:
    """(type, actor, subject, data) of the entries, oldest first."""
    rows = reversed(access_log.newest(organization, 200))
    return [(row.type, row.actor, row.subject, row.data) for row in rows if not types or row.type in types]


def problems(organization: Organization | None) -> list[str]:
    return [finding.problem for finding in access_log.audit(organization).findings]


# What is told


def test_a_page_tells_of_sign_in_and_sign_out(world: World) -> None:
    browser = Client()
    browser.post("/accounts/login/", {"login": "otto", "password": PASSWORD}, REMOTE_ADDR="192.0.2.7")
    browser.post("/accounts/logout/", REMOTE_ADDR="192.0.2.7")
    otto = "local:otto"
    assert told(world.acme, "signed_in", "signed_out") == [
        ("signed_in", otto, otto, {"how": "password", "through": "page", "address": "192.0.2.7"}),
        ("signed_out", otto, otto, {"through": "page", "address": "192.0.2.7"}),
    ]


def test_a_token_tells_of_sign_in_and_sign_out(world: World) -> None:
    client = Client()
    body = {"pilot_id": "local:otto", "password": PASSWORD}
    client.post("/api/token", body, content_type="application/json", REMOTE_ADDR="192.0.2.7")
    client.post("/api/token/revoke", content_type="application/json", REMOTE_ADDR="192.0.2.7")
    client.post("/api/token/revoke", content_type="application/json", REMOTE_ADDR="192.0.2.7")
    otto = "local:otto"
    assert told(world.acme, "signed_in", "signed_out") == [
        ("signed_in", otto, otto, {"how": "password", "through": "token", "address": "192.0.2.7"}),
        ("signed_out", otto, otto, {"through": "token", "address": "192.0.2.7"}),
    ]


def test_a_link_is_told_as_one(world: World) -> None:
    Client().post(f"/accounts/link/{links.make(world.memberships['ada'].pilot)}")
    assert told(world.acme, "signed_in")[0][3]["how"] == "link"


@pytest.mark.parametrize(("kind", "how"), [("github", "github"), ("microsoft", "microsoft"), ("oidc", "keyring")])
def test_a_provider_is_told_by_its_name(provider_settings: Provider, kind: str, how: str) -> None:
    browser = Client()
    through_provider(browser, provider_settings, kind)
    through_provider(browser, provider_settings, kind)
    pilot_id = Pilot.objects.get().pilot_id
    entries = [(entry[1], entry[3]["how"]) for entry in told(None, "signed_in")]
    assert entries == [(pilot_id, how)] * len(entries) != []
    assert PASSWORD not in str(entries)


def test_a_new_password_of_ones_own_is_told_once(world: World) -> None:
    form = {"oldpassword": PASSWORD, "password1": "another pass phrase", "password2": "another pass phrase"}
    assert world.session("otto").post("/accounts/password/change/", form).status_code == 302
    assert [entry[1:] for entry in told(world.acme, "password_changed")] == [("local:otto", "local:otto", {})]


def test_a_token_for_a_session_is_no_sign_in_of_its_own(world: World) -> None:
    browser = world.session("otto")
    before = len(told(world.acme, "signed_in"))
    assert browser.post("/api/token", content_type="application/json").status_code == 200
    assert len(told(world.acme, "signed_in")) == before


def fail(name: str, password: str = "wrong", address: str = "192.0.2.7") -> None:
    body = {"pilot_id": name, "password": password}
    Client().post("/api/token", body, content_type="application/json", REMOTE_ADDR=address)


def test_a_failed_try_is_told_to_the_organization_of_the_account(world: World) -> None:
    fail("local:otto")
    Client().post("/accounts/login/", {"login": "otto", "password": "wrong"}, REMOTE_ADDR="192.0.2.8")
    assert told(world.acme, "sign_in_failed") == [
        ("sign_in_failed", "unknown", "local:otto", {"through": "token", "address": "192.0.2.7"}),
        ("sign_in_failed", "unknown", "local:otto", {"through": "page", "address": "192.0.2.8"}),
    ]
    assert told(world.globex, "sign_in_failed") == []


def test_what_was_typed_is_not_kept_where_nobody_is_called_so(world: World) -> None:
    fail("local:my-secret-passphrase", "my-secret-passphrase")
    Client().post("/accounts/login/", {"login": "my-secret-passphrase", "password": "x"})
    assert [entry[:3] for entry in told(None)] == [("sign_in_failed", "unknown", "")] * 2
    assert "secret" not in str(list(AccessEvent.across_organizations.values()))


def test_a_flood_from_many_addresses_is_counted_not_written(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "TOLD_FAILURES", 3)
    for number in range(10):
        fail("local:otto", address=f"198.51.100.{number}")
        fail(f"local:guess-{number}", address=f"198.51.100.{number}")
    assert len(told(world.acme, "sign_in_failed")) == len(told(None, "sign_in_failed")) == 3
    monkeypatch.setattr(telling, "TOLD_FAILURES", 100)
    fail("local:otto")
    assert told(world.acme, "sign_in_failed")[-1][3]["untold"] == 7
    fail("local:otto")
    assert "untold" not in told(world.acme, "sign_in_failed")[-1][3]


def test_who_is_in_no_organization_is_told_of_in_the_installations_log(world: World) -> None:
    root = actions.create_superuser("local:root")
    actions.set_password(root, "a long pass phrase")
    assert [entry[:3] for entry in told(None)] == [
        ("pilot_created", "system", "local:root"),
        ("superuser_granted", "system", "local:root"),
        ("password_changed", "system", "local:root"),
    ]


def test_members_and_roles_are_told_with_what_they_were(world: World) -> None:
    ada = Party.of(world.memberships["ada"].pilot)
    dana = actions.create_pilot("local:dana", world.acme, Role.VIEWER, by=ada).membership.pilot
    actions.set_role(dana, world.acme, Role.OPERATOR, by=ada)
    actions.set_role(dana, world.acme, Role.OPERATOR, by=ada)
    actions.create_pilot("local:dana", world.acme, Role.ADMIN)
    assert [entry for entry in told(world.acme) if entry[2] == "local:dana"] == [
        ("pilot_created", "local:ada", "local:dana", {}),
        ("member_joined", "local:ada", "local:dana", {"role": "VIEWER"}),
        ("role_changed", "local:ada", "local:dana", {"from": "VIEWER", "to": "OPERATOR"}),
    ]


def test_settings_are_told_with_what_they_were(world: World) -> None:
    actions.change_settings(world.acme, {"colour": "blue", "size": 1})
    actions.change_settings(world.acme, {"colour": "red", "size": 1})
    actions.rename_organization(world.acme, "Acme Ltd")
    assert [entry[3] for entry in told(world.acme, "settings_changed")] == [
        {"colour": {"from": None, "to": "blue"}, "size": {"from": None, "to": 1}},
        {"colour": {"from": "blue", "to": "red"}},
        {"name": {"from": "Acme", "to": "Acme Ltd"}},
    ]


def test_rights_are_told_once(world: World) -> None:
    otto = world.memberships["otto"].pilot
    for _ in range(2):
        actions.set_rights(otto, is_active=False, is_superuser=True)
    actions.set_rights(otto, is_active=True, is_superuser=False)
    assert [entry[0] for entry in told(world.acme) if entry[2] == "local:otto"] == [
        "pilot_deactivated",
        "superuser_granted",
        "pilot_activated",
        "superuser_revoked",
    ]


def test_what_is_undone_leaves_no_entry_and_no_gap(world: World) -> None:
    with transaction.atomic():
        actions.set_role(world.memberships["otto"].pilot, world.acme, Role.VIEWER)
        transaction.set_rollback(True)
    assert told(world.acme, "role_changed") == []
    actions.set_role(world.memberships["otto"].pilot, world.acme, Role.VIEWER)
    assert problems(world.acme) == []


def test_the_newest_come_first_and_go_on_from_the_last_one_seen(world: World) -> None:
    for number in range(5):
        access_log.record("tried", SYSTEM, organization=world.globex, data={"number": number})
    page = access_log.newest(world.globex, 2)
    assert [row.data["number"] for row in page] == [4, 3]
    assert [row.data["number"] for row in access_log.newest(world.globex, 2, before=page[-1].seq)] == [2, 1]


# Whether it is still what was told


@pytest.fixture
def log(world: World) -> list[AccessEvent]:
    """Four entries of acme's after those of the world, and some of others."""
    otto, olga = (world.memberships[name].pilot for name in ("otto", "olga"))
    actions.set_role(otto, world.acme, Role.VIEWER, by=Party.of(world.memberships["ada"].pilot))
    fail("local:nobody")
    actions.set_role(olga, world.acme, Role.VIEWER)
    actions.set_role(otto, world.acme, Role.ADMIN)
    actions.set_role(olga, world.acme, Role.ADMIN)
    assert problems(world.acme) == problems(world.globex) == problems(None) == []
    return list(reversed(access_log.newest(world.acme, 4)))


def change(event: AccessEvent, **fields: Any) -> None:
    AccessEvent.across_organizations.filter(pk=event.pk).update(**fields)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("type", "signed_in"),
        ("actor", "local:mallory"),
        ("actor_reference", "system"),
        ("subject", "local:mallory"),
        ("subject_reference", "system"),
        ("data", {"from": "VIEWER", "to": "ADMIN"}),
        ("data_digest", "0" * 64),
        ("hash", "0" * 64),
    ],
)
def test_an_edited_entry_is_found(world: World, log: list[AccessEvent], field: str, value: Any) -> None:
    change(log[0], **{field: value})
    assert problems(world.acme)
    assert problems(world.globex) == []


def test_an_entry_at_another_time_is_found(world: World, log: list[AccessEvent]) -> None:
    change(log[1], at=log[0].at)
    assert problems(world.acme)


def delete_first(log: list[AccessEvent]) -> None:
    AccessEvent.across_organizations.filter(organization=log[0].organization).order_by("seq")[0].delete()


def delete_middle(log: list[AccessEvent]) -> None:
    log[1].delete()


def delete_last(log: list[AccessEvent]) -> None:
    log[3].delete()


def truncate(log: list[AccessEvent]) -> None:
    """With a head that says what is left."""
    log[3].delete()
    head = AccessChain.across_organizations.filter(organization=log[0].organization)
    head.update(last_seq=log[3].seq - 1)


def reorder(log: list[AccessEvent]) -> None:
    one, other = log[1].seq, log[2].seq
    change(log[1], seq=999)
    change(log[2], seq=one)
    change(log[1], seq=other)


def insert(log: list[AccessEvent]) -> None:
    forged = AccessEvent.across_organizations.get(pk=log[1].pk)
    forged.pk, forged.seq = None, log[3].seq + 1
    forged.save(force_insert=True)


def replace(log: list[AccessEvent]) -> None:
    """With other data that fits a digest of its own, and a hash that fits that."""
    event, before = log[3], log[2]
    event.data = {"from": "VIEWER", "to": "OPERATOR"}
    event.data_digest = access_log.digest_of(event.data, event.salt)
    event.hash = access_log.hash_of(before.hash, event)
    change(event, data=event.data, data_digest=event.data_digest, hash=event.hash)


@pytest.mark.parametrize("falsify", [delete_first, delete_middle, delete_last, truncate, reorder, insert, replace])
def test_a_log_with_more_less_or_another_order_is_found(
    world: World, log: list[AccessEvent], falsify: Callable[[list[AccessEvent]], None]
) -> None:
    falsify(log)
    assert problems(world.acme)


def test_the_installations_own_log_is_verified_too(world: World, log: list[AccessEvent]) -> None:
    fail("local:nobody")
    AccessEvent.across_organizations.filter(organization=None, seq=1).delete()
    assert problems(None)
    assert problems(world.acme) == []


def test_an_emptied_entry_holds_but_other_data_in_its_place_is_found(world: World, log: list[AccessEvent]) -> None:
    change(log[1], data={}, salt="")
    assert problems(world.acme) == []
    change(log[1], data={"to": "ADMIN"})
    assert "data stands where it was erased" in problems(world.acme)


def test_pilots_who_were_deleted_break_no_chain(world: World, log: list[AccessEvent]) -> None:
    with across():
        Pilot.objects.get(pilot_id="local:otto").delete()
    assert problems(world.acme) == []
