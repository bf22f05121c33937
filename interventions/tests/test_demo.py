"""The demonstration: people to sign in as, and a history that the rules themselves have written."""

import io
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from conftest import World
from interventions import demo, invariants
from interventions.models import Event, Intervention
from pilots import api_keys
from pilots.models import Membership, Organization, Pilot

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]


@pytest.fixture(autouse=True)
def var(settings: Any, tmp_path: Path) -> Path:
    settings.VAR_DIR = tmp_path
    settings.DEBUG = True
    return tmp_path


def run_demo(*options: str) -> str:
    out = io.StringIO()
    call_command("demo", *options, stdout=out)
    return out.getvalue()


def interventions_of(slug: str) -> Any:
    return Intervention.objects.for_organization(Organization.objects.get(slug=slug).pk)


def test_everybody_it_names_can_sign_in(client: Any) -> None:
    told = run_demo()
    assert {row.role for row in Membership.across_organizations.all()} == {"ADMIN", "OPERATOR", "VIEWER"}
    for pilot in Pilot.objects.all():
        assert f"{pilot.pilot_id} " in told
        assert client.login(pilot_id=pilot.pilot_id, password=demo.PASSWORD)


def test_the_history_keeps_every_invariant() -> None:
    run_demo()
    assert invariants.check(Organization.objects.get(slug="acme").pk) == []
    call_command("verify_audit", stdout=io.StringIO())


def test_there_is_something_of_everything() -> None:
    run_demo()
    rows = interventions_of("acme")
    states = Counter(rows.values_list("status", flat=True))
    assert set(states) >= {"PENDING", "IN_PROGRESS", "COMPLETED", "REJECTED", "EXPIRED", "CANCELLED"}
    assert set(rows.values_list("intervention_type", flat=True)) == {
        "kill_switch",
        "clarification",
        "waive_violation",
        "resume",
        "cancel",
    }
    assert rows.open(timezone.now()).count() >= 10
    assert set(rows.open(timezone.now()).values_list("priority", flat=True)) == {0, 1, 2, 3}
    assert any(row.approvals.count() for row in rows.open(timezone.now()))
    told = set(Event.across_organizations.values_list("type", flat=True))
    assert told >= {"claimed", "commented", "approval_added", "delivered"}


def test_the_history_is_told_in_the_order_of_time() -> None:
    run_demo()
    moments = list(Event.across_organizations.order_by("seq").values_list("at", flat=True))
    assert moments == sorted(moments)
    assert (timezone.now() - moments[0]).days >= 3
    assert moments[-1] <= timezone.now()


def test_a_second_run_adds_nothing() -> None:
    run_demo()
    before = interventions_of("acme").count(), Event.across_organizations.count(), Pilot.objects.count()
    assert "nothing was added" in run_demo()
    assert (interventions_of("acme").count(), Event.across_organizations.count(), Pilot.objects.count()) == before


def test_an_organization_at_work_is_left_alone(world: World, ask: Any) -> None:
    ask()
    pilots = Pilot.objects.count()
    assert "nothing was added" in run_demo("--org", "acme")
    assert interventions_of("acme").count() == 1
    assert Pilot.objects.count() == pilots


def test_the_pilots_of_a_real_server_keep_their_passwords(world: World) -> None:
    before = Pilot.objects.get(pilot_id="local:ada").password
    assert "local:ada    ADMIN     password: (as it was set)" in run_demo("--org", "globex")
    assert Pilot.objects.get(pilot_id="local:ada").password == before


def test_without_debug_the_passwords_are_nobodys(settings: Any, client: Any) -> None:
    settings.DEBUG = False
    told = run_demo()
    assert demo.PASSWORD not in told
    password = next(line.split()[-1] for line in told.splitlines() if "local:otto" in line)
    assert client.login(pilot_id="local:otto", password=password)


def test_the_agents_key_is_kept_for_the_simulation_only(var: Path) -> None:
    run_demo()
    path = var / demo.KEY_FILE
    assert path.stat().st_mode & 0o077 == 0
    assert api_keys.match(path.read_text().strip()).name == demo.KEY_NAME


def test_a_key_that_no_longer_opens_is_replaced(world: World, var: Path) -> None:
    first, _ = demo.agents_key(world.acme)
    assert demo.agents_key(world.acme)[0].pk == first.pk
    api_keys.revoke(first)
    second, text = demo.agents_key(world.acme)
    assert second.name == f"{demo.KEY_NAME}-2"
    assert (var / demo.KEY_FILE).read_text().strip() == text
