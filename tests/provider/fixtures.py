"""The local provider as fixtures, for tests with a browser and without."""

from collections.abc import Iterator
from typing import Any

import pytest

from chameleon import providers
from tests import servers
from tests.e2e import server
from tests.provider.server import Provider


@pytest.fixture(scope="module")
def _running_provider() -> Iterator[Provider]:
    with Provider.running() as provider:
        yield provider


@pytest.fixture
def provider(_running_provider: Provider) -> Iterator[Provider]:
    """The provider, with everybody as they were and without faults."""
    _running_provider.reset()
    yield _running_provider
    _running_provider.reset()


@pytest.fixture(scope="module")
def signing_server(_running_provider: Provider, django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """The address of the application, at which pilots can sign in by all four providers."""
    environment = _running_provider.environment()
    with django_db_blocker.unblock(), server.running(servers.database_url(), **environment) as address:
        yield address


@pytest.fixture
def provider_settings(provider: Provider, settings: Any) -> Provider:
    """All four providers are set up in this process."""
    environment = provider.environment()
    found = providers.read(lambda name: environment.get(name, ""))
    assert found.complaints == []
    settings.SOCIALACCOUNT_PROVIDERS = found.settings
    settings.SECURE_CSP = settings.SECURE_CSP | {"form-action": ["'self'", *found.origins]}
    return provider
