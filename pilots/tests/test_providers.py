"""Signing in by a provider, as a browser does it, against a provider that speaks the real protocols."""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.test import Client

from chameleon import providers
from pilots.models import AccessEvent, Pilot
from pilots.sign_in.identities import verified_emails
from tests.provider import Provider
from tests.provider.people import KINDS, SECRET

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


def test_every_sign_in_is_asked_for_with_pkce_a_state_and_a_nonce(provider: Provider) -> None:
    client, asked = Client(), []
    for kind in KINDS:
        query = parse_qs(urlsplit(begin(client, kind)).query)
        assert query["response_type"] == ["code"]
        assert query["code_challenge_method"] == ["S256"]
        asked += [query["code_challenge"][0], query["state"][0], *(query["nonce"] if kind != "github" else [])]
    assert len(set(asked)) == len(asked) == 11


def test_a_link_alone_leads_nowhere(provider: Provider) -> None:
    """A page elsewhere must not sign somebody in as somebody else: only our own button begins."""
    for kind in KINDS:
        answer = Client().get(PATHS[kind])
        assert (answer.status_code, b"Continue" in answer.content) == (200, True)
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(PATHS["github"]).status_code == 403
    assert not any(call.endswith("/authorize") for call in provider.calls)


def test_a_link_cannot_ask_for_more_than_we_do(provider: Provider) -> None:
    query = "?scope=repo,admin:org&auth_params=redirect_uri%3Dhttps://evil.example%26state%3Dforged"
    address = Client().post(PATHS["github"] + query)["Location"]
    assert parse_qs(urlsplit(address).query)["scope"] == ["user:email"]
    assert "evil" not in address
    assert "forged" not in address


def test_the_second_sign_in_finds_the_same_pilot_and_learns_what_is_new(provider: Provider) -> None:
    sign_in(Client(), provider, "github")
    provider.people["github"]["octocat"] = replace(
        provider.people["github"]["octocat"], name="Mona Lisa", email="mona@new.example"
    )
    sign_in(Client(), provider, "github")
    pilot = Pilot.objects.get()
    assert (pilot.pilot_id, pilot.name, pilot.email) == ("github:octocat", "Mona Lisa", "mona@new.example")


def test_a_name_the_pilot_chose_here_stays(provider: Provider) -> None:
    sign_in(Client(), provider, "google")
    Pilot.objects.update(name="Amazing Grace")
    sign_in(Client(), provider, "google")
    assert Pilot.objects.get().name == "Amazing Grace"


def test_who_shows_us_no_addresses_signs_in_all_the_same(provider: Provider) -> None:
    provider.faults.add("emails_403")
    provider.faults.add("thin_id_token")
    for kind in KINDS:
        client = Client()
        sign_in(client, provider, kind)
        assert signed_in(client) == provider.people[kind][WHO[kind]].pilot_id
    assert set(Pilot.objects.values_list("email", flat=True)) == {""}


def test_a_new_login_at_the_provider_leaves_the_pilot_who_they_were(provider: Provider) -> None:
    sign_in(Client(), provider, "github")
    provider.people["github"]["mona"] = replace(provider.people["github"]["octocat"], login="mona")
    client = Client()
    sign_in(client, provider, "github", "mona")
    assert signed_in(client) == "github:octocat"


@pytest.mark.parametrize("login", ["octocat", "OctoCat"])
def test_a_login_somebody_else_took_over_is_another_pilot(provider: Provider, login: str) -> None:
    sign_in(Client(), provider, "github")
    people = provider.people["github"]
    people["octocat"] = replace(people["octocat"], id="900001", login=login, name="Somebody Else")
    second, third = Client(), Client()
    sign_in(second, provider, "github")
    assert signed_in(second) == f"github:{login}~2"
    people["octocat"] = replace(people["octocat"], id="900002")
    sign_in(third, provider, "github")
    assert signed_in(third) == f"github:{login}~3"
    assert Pilot.objects.get(pilot_id="github:octocat").oauth_id == "583231"


def test_equal_addresses_connect_nobody(provider: Provider) -> None:
    """Ada's address, claimed by somebody else at another provider, makes another pilot and changes nothing of Ada."""
    local = Pilot.objects.create_user("local:ada", "correct horse battery", name="Ada", email="ada@corp.example")
    clients = {kind: Client() for kind in ("microsoft", "oidc")}
    sign_in(clients["microsoft"], provider, "microsoft")
    sign_in(clients["oidc"], provider, "oidc", "nobody")
    assert signed_in(clients["microsoft"]) == provider.people["microsoft"]["ada"].pilot_id
    assert signed_in(clients["oidc"]) == "oidc:keyring:u-0bad"
    assert list(Pilot.objects.values_list("email", flat=True)) == ["ada@corp.example"] * 3
    assert Pilot.objects.get(pk=local.pk).password == local.password
    assert verified_emails(Pilot.objects.get(pilot_id="oidc:keyring:u-0bad")) == set()


def test_an_id_that_does_not_fit_is_written_so_that_it_does(provider: Provider) -> None:
    provider.people["oidc"]["noor"] = replace(provider.people["oidc"]["noor"], id="cn=Noor K,o=ä\u202e")
    client = Client()
    sign_in(client, provider, "oidc")
    assert signed_in(client) == "oidc:keyring:cn=Noor%20K,o=ä%E2%80%AE"
    Pilot.objects.get().clean_fields(exclude=["password"])


# What must not sign anybody in: the fault, whom it can meet, what the page says, and the word in the log.
LIES = [
    ("wrong_nonce", "could not be trusted", "untrusted: id_token, nonce"),
    ("no_nonce", "could not be trusted", "untrusted: id_token, nonce"),
    ("wrong_audience", "could not be trusted", "untrusted: id_token, InvalidAudienceError"),
    ("two_audiences", "could not be trusted", "untrusted: id_token, made for several"),
    ("wrong_issuer", "could not be trusted", "untrusted: id_token, InvalidIssuerError"),
    ("expired", "could not be trusted", "untrusted: id_token, ExpiredSignatureError"),
    ("wrong_key", "could not be trusted", "untrusted: id_token, InvalidSignatureError"),
    ("unsigned", "could not be trusted", "untrusted: id_token, signed with no key"),
    ("signed_with_secret", "could not be trusted", "untrusted: id_token, signed with no key"),
    ("no_id_token", "could not be trusted", "unusable: the profile"),
    ("no_subject", "could not be trusted", ""),
    ("discovery_other_issuer", "could not be trusted", "untrusted: the discovery document"),
    ("discovery_500", "does not answer", "unreachable: status 500"),
    ("keys_500", "does not answer", "unreachable: status 500"),
]
FAILURES = [
    ("token_500", "does not answer", "unreachable: status 500"),
    ("token_garbage", "could not be trusted", "unusable: the exchange of the code"),
    ("token_empty", "refused the sign-in", "refused: the exchange of the code"),
    ("token_redirects", "could not be trusted", "unusable: a redirect"),
    ("authorize_error", "refused the sign-in", "refused: at its own page"),
]


@pytest.mark.parametrize(("fault", "says", "word"), LIES)
@pytest.mark.parametrize("kind", ["microsoft", "google", "oidc"])
def test_what_an_issuer_must_not_say(
    provider: Provider, caplog: Any, kind: str, fault: str, says: str, word: str
) -> None:
    refused(provider, caplog, kind, fault, says, word)


@pytest.mark.parametrize(("fault", "says", "word"), FAILURES)
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_provider_must_not_do(
    provider: Provider, caplog: Any, kind: str, fault: str, says: str, word: str
) -> None:
    refused(provider, caplog, kind, fault, says, word)


@pytest.mark.parametrize(
    ("fault", "says", "word"),
    [
        ("user_500", "does not answer", "unreachable: status 500"),
        ("user_garbage", "could not be trusted", "unusable: the profile"),
    ],
)
def test_a_profile_that_cannot_be_had(provider: Provider, caplog: Any, fault: str, says: str, word: str) -> None:
    refused(provider, caplog, "github", fault, says, word)


def test_somebody_of_another_directory(provider: Provider, caplog: Any) -> None:
    refused(provider, caplog, "microsoft", "wrong_tenant", "of another directory", "directory: id_token, tid")


def test_userinfo_about_somebody_else(provider: Provider, caplog: Any) -> None:
    provider.faults.add("thin_id_token")
    refused(provider, caplog, "oidc", "other_subject", "could not be trusted", "untrusted: userinfo")


def test_a_provider_that_never_answers(provider: Provider, caplog: Any, settings: Any) -> None:
    settings.SOCIALACCOUNT_REQUESTS_TIMEOUT = 0.2
    refused(provider, caplog, "github", "token_hangs", "does not answer", "unreachable: the exchange of the code")


def refused(provider: Provider, caplog: Any, kind: str, fault: str, says: str, word: str) -> None:
    """With the fault nobody is signed in, the page says so, and the log has one line without what was sent; without
    it, the same browser signs in."""
    client = Client()
    provider.faults.add(fault)
    answer = client.post(PATHS[kind])
    if answer.status_code == 302:
        back = httpx.post(answer["Location"], data={"person": WHO[kind]}).headers["Location"]
        answer = come_back(client, back)
    assert answer.status_code in (401, 502), answer
    page = answer.content.decode()
    assert says in page
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("pilots.sign_in")]
    assert len(lines) == 1, lines
    assert word in lines[0]
    for secret in [*provider.codes, *provider.tokens, SECRET, "Something <b>broke"]:
        assert secret not in page
        assert secret not in lines[0]
    assert signed_in(client) is None
    assert not Pilot.objects.exists()
    provider.faults.clear()
    sign_in(client, provider, kind)
    assert signed_in(client) == provider.people[kind][WHO[kind]].pilot_id


@pytest.mark.parametrize("kind", KINDS)
def test_a_forged_state_signs_nobody_in(provider: Provider, caplog: Any, kind: str) -> None:
    client = Client()
    good = urlsplit(provider.answer(begin(client, kind), WHO[kind]))
    forged = parse_qs(good.query) | {"state": ["forged-by-somebody"]}
    for query in (urlencode(forged, doseq=True), f"code={forged['code'][0]}", "", "error=access_denied"):
        answer = client.get(f"{good.path}?{query}")
        assert answer.status_code == 401
        assert b"Start this sign-in again" in answer.content
    assert signed_in(client) is None
    assert "POST /github/login/oauth/access_token" not in provider.calls
    assert not any(call.startswith("POST") and "token" in call for call in provider.calls)


@pytest.mark.parametrize("kind", KINDS)
def test_a_state_is_of_one_browser_one_provider_and_one_use(provider: Provider, kind: str) -> None:
    mallory, victim = Client(), Client()
    back = provider.answer(begin(mallory, kind), WHO[kind])
    assert come_back(victim, back).status_code == 401
    other = "google" if kind != "google" else "github"
    assert come_back(mallory, back.replace(PATHS[kind], PATHS[other])).status_code == 401
    assert signed_in(victim) is None
    assert come_back(mallory, back).status_code == 302
    mallory.post("/accounts/logout/")
    assert come_back(mallory, back).status_code == 401
    assert signed_in(mallory) is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_code_works_once(provider: Provider, kind: str) -> None:
    first, second = Client(), Client()
    code = parse_qs(urlsplit(provider.answer(begin(first, kind), WHO[kind])).query)["code"][0]
    state = parse_qs(urlsplit(begin(second, kind)).query)["state"][0]
    query = urlencode({"code": code, "state": state})
    answer = second.get(f"{PATHS[kind]}callback/?{query}")
    # Somebody else's code does not even fit our verifier; it is used up by the try.
    assert answer.status_code == 401
    assert b"refused the sign-in" in answer.content
    assert signed_in(second) is None
    assert code not in provider.codes


def test_an_answer_that_names_another_issuer(provider: Provider) -> None:
    client = Client()
    back = provider.answer(begin(client, "oidc"), "noor")
    assert come_back(client, f"{back}&iss=https://evil.example").status_code == 401
    assert signed_in(client) is None
    back = provider.answer(begin(client, "oidc"), "noor")
    assert come_back(client, f"{back}&iss={provider.issuer('oidc')}").status_code == 302


def test_who_cancels_is_told_so_and_may_begin_again(provider: Provider, caplog: Any) -> None:
    client = Client()
    answer = come_back(client, provider.answer(begin(client, "google", next="/o/acme/?tab=mine"), None))
    assert answer.status_code == 200
    assert b"You cancelled the sign-in" in answer.content
    assert b'href="/accounts/login/?next=%2Fo%2Facme%2F%3Ftab%3Dmine"' in answer.content
    sign_in(client, provider, "google")
    assert signed_in(client) is not None


@pytest.mark.parametrize(
    "next", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "http:evil.example"]
)
def test_no_sign_in_leads_off_the_site(provider: Provider, next: str) -> None:
    answer = sign_in(Client(), provider, "github", next=next)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    page = Client().get("/accounts/login/", {"next": next}).content.decode()
    answer = Client().post(f"{PATHS['github']}?{urlencode({'next': next})}")
    assert "evil" not in parse_qs(urlsplit(answer["Location"]).query)["redirect_uri"][0]
    assert f'action="{next}' not in page


def test_a_sign_in_leads_where_one_wanted_to_go(provider: Provider) -> None:
    assert sign_in(Client(), provider, "github", next="/o/acme/?tab=mine")["Location"] == "/o/acme/?tab=mine"


def test_a_deactivated_pilot_is_told_so(provider: Provider) -> None:
    sign_in(Client(), provider, "github")
    Pilot.objects.update(is_active=False)
    client = Client()
    answer = sign_in(client, provider, "github")
    assert answer.status_code == 403
    assert b"Your account is switched off" in answer.content
    assert signed_in(client) is None
    event = AccessEvent.across_organizations.get(type="sign_in_failed")
    assert (event.subject, event.data["how"], event.data["through"]) == ("github:octocat", "github", "page")


def test_the_same_number_at_another_server_is_somebody_else(provider: Provider, settings: Any) -> None:
    """The operator moved to a GitHub of their own, where accounts are counted from one again."""
    sign_in(Client(), provider, "github")
    SocialAccount.objects.update(extra_data={"issuer": "https://github.com", "login": "octocat"})
    client = Client()
    answer = sign_in(client, provider, "github")
    assert answer.status_code == 401
    assert b"known from another server" in answer.content
    assert signed_in(client) is None


def test_a_directory_named_by_its_domain_is_pinned_too(provider: Provider, settings: Any) -> None:
    app = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]
    named = {"issuer": f"{provider.address}/azure/corp.example/v2.0", "tenant": "corp.example"}
    settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0] = app | {"settings": named}
    client = Client()
    sign_in(client, provider, "microsoft")
    assert signed_in(client) == provider.people["microsoft"]["ada"].pilot_id
    provider.faults.add("wrong_tenant")
    assert sign_in(Client(), provider, "microsoft").status_code == 401


def test_without_variables_no_provider_is_there(settings: Any) -> None:
    settings.SOCIALACCOUNT_PROVIDERS = providers.read(lambda _name: "").settings
    assert b"Continue with" not in Client().get("/accounts/login/").content
    for path in PATHS.values():
        assert Client().post(path).status_code == 404
        assert Client().get(f"{path}callback/").status_code == 404


def test_the_access_log_tells_of_the_new_pilot(provider: Provider) -> None:
    sign_in(Client(), provider, "microsoft")
    told = list(AccessEvent.across_organizations.order_by("pk").values_list("type", "subject"))
    pilot_id = provider.people["microsoft"]["ada"].pilot_id
    assert told == [("pilot_created", pilot_id), ("signed_in", pilot_id)]
