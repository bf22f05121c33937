"""Signing in by a provider, as a browser does it, against a provider that speaks the real protocols."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialToken
from django.test import Client

from pilots.models import Pilot
from tests.provider import Provider
from tests.provider.people import KINDS

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]

PATHS = {kind: f"/accounts/{kind}/login/" for kind in KINDS} | {"oidc": "/accounts/oidc/keyring/login/"}
WHO = {"github": "octocat", "microsoft": "ada", "google": "grace", "oidc": "noor"}


@pytest.fixture
def provider(provider_settings: Provider) -> Provider:
    return provider_settings


def begin(client: Client, kind: str, **fields: str) -> str:
    """Presses the provider's button; where the browser is sent."""
    answer = client.post(PATHS[kind], fields)
    assert answer.status_code == 302, answer.content
    return answer["Location"]


def come_back(client: Client, address: str) -> Any:
    parts = urlsplit(address)
    return client.get(f"{parts.path}?{parts.query}")


def sign_in(client: Client, provider: Provider, kind: str, login: str | None = None, **fields: str) -> Any:
    address = begin(client, kind, **fields)
    return come_back(client, provider.answer(address, login or WHO[kind]))


def signed_in(client: Client) -> str | None:
    """The pilot_id the page's session speaks for."""
    key = client.session.get("_auth_user_id")
    return Pilot.objects.get(pk=key).pilot_id if key else None


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_sign_in_makes_the_pilot(provider: Provider, kind: str) -> None:
    client, person = Client(), provider.people[kind][WHO[kind]]
    answer = sign_in(client, provider, kind)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    pilot = Pilot.objects.get()
    assert signed_in(client) == pilot.pilot_id == person.pilot_id
    assert (pilot.name, pilot.email, pilot.oauth_provider, pilot.oauth_id) == (
        person.name,
        person.email,
        kind,
        person.id,
    )
    assert pilot.last_login is not None
    assert not pilot.has_usable_password()
    assert not SocialToken.objects.exists()
    assert not EmailAddress.objects.exists()
