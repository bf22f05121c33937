"""The commands that make organizations, pilots and keys, as somebody at a shell sees them."""

import io
import re
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from conftest import World
from pilots import api_keys
from pilots.errors import NotAuthenticated
from pilots.models import ApiKey, Membership, Organization, Pilot, RefreshFamily
from pilots.tokens import issue

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]


def run(*words: str) -> tuple[str, str]:
    """What a command prints: standard output, standard error."""
    out, err = io.StringIO(), io.StringIO()
    call_command(*words, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`typed(text)` is what comes on standard input."""
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


def role_of(pilot_id: str, slug: str) -> str:
    return Membership.across_organizations.get(pilot__pilot_id=pilot_id, organization__slug=slug).role


def test_an_organization_is_made_once() -> None:
    assert "Made" in run("create_org", "acme", "--name", "Acme")[0]
    assert "already" in run("create_org", "acme", "--name", "Other name")[0]
    assert Organization.objects.get(slug="acme").name == "Acme"


@pytest.mark.parametrize("slug", ["", "a b", "a/b", "ä", "x" * 64])
def test_a_slug_that_no_address_can_hold_is_refused(slug: str) -> None:
    with pytest.raises(CommandError, match="slug"):
        run("create_org", slug, "--name", "Acme")
    assert not Organization.objects.exists()


def test_a_pilot_signs_in_with_the_line_without_its_break(world: World, typed: Any, client: Any) -> None:
    typed("two words\nand what follows\n")
    command = [
        "create_pilot",
        "local:dana",
        "--org",
        "acme",
        "--role",
        "OPERATOR",
        "--name",
        "Dana",
        "--password-stdin",
    ]
    out, err = run(*command)
    assert out == "Made local:dana, OPERATOR in acme.\n"
    assert "weak" in err
    assert client.login(pilot_id="local:dana", password="two words")


def test_repeating_create_pilot_changes_nothing(world: World, typed: Any, client: Any) -> None:
    typed("another password\n")
    command = ["create_pilot", "local:otto", "--org", "acme", "--role", "ADMIN", "--name", "X", "--password-stdin"]
    _, err = run(*command)
    assert "role stays OPERATOR" in err
    assert "password stays" in err
    assert role_of("local:otto", "acme") == "OPERATOR"
    assert Pilot.objects.get(pilot_id="local:otto").name == "Otto"
    assert not client.login(pilot_id="local:otto", password="another password")


def test_a_pilot_of_one_organization_may_join_another(world: World) -> None:
    run("create_pilot", "local:otto", "--org", "globex", "--role", "VIEWER")
    assert (role_of("local:otto", "acme"), role_of("local:otto", "globex")) == ("OPERATOR", "VIEWER")


@pytest.mark.parametrize("pilot_id", ["dana", "github:dana", "local:", "local:da na", "local:da/na", "local:da\nna"])
def test_only_a_local_pilot_id_can_be_made(world: World, pilot_id: str) -> None:
    before = Pilot.objects.count()
    with pytest.raises(CommandError, match="local:NAME"):
        run("create_pilot", pilot_id, "--org", "acme", "--role", "VIEWER")
    assert Pilot.objects.count() == before


def test_an_unknown_organization_is_named_with_those_there_are(world: World) -> None:
    with pytest.raises(CommandError, match=r"'nope' \(there are: acme, globex\)"):
        run("create_pilot", "local:dana", "--org", "nope", "--role", "VIEWER")


@pytest.mark.parametrize("line", ["", "\n", "half a \ud800 pair\n", "a\x00b\n"])
def test_what_cannot_be_a_password_is_refused(world: World, typed: Any, line: str) -> None:
    typed(line)
    with pytest.raises(CommandError):
        run("create_pilot", "local:dana", "--org", "acme", "--role", "VIEWER", "--password-stdin")
    assert not Pilot.objects.filter(pilot_id="local:dana").exists()


def test_a_new_password_ends_what_was_signed_in(world: World, typed: Any) -> None:
    browser = world.session("otto")
    assert browser.get("/o/acme/").status_code == 200
    issue(world.memberships["otto"])
    typed("a new pass phrase\n")
    run("set_password", "local:otto")
    assert browser.get("/o/acme/").status_code == 302
    assert not RefreshFamily.across_organizations.filter(revoked_at=None).exists()
    assert Pilot.objects.get(pilot_id="local:otto").check_password("a new pass phrase")


def test_a_pilot_of_a_provider_has_no_password(world: World, typed: Any) -> None:
    Pilot.objects.create_user("github:octocat", oauth_provider="github")
    typed("a new pass phrase\n")
    with pytest.raises(CommandError, match="signs in with github"):
        run("set_password", "github:octocat")


def test_set_role_changes_a_role_and_lets_one_join(world: World) -> None:
    assert "local:vera is OPERATOR in acme" in run("set_role", "local:vera", "OPERATOR", "--org", "acme")[0]
    assert "joined as ADMIN" in run("set_role", "local:vera", "ADMIN", "--org", "globex")[0]
    assert (role_of("local:vera", "acme"), role_of("local:vera", "globex")) == ("OPERATOR", "ADMIN")


def test_set_role_guesses_what_a_short_name_meant(world: World) -> None:
    with pytest.raises(CommandError, match="Did you mean local:vera"):
        run("set_role", "vera", "OPERATOR", "--org", "acme")


def test_a_key_is_printed_alone_and_works(world: World) -> None:
    scopes = "interventions:read,interventions:write"
    out, err = run("create_api_key", "--org", "acme", "--name", "crawler", "--scopes", scopes)
    assert re.fullmatch(r"chm_\w+\n", out)
    assert err == ""
    assert api_keys.match(out.strip()).scopes == scopes.split(",")


def test_a_key_of_the_same_name_is_refused(world: World) -> None:
    with pytest.raises(CommandError, match="already has a key named 'agent'"):
        run("create_api_key", "--org", "acme", "--name", "agent", "--scopes", "interventions:read")
    run("create_api_key", "--org", "globex", "--name", "agent", "--scopes", "interventions:read")
    assert ApiKey.across_organizations.filter(name="agent").count() == 2


@pytest.mark.parametrize("scopes", ["", ",", "all", "interventions:read,interventions:rite"])
def test_unknown_scopes_are_refused(world: World, scopes: str) -> None:
    with pytest.raises(CommandError, match="use interventions:read"):
        run("create_api_key", "--org", "acme", "--name", "crawler", "--scopes", scopes)


def test_a_revoked_key_opens_nothing(world: World) -> None:
    row, text = world.keys["agent"]
    api_keys.revoke(row)
    with pytest.raises(NotAuthenticated):
        api_keys.match(text)


@pytest.mark.parametrize(
    "command", ["create_org", "create_pilot", "set_password", "set_role", "create_api_key", "create_admin"]
)
def test_help_has_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call_command(command, "--help")
    assert re.search(rf"Example:\n  .*manage\.py {command} ", capsys.readouterr().out)
