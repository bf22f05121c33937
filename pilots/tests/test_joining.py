"""Who becomes a member by signing in, and who does not."""

from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.core.management import CommandError, call_command
from django.test import Client

from conftest import PASSWORD, World
from pilots import access_log, actions, invitations
from pilots.errors import InvalidInput
from pilots.models import AccessEvent, Membership, Organization, Pilot
from pilots.roles import Role
from pilots.sign_in import issuers, joining
from pilots.tests.test_providers import WHO, sign_in
from tests.provider import Provider

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]


@pytest.fixture
def provider(provider_settings: Provider) -> Provider:
    return provider_settings


def places(pilot_id: str) -> dict[str, str]:
    """The pilot's organizations, with the role in each."""
    rows = Membership.across_organizations.filter(pilot__pilot_id=pilot_id).select_related("organization")
    return {row.organization.slug: row.role for row in rows}


def places_after(provider: Provider, kind: str, **changes: Any) -> dict[str, str]:
    """Where a sign-in leads somebody the provider describes so."""
    person = provider.people[kind][WHO[kind]] = replace(provider.people[kind][WHO[kind]], **changes)
    sign_in(Client(), provider, kind)
    return places(person.pilot_id)


def test_nobody_joins_an_organization_that_is_open_to_nobody(provider: Provider, world: World) -> None:
    for kind in WHO:
        assert places_after(provider, kind) == {}
    client = Client()
    sign_in(client, provider, "google")
    page = client.get("/")
    assert page.status_code == 403
    assert b"no organization yet" in page.content


@pytest.mark.parametrize("kind", ["github", "google", "oidc", "microsoft"])
def test_a_verified_address_of_the_domain_joins_as_operator(provider: Provider, world: World, kind: str) -> None:
    joining.allow(world.acme, email_domains=["Corp.Example"])
    assert places_after(provider, kind, email=f"x@{'CORP' if kind == 'oidc' else 'corp'}.example") == {
        "acme": "OPERATOR"
    }
    event = AccessEvent.across_organizations.get(type="member_joined")
    assert event.organization == world.acme
    assert event.data == {"role": "OPERATOR", "how": "email_domain:corp.example"}
    assert event.actor == event.subject == provider.people[kind][WHO[kind]].pilot_id


@pytest.mark.parametrize("kind", ["github", "google", "oidc", "microsoft"])
def test_an_address_that_nobody_verified_joins_nothing(provider: Provider, world: World, kind: str) -> None:
    joining.allow(world.acme, email_domains=["corp.example"])
    assert places_after(provider, kind, email="x@corp.example", verified=False) == {}


@pytest.mark.parametrize(
    "email", ["x@sub.corp.example", "x@notcorp.example", "x@corp.example.evil.example", '"x@corp.example"@evil.example']
)
def test_only_the_very_domain_joins(provider: Provider, world: World, email: str) -> None:
    joining.allow(world.acme, email_domains=["corp.example"])
    assert places_after(provider, "oidc", email=email) == {}


def test_a_domain_is_the_same_in_every_spelling(provider: Provider, world: World) -> None:
    assert joining.allow(world.acme, email_domains=["MÜNCHEN.example"])["email_domains"] == ["xn--mnchen-3ya.example"]
    assert places_after(provider, "oidc", email="x@münchen.example") == {"acme": "OPERATOR"}


def test_google_answers_only_for_its_own_domains(provider: Provider, world: World) -> None:
    """Without `hd` Google once looked at the address, which may be somebody else's by now."""
    claims = {"email": "x@corp.example", "email_verified": True}
    assert not issuers.is_verified("google", claims)
    assert issuers.is_verified("google", claims | {"hd": "corp.example"})
    assert issuers.is_verified("google", claims | {"email": "x@gmail.com"})
    assert not issuers.is_verified("microsoft", claims)


@pytest.mark.parametrize("kind", ["microsoft", "oidc"])
def test_everybody_of_a_pinned_provider_may_join(provider: Provider, world: World, kind: str) -> None:
    joining.allow(world.acme, providers=[kind])
    assert places_after(provider, kind, verified=False) == {"acme": "OPERATOR"}
    assert places_after(provider, "google") == {}
    assert AccessEvent.across_organizations.get(type="member_joined").data["how"] == f"provider:{kind}"


@pytest.mark.parametrize("name", ["github", "google", "GitHub", "local", "keyring", ""])
def test_a_provider_that_anybody_has_opens_nothing(world: World, name: str) -> None:
    with pytest.raises(InvalidInput, match="invite people"):
        joining.allow(world.acme, providers=[name])
    assert joining.rules_of(world.acme) == {"email_domains": [], "join_by_provider": []}


@pytest.mark.parametrize(
    "name", ["", "localhost", "two words.example", "x@corp.example", "-a.example", "gmail.com", "Web.de"]
)
def test_what_is_no_domain_of_a_company_opens_nothing(world: World, name: str) -> None:
    with pytest.raises(InvalidInput):
        joining.allow(world.acme, email_domains=[name])


def test_a_domain_belongs_to_one_organization(provider: Provider, world: World) -> None:
    joining.allow(world.acme, email_domains=["corp.example"])
    with pytest.raises(InvalidInput, match="belongs to the organization acme"):
        joining.allow(world.globex, email_domains=["other.example", "CORP.example"])
    assert joining.rules_of(world.globex)["email_domains"] == []
    # Written past the rule, it says nothing.
    Organization.objects.filter(pk=world.globex.pk).update(settings={"email_domains": ["corp.example"]})
    assert places_after(provider, "google") == {}


def test_the_role_one_has_stays(provider: Provider, world: World) -> None:
    joining.allow(world.acme, email_domains=["corp.example"])
    assert places_after(provider, "google") == {"acme": "OPERATOR"}
    grace = Pilot.objects.get(pilot_id=provider.people["google"]["grace"].pilot_id)
    actions.set_role(grace, world.acme, Role.VIEWER)
    assert places_after(provider, "google") == {"acme": "VIEWER"}
    assert AccessEvent.across_organizations.filter(type="member_joined").count() == 1


def test_who_was_removed_does_not_come_back_by_signing_in(provider: Provider, world: World) -> None:
    joining.allow(world.acme, email_domains=["corp.example"], providers=["microsoft"])
    joining.allow(world.globex, providers=["microsoft"])
    assert places_after(provider, "microsoft") == {"acme": "OPERATOR", "globex": "OPERATOR"}
    ada = Pilot.objects.get(pilot_id=provider.people["microsoft"]["ada"].pilot_id)
    Membership.across_organizations.filter(pilot=ada, organization=world.acme).delete()
    party = access_log.Party.of(ada)
    access_log.record("member_removed", access_log.SYSTEM, party, organization=world.acme)
    assert places_after(provider, "microsoft") == {"globex": "OPERATOR"}


def test_who_is_deactivated_joins_nothing(provider: Provider, world: World) -> None:
    sign_in(Client(), provider, "google")
    Pilot.objects.filter(oauth_provider="google").update(is_active=False)
    joining.allow(world.acme, email_domains=["corp.example"])
    assert places_after(provider, "google") == {}


def test_one_joins_after_the_second_factor_not_before(provider: Provider, world: World) -> None:
    sign_in(Client(), provider, "google")
    grace = Pilot.objects.get(oauth_provider="google")
    secret = generate_totp_secret()
    TOTP.activate(grace, secret)
    joining.allow(world.acme, email_domains=["corp.example"])
    client = Client()
    answer = sign_in(client, provider, "google")
    assert answer["Location"].startswith("/accounts/2fa/authenticate/")
    assert "_auth_user_id" not in client.session
    assert places(grace.pilot_id) == {}
    code = format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))
    client.post(answer["Location"], {"code": code})
    assert "_auth_user_id" in client.session
    assert places(grace.pilot_id) == {"acme": "OPERATOR"}


def test_signing_in_with_a_password_opens_nothing(world: World) -> None:
    """Nobody vouches for the address of a local pilot."""
    joining.allow(world.globex, email_domains=["corp.example"])
    Pilot.objects.filter(pilot_id="local:otto").update(email="otto@corp.example")
    client = Client()
    client.post("/accounts/login/", {"login": "otto", "password": PASSWORD})
    assert "_auth_user_id" in client.session
    assert places("local:otto") == {"acme": "OPERATOR"}


def test_an_invitation_is_taken_by_whoever_a_provider_vouches_for(provider: Provider, world: World) -> None:
    _, token = invitations.invite(world.acme, Role.ADMIN, email="Mona@example.com")
    page = f"/invitations/{token}"
    stranger, mona = Client(), Client()
    # The same address, which nobody verified.
    provider.people["github"]["hubot"] = replace(provider.people["github"]["hubot"], email="mona@example.com")
    assert sign_in(stranger, provider, "github", "hubot", next=page)["Location"] == page
    assert stranger.post(page).status_code == 403
    assert sign_in(mona, provider, "github", next=page)["Location"] == page
    assert mona.post(page)["Location"] == "/o/acme/"
    assert (places("github:hubot"), places("github:octocat")) == ({}, {"acme": "ADMIN"})


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("set_joining", "--org", "acme", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_says_and_sets_who_joins(provider: Provider, world: World) -> None:
    assert command() == "Into acme one is invited.\n"
    told = command("--email-domain", "corp.example", "b.example", "--provider", "microsoft")
    assert told == command()
    assert "a verified address at b.example or a verified address at corp.example or any account of microsoft" in told
    assert "b.example" not in command("--email-domain", "corp.example")
    assert places_after(provider, "google") == {"acme": "OPERATOR"}
    assert command("--clear") == "Into acme one is invited.\n"
    assert AccessEvent.across_organizations.filter(type="settings_changed", organization=world.acme).count() == 3


def test_the_command_refuses_what_is_unsafe(world: World) -> None:
    with pytest.raises(CommandError, match="invite people"):
        command("--provider", "github")
    with pytest.raises(CommandError, match="anybody can have an address"):
        command("--email-domain", "gmail.com")
