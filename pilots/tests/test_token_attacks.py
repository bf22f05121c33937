"""Forged, borrowed and outlived access tokens: each is 401, and none is told more than that it is not valid."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from django.conf import settings
from django.test import Client

from conftest import World
from pilots import tokens
from pilots.models import Membership, Pilot, RefreshFamily

pytestmark = pytest.mark.embedded
KEY = settings.SIMPLE_JWT["SIGNING_KEY"]


def shown(access: str) -> Any:
    return Client().get("/api/pilots/me", headers={"Authorization": f"Bearer {access}"})


def claims_of(access: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(access, options={"verify_signature": False})
    return claims


def unsigned(claims: dict[str, Any], algorithm: str) -> str:
    parts = [{"alg": algorithm, "typ": "JWT"}, claims]
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts) + "."


@pytest.fixture
def access(world: World) -> str:
    return tokens.issue(world.memberships["otto"]).access


def assert_refused(access: str) -> None:
    answer = shown(access)
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "not_authenticated"


def test_the_token_itself_is_taken(access: str) -> None:
    assert shown(access).status_code == 200
    assert shown(jwt.encode(claims_of(access), KEY)).status_code == 200


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "HS256", "RS256"])
def test_a_token_without_a_signature_is_refused(access: str, algorithm: str) -> None:
    assert_refused(unsigned(claims_of(access), algorithm))


@pytest.mark.parametrize(
    ("key", "algorithm"), [("another key, just as long as it has to be", "HS256"), (KEY, "HS384"), (KEY, "HS512")]
)
def test_another_key_or_algorithm_is_refused(access: str, key: str, algorithm: str) -> None:
    assert_refused(jwt.encode(claims_of(access), key, algorithm))


def test_what_is_signed_with_the_secret_key_itself_is_no_token(access: str) -> None:
    assert_refused(jwt.encode(claims_of(access), settings.SECRET_KEY))


def test_a_changed_claim_breaks_the_signature(access: str) -> None:
    head, _, signature = access.split(".")
    changed = unsigned(claims_of(access) | {"role": "ADMIN"}, "HS256").split(".")[1]
    assert_refused(f"{head}.{changed}.{signature}")


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "another"},
        {"aud": None},
        {"iss": "another"},
        {"iss": None},
        {"token_type": "refresh"},
        {"token_type": None},
        {"exp": None},
        {"jti": None},
        {"fam": None},
        {"fam": "not a family"},
        {"fam": "0" * 32},
    ],
    ids=str,
)
def test_a_claim_that_is_wrong_or_missing_is_refused(access: str, change: dict[str, Any]) -> None:
    claims = {name: value for name, value in (claims_of(access) | change).items() if value is not None}
    assert_refused(jwt.encode(claims, KEY))


def test_a_refresh_token_is_no_access_token(world: World) -> None:
    assert_refused(tokens.issue(world.memberships["otto"]).refresh)


def test_an_access_token_is_no_refresh_token(access: str) -> None:
    client = Client()
    client.cookies[tokens.REFRESH_COOKIE] = access
    assert client.post("/api/token/refresh", content_type="application/json").status_code == 401


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "é.é.é", "x" * 20_000, "eyJhbGciOiJIUzI1NiJ9..", "\x00"])
def test_what_is_no_token_at_all_is_refused(world: World, text: str) -> None:
    assert_refused(text)


def test_it_lives_as_long_as_the_operator_says_and_no_longer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = tokens.issue(world.memberships["otto"])
    claims = claims_of(pair.access)
    assert claims["exp"] - claims["iat"] == settings.ACCESS_TOKEN_MINUTES * 60
    assert int(pair.expires_at.timestamp()) == claims["exp"]
    later = datetime.now(UTC) + timedelta(minutes=settings.ACCESS_TOKEN_MINUTES, seconds=1)
    monkeypatch.setattr(tokens, "shared_now", lambda: later)
    assert_refused(pair.access)


def test_the_role_is_the_one_held_now_not_the_one_in_the_token(world: World, access: str) -> None:
    Membership.across_organizations.filter(pilot__pilot_id="local:otto").update(role="VIEWER")
    assert shown(access).json()["role"] == "VIEWER"


@pytest.mark.parametrize("ending", ["family", "membership", "pilot"])
def test_it_ends_with_what_it_stands_on(world: World, access: str, ending: str) -> None:
    if ending == "family":
        RefreshFamily.across_organizations.update(revoked_at=datetime.now(UTC))
    elif ending == "membership":
        Membership.across_organizations.filter(pilot__pilot_id="local:otto").delete()
    else:
        Pilot.objects.filter(pilot_id="local:otto").update(is_active=False)
    assert shown(access).status_code == 401
