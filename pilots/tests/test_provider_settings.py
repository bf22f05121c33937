"""Which providers are offered, and what `manage.py check` says of the others."""

import pytest
from django.conf import settings
from django.core import checks

from chameleon import providers

GOOD = {
    "GITHUB_CLIENT_ID": "a",
    "GITHUB_CLIENT_SECRET": "b",
    "AZURE_CLIENT_ID": "a",
    "AZURE_CLIENT_SECRET": "b",
    "AZURE_TENANT": "Contoso.onmicrosoft.com",
    "GOOGLE_CLIENT_ID": "a",
    "GOOGLE_CLIENT_SECRET": "b",
    "OIDC_ISSUER": "https://id.example/realms/acme/",
    "OIDC_CLIENT_ID": "a",
    "OIDC_CLIENT_SECRET": "b",
    "OIDC_NAME": "Acme Login",
}


def read(**changes: str) -> providers.Providers:
    variables = GOOD | changes
    return providers.read(lambda name: variables.get(name, ""))


def offered(found: providers.Providers) -> list[str]:
    return [app.get("provider_id", kind) for kind, about in found.settings.items() for app in about["APPS"]]


def ids(found: providers.Providers) -> list[str]:
    return [complaint.id for complaint in found.complaints]


def test_all_four_are_offered_where_all_is_set() -> None:
    found = read()
    assert offered(found) == ["github", "microsoft", "google", "acme-login"]
    assert found.complaints == []
    assert found.origins == [
        "https://github.com",
        "https://login.microsoftonline.com",
        "https://accounts.google.com",
        "https://id.example",
    ]
    microsoft, _, generic = found.settings["openid_connect"]["APPS"]
    assert microsoft["settings"]["issuer"] == "https://login.microsoftonline.com/contoso.onmicrosoft.com/v2.0"
    assert (generic["name"], generic["settings"]["issuer"]) == ("Acme Login", "https://id.example/realms/acme")
    assert all(about["OAUTH_PKCE_ENABLED"] for about in found.settings.values())


def test_nothing_set_is_nothing_offered_and_nothing_wrong() -> None:
    found = providers.read(lambda _name: "")
    assert (offered(found), found.origins, found.complaints) == ([], [], [])


@pytest.mark.parametrize("name", [name for name in GOOD if name not in ("OIDC_NAME", "AZURE_TENANT")])
def test_half_a_provider_is_not_offered_and_the_lacking_variable_is_named(name: str) -> None:
    found = read(**{name: ""})
    assert len(offered(found)) == 3
    assert ids(found) == ["chameleon.W102"]
    assert f"not {name}." in found.complaints[0].message


@pytest.mark.parametrize(
    "tenant", ["", "common", "Organizations", "consumers", "9188040d-6c67-4c5b-b112-36a304b66dad", "a/b", ".."]
)
def test_a_directory_that_is_not_one_is_an_error(tenant: str) -> None:
    found = read(AZURE_TENANT=tenant)
    assert "microsoft" not in offered(found)
    assert ids(found) == ["chameleon.E101"]
    assert found.complaints[0].is_grave


@pytest.mark.parametrize("name", ["github", "Google", "microsoft", "openid_connect", "local", "///"])
def test_an_issuer_cannot_take_another_providers_name(name: str) -> None:
    """Its accounts would be found as that provider's."""
    found = read(OIDC_NAME=name)
    assert len(offered(found)) == 3
    assert ids(found) == ["chameleon.E103"]


def test_an_issuer_without_a_name_is_called_sso() -> None:
    assert offered(read(OIDC_NAME=""))[-1] == "sso"


@pytest.mark.parametrize("name", ["GITHUB_URL", "AZURE_LOGIN_URL", "GOOGLE_URL", "OIDC_ISSUER"])
def test_an_address_is_https_or_complained_about(name: str) -> None:
    assert ids(read(**{name: "http://id.example"})) == ["chameleon.W105"]
    assert ids(read(**{name: "http://127.0.0.1:9000"})) == []
    for text in ("id.example", "ftp://id.example", "https://", "https://id.example/?tenant=1"):
        found = read(**{name: text})
        assert ids(found) == ["chameleon.E104"]
        assert len(offered(found)) == 3


@pytest.mark.parametrize("document", ["docs/operations.md", ".env.example"])
def test_every_variable_is_written_down(document: str) -> None:
    asked = set()

    def get(name: str) -> str:
        asked.add(name)
        return GOOD.get(name, "")

    providers.read(get)
    text = (settings.BASE_DIR / document).read_text()
    assert len(asked) == 14
    assert [name for name in sorted(asked) if name not in text] == []


@pytest.mark.django_db
@pytest.mark.embedded
def test_check_tells_them(monkeypatch: pytest.MonkeyPatch) -> None:
    complaints = read(AZURE_TENANT="common", GITHUB_CLIENT_SECRET="").complaints
    monkeypatch.setattr(settings, "SIGN_IN_COMPLAINTS", complaints)
    found = {message.id: message for message in checks.run_checks()}
    assert found["chameleon.E101"].is_serious(checks.ERROR)
    assert not found["chameleon.W102"].is_serious(checks.ERROR)
    assert "GITHUB_CLIENT_SECRET" in found["chameleon.W102"].msg
