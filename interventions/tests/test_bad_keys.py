"""Whatever is shown instead of a living key: 401, a problem document, and a log line that does not repeat it."""

import logging
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from conftest import World
from pilots import api_keys, key_text
from pilots.models import AccessChain, AccessEvent, ApiKey
from pilots.tenancy import across

pytestmark = pytest.mark.embedded


def forged(text: str) -> str:
    """The id of a key that there is, another secret, and a sum that agrees."""
    body = text.rpartition("_")[0] + "_" + "0" * 32
    return body + key_text.checksum(body)


BAD: dict[str, Callable[[str], str]] = {
    "too short": lambda text: text[:-1],
    "too long": lambda text: f"{text}0",
    "mistyped": lambda text: text[:-1] + ("0" if text[-1] != "0" else "1"),
    "another secret": forged,
    "only its beginning": lambda _: "chm_",
    "an id that is nobody's": lambda _: key_text.new()[1],
    "in capitals": lambda text: text.upper(),
    "with a sign of another alphabet": lambda text: f"{text[:-1]}ü",
    "with NUL": lambda text: f"{text}\0",
    "with a break": lambda text: f"{text}\r\nX-Other: 1",
    "twice": lambda text: f"{text},{text}",
    "huge": lambda _: "chm_" + "x" * 60_000,
    "SQL": lambda _: "chm_' OR 1=1 --",
}


@pytest.mark.parametrize("spoil", BAD.values(), ids=BAD)
@pytest.mark.parametrize("header", ["X-API-Key", "Authorization"])
def test_a_bad_key_is_refused_and_not_repeated(
    world: World, spoil: Callable[[str], str], header: str, caplog: pytest.LogCaptureFixture
) -> None:
    bad = spoil(world.keys["agent"][1])
    shown = bad if header == "X-API-Key" else f"Bearer {bad}"
    with caplog.at_level(logging.DEBUG):
        answer = Client().get("/api/interventions", headers={header: shown})
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "invalid_key" or (header, bad[:4]) == ("Authorization", "CHM_")
    assert [record for record in caplog.records if record.levelno >= logging.WARNING]
    secret = bad.split("_")[-1]
    assert secret == "" or secret not in caplog.text + answer.content.decode()


def refused(text: str) -> str:
    answer = Client().get("/api/interventions", headers={"X-API-Key": text})
    assert answer.status_code == 401
    code: str = answer.json()["code"]
    return code


def test_a_revoked_an_expired_and_a_replaced_key_are_refused(world: World) -> None:
    row, text = world.keys["agent"]
    ApiKey.across_organizations.filter(pk=row.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert refused(text) == "invalid_key"
    ApiKey.across_organizations.filter(pk=row.pk).update(expires_at=None)
    api_keys.rotate(row, timedelta())
    assert refused(text) == "invalid_key"
    reader, text = world.keys["reader"]
    api_keys.revoke(reader)
    assert refused(text) == "invalid_key"


def test_a_key_goes_with_its_organization(world: World) -> None:
    AccessEvent.across_organizations.filter(organization=world.globex).delete()
    AccessChain.across_organizations.filter(organization=world.globex).delete()
    with across():
        world.globex.delete()
    assert refused(world.keys["globex-agent"][1]) == "invalid_key"


def test_of_two_credentials_none_is_taken(world: World) -> None:
    ours, theirs = world.keys["agent"][1], world.keys["globex-agent"][1]
    for authorization in (f"Bearer {theirs}", world.bearer("ada")["Authorization"], "Basic YTpi"):
        headers = {"X-API-Key": ours, "Authorization": authorization}
        answer = Client().get("/api/interventions", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_key")
    same = {"X-API-Key": ours, "Authorization": f"Bearer {ours}"}
    assert Client().get("/api/interventions", headers=same).status_code == 200


def test_the_header_for_keys_takes_keys_only(world: World) -> None:
    token = world.bearer("ada")["Authorization"].removeprefix("Bearer ")
    assert {refused(text) for text in (token, "", "nonsense")} == {"invalid_key"}


def test_what_the_table_holds_opens_nothing(world: World) -> None:
    kept = [str(value) for row in ApiKey.across_organizations.values_list() for value in row]
    for value in kept:
        for text in (value, f"chm_{value}", f"chm_{value}_{value}"):
            answer = Client().get("/api/interventions", headers={"Authorization": f"Bearer {text.strip() or '-'}"})
            assert answer.status_code == 401
    for _, text in world.keys.values():
        assert not any(text in value or text[17:] in value for value in kept)
