"""A second way in for the same pilot: connected by themselves, while signed in, and never taken from anybody else."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from django.utils import timezone

from conftest import PASSWORD, World
from pilots.models import AccessEvent, Pilot
from pilots.tests.test_providers import PATHS, WHO, begin, come_back, sign_in, signed_in
from tests.provider import Provider

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]

CONNECTIONS = "/accounts/3rdparty/"


@pytest.fixture
def provider(provider_settings: Provider) -> Provider:
    return provider_settings


@pytest.fixture
def otto(world: World) -> Client:
    client = Client()
    client.post("/accounts/login/", {"login": "otto", "password": PASSWORD})
    return client


def connect(client: Client, provider: Provider, kind: str, login: str | None = None) -> Any:
    return come_back(client, provider.answer(begin(client, kind, process="connect"), login or WHO[kind]))


def confirm(client: Client, answer: Any) -> Any:
    """Gives the password once more, where the page asks for it."""
    assert answer["Location"].startswith("/accounts/reauthenticate/")
    return client.post(answer["Location"], {"password": PASSWORD})


def ways(pilot_id: str) -> set[str]:
    return set(SocialAccount.objects.filter(user__pilot_id=pilot_id).values_list("provider", flat=True))


def test_a_connected_account_signs_in_the_same_pilot(provider: Provider, otto: Client) -> None:
    answer = connect(otto, provider, "github")
    assert ways("local:otto") == set()
    confirm(otto, answer)
    assert ways("local:otto") == {"github"}
    assert b"octocat" in otto.get(CONNECTIONS).content
    client = Client()
    sign_in(client, provider, "github")
    assert signed_in(client) == "local:otto"
    pilot = Pilot.objects.get(pilot_id="local:otto")
    assert (pilot.name, pilot.email, pilot.oauth_provider, pilot.oauth_id) == ("Otto", "", "local", "")
    event = AccessEvent.across_organizations.get(type="provider_connected")
    assert (event.subject, event.data) == ("local:otto", {"provider": "github"})


def test_no_access_token_waits_in_the_session(provider: Provider, otto: Client) -> None:
    connect(otto, provider, "google")
    kept = str(dict(otto.session.items()))
    assert "account_reauthentication_state" in kept
    assert provider.tokens
    for token in provider.tokens:
        assert token not in kept


def test_the_wrong_password_connects_nothing(provider: Provider, otto: Client) -> None:
    answer = connect(otto, provider, "github")
    otto.post(answer["Location"], {"password": "not the password"})
    assert ways("local:otto") == set()


def test_an_account_of_another_pilot_stays_theirs(provider: Provider, otto: Client) -> None:
    sign_in(Client(), provider, "github")
    answer = confirm(otto, connect(otto, provider, "github"))
    assert b"already belongs to another pilot" in otto.get(answer["Location"]).content
    assert ways("local:otto") == set()
    assert ways("github:octocat") == {"github"}


def test_who_is_not_signed_in_connects_nothing(provider: Provider) -> None:
    client = Client()
    assert connect(client, provider, "github")["Location"] == CONNECTIONS
    assert signed_in(client) is None
    assert not Pilot.objects.exists()
    assert not SocialAccount.objects.exists()


def test_a_pilot_of_a_provider_connects_another_soon_after_signing_in(provider: Provider) -> None:
    client = Client()
    sign_in(client, provider, "github")
    assert connect(client, provider, "google")["Location"] == CONNECTIONS
    assert ways("github:octocat") == {"github", "google"}
    other = Client()
    sign_in(other, provider, "google")
    assert signed_in(other) == "github:octocat"
    assert Pilot.objects.get().name == "Mona Octocat"


def test_an_open_screen_connects_nothing(provider: Provider) -> None:
    client = Client()
    sign_in(client, provider, "github")
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        answer = client.post(PATHS["google"], {"process": "connect"})
    assert answer.status_code == 403
    assert b"Sign in again first" in answer.content
    assert b"Continue with GitHub" in answer.content
    assert ways("github:octocat") == {"github"}
    sign_in(client, provider, "github")
    connect(client, provider, "google")
    assert ways("github:octocat") == {"github", "google"}


def disconnect(client: Client, kind: str) -> bytes:
    account = SocialAccount.objects.get(provider=kind)
    page: bytes = client.post(CONNECTIONS, {"account": account.pk}, follow=True).content
    return page


def test_the_account_the_id_comes_from_stays(provider: Provider) -> None:
    client = Client()
    sign_in(client, provider, "github")
    assert b"the only way you can sign in" in disconnect(client, "github")
    connect(client, provider, "google")
    assert b"stays connected" in disconnect(client, "github")
    assert b"can no longer sign in" in disconnect(client, "google")
    assert ways("github:octocat") == {"github"}
    assert AccessEvent.across_organizations.get(type="provider_disconnected").data == {"provider": "google"}


def test_the_last_way_in_stays(provider: Provider, otto: Client, settings: Any) -> None:
    confirm(otto, connect(otto, provider, "github"))
    settings.LOCAL_ACCOUNTS = False
    assert b"the only way you can sign in" in disconnect(otto, "github")
    settings.LOCAL_ACCOUNTS = True
    disconnect(otto, "github")
    assert ways("local:otto") == set()


def test_nobody_disconnects_anothers_account(provider: Provider, otto: Client) -> None:
    client = Client()
    sign_in(client, provider, "github")
    connect(client, provider, "google")
    disconnect(otto, "google")
    assert ways("github:octocat") == {"github", "google"}
