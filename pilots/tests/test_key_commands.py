"""Keys at the command line: made, rotated, revoked, listed; a key is printed alone, once."""

import io
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from conftest import World
from pilots import api_keys
from pilots.errors import NotAuthenticated
from pilots.limits import Limits
from pilots.models import AccessEvent

pytestmark = pytest.mark.embedded


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def listed(organization: str = "acme") -> dict[str, dict[str, Any]]:
    return {row["key_id"]: row for row in json.loads(run("list_api_keys", "--org", organization, "--json"))}


def test_a_key_is_made_with_limits_and_an_end(world: World) -> None:
    scopes = "interventions:read,interventions:write"
    printed = run(
        "create_api_key", "--org", "acme", "--name", "orders", "--scopes", scopes,
        "--uow-prefix", "order-", "--types", "cancel, clarification", "--expires-in-days", "90",
    )  # fmt: skip
    assert re.fullmatch(r"chm_[0-9A-Za-z]{12}_[0-9A-Za-z]{38}\n", printed)
    row = api_keys.match(printed.strip())
    assert api_keys.limits_of(row) == Limits("order-", frozenset({"cancel", "clarification"}))
    assert row.expires_at is not None
    assert timedelta(days=89) < row.expires_at - timezone.now() <= timedelta(days=90)
    assert row.created_by == "system"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--types", "everything"], "intervention_types: unknown everything"),
        (["--uow-prefix", "a/b"], "uow_id_prefix: must be the beginning of a uow_id"),
        (["--expires-in-days", "0"], "expires-in-days: must be from 1"),
        (["--expires-in-days", "99999999"], "expires-in-days: must be from 1"),
        (["--expires-in-days", "soon"], "invalid int value"),
    ],
)
def test_what_cannot_be_is_said(world: World, arguments: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        run("create_api_key", "--org", "acme", "--name", "new", "--scopes", "interventions:read", *arguments)
    assert "new" not in {row["name"] for row in listed().values()}


def test_a_key_is_rotated_and_the_one_before_works_for_a_day(world: World) -> None:
    old, old_text = world.keys["agent"]
    new_text = run("rotate_api_key", "--org", "acme", "--name", "agent").strip()
    assert api_keys.match(new_text).name == "agent"
    assert api_keys.match(old_text) == old
    described = listed()
    assert described[old.key_id]["state"] == "replaced"
    assert described[api_keys.match(new_text).key_id]["state"] == "active"


def test_without_an_overlap_the_old_key_ends_at_once(world: World) -> None:
    _, old_text = world.keys["agent"]
    run("rotate_api_key", "--org", "acme", "--name", "agent", "--overlap-hours", "0")
    with pytest.raises(NotAuthenticated):
        api_keys.match(old_text)


@pytest.mark.parametrize("hours", ["-1", "721"])
def test_an_overlap_has_bounds(world: World, hours: str) -> None:
    with pytest.raises(CommandError, match="overlap-hours: must be from 0"):
        run("rotate_api_key", "--org", "acme", "--name", "agent", f"--overlap-hours={hours}")


def test_revoking_ends_every_key_of_the_name_and_may_be_repeated(world: World) -> None:
    texts = [world.keys["agent"][1], run("rotate_api_key", "--org", "acme", "--name", "agent").strip()]
    assert run("revoke_api_key", "--org", "acme", "--name", "agent").startswith("Revoked: ")
    assert "nothing" in run("revoke_api_key", "--org", "acme", "--name", "agent")
    for text in texts:
        with pytest.raises(NotAuthenticated):
            api_keys.match(text)
    revoked = AccessEvent.across_organizations.filter(type="key_revoked", organization=world.acme)
    assert revoked.count() == 2


@pytest.mark.parametrize("command", ["rotate_api_key", "revoke_api_key"])
def test_an_unknown_name_or_organization_is_said(world: World, command: str) -> None:
    with pytest.raises(CommandError, match="no key named 'globex-agent'"):
        run(command, "--org", "acme", "--name", "globex-agent")
    with pytest.raises(CommandError, match="no organization 'initech'"):
        run(command, "--org", "initech", "--name", "agent")


def test_the_list_shows_what_matters_and_no_key(world: World) -> None:
    row, text = world.keys["agent"]
    printed = run("list_api_keys", "--org", "acme")
    assert f"agent · {row.key_id} · active · interventions:read,interventions:write · never used" in printed
    assert text not in printed
    assert {key["name"] for key in listed("globex").values()} == {"globex-agent"}


@pytest.mark.parametrize("command", ["rotate_api_key", "revoke_api_key", "list_api_keys"])
def test_help_has_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call_command(command, "--help")
    assert re.search(rf"Example:\n  .*manage\.py {command} ", capsys.readouterr().out)
