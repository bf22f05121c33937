"""Which organization a pilot acts in."""

import pytest

from conftest import World
from pilots.errors import InvalidInput, NotAllowed, NotFound
from pilots.memberships import choose
from pilots.models import Membership, Pilot
from pilots.tenancy import UnscopedQueryError

pytestmark = pytest.mark.embedded


@pytest.fixture
def otto(world: World) -> Pilot:
    return world.memberships["otto"].pilot


def test_the_only_one_need_not_be_named(world: World, otto: Pilot) -> None:
    assert choose(otto, None).organization == world.acme
    assert choose(otto, "acme").organization == world.acme


@pytest.mark.parametrize("slug", ["globex", "nowhere", "ACME", "acme "])
def test_one_that_is_not_theirs_is_not_found(otto: Pilot, slug: str) -> None:
    with pytest.raises(NotFound):
        choose(otto, slug)


def test_of_several_one_must_be_named(world: World, otto: Pilot) -> None:
    Membership.objects.create(organization=world.globex, pilot=otto, role="VIEWER")
    with pytest.raises(InvalidInput) as refusal:
        choose(otto, None)
    assert refusal.value.code == "organization_required"
    assert refusal.value.errors == {"organization": ["one of acme, globex"]}
    assert (choose(otto, "globex").role, choose(otto, "acme").role) == ("VIEWER", "OPERATOR")


def test_without_any_the_door_says_so(world: World) -> None:
    pilot = Pilot.objects.create_user("local:nora", "x")
    with pytest.raises(NotAllowed) as refusal:
        choose(pilot, None)
    assert refusal.value.code == "no_membership"


def test_a_pilot_is_in_an_organization_once(world: World, otto: Pilot) -> None:
    with pytest.raises(UnscopedQueryError):
        list(Membership.objects.all())
    assert Membership.objects.for_organization(world.acme.pk).filter(pilot=otto).count() == 1
