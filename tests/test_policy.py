"""What each role and each scope may, verb by verb and type by type, against the table checked in here.

A verb without a line fails, and so does a line without a verb: whoever changes the policy changes this table too, and
it is the table that is read in a review.
"""

from collections.abc import Callable

import pytest

from conftest import World
from interventions import policy as requests
from interventions.lifecycle import Type
from pilots import api_keys
from pilots import policy as people
from pilots.caller import Caller
from pilots.errors import NotAllowed
from pilots.roles import Role

pytestmark = pytest.mark.embedded

# V, O, A: the roles. r, w, e, m: a key with interventions:read, interventions:write, events:read or metrics:read.
WHO = {"V": Role.VIEWER, "O": Role.OPERATOR, "A": Role.ADMIN}
SCOPES = {"r": "interventions:read", "w": "interventions:write", "e": "events:read", "m": "metrics:read"}

PEOPLE = """
read_team        A
invite           A
change_role      A
deactivate_member A
remove_member    A
manage_keys      A
manage_chat      A
change_settings  A
read_access_log  A
"""

REQUESTS = """
read             VOAr
read_events      VOAre
read_metrics     VOArm
claim            OA
release          OA
assign           OA
comment          OA
extend           OA
approve          OA
reject           OA
command          OA
create           w
complete         w
cancel           w
"""

# Each decision by type; then where the request itself asks for an ADMIN; asking for less lowers nothing.
DECISIONS = """
kill_switch      VIEWER    A
kill_switch      OPERATOR  A
kill_switch      ADMIN     A
clarification    VIEWER    OA
clarification    OPERATOR  OA
clarification    ADMIN     A
waive_violation  VIEWER    A
waive_violation  OPERATOR  A
waive_violation  ADMIN     A
resume           VIEWER    OA
resume           OPERATOR  OA
resume           ADMIN     A
cancel           VIEWER    OA
cancel           OPERATOR  OA
cancel           ADMIN     A
"""


def lines(table: str) -> list[list[str]]:
    return [line.split() for line in table.strip().splitlines()]


def allowed(world: World, ask: Callable[[Caller], bool]) -> str:
    """The letters of those who may."""
    callers = {letter: _with_role(world, role) for letter, role in WHO.items()}
    callers |= {letter: _with_scope(world, scope) for letter, scope in SCOPES.items()}
    return "".join(letter for letter, caller in callers.items() if ask(caller))


def _with_role(world: World, role: Role) -> Caller:
    return Caller(world.acme, "pilot", "local:somebody", "x", role)


def _with_scope(world: World, scope: str) -> Caller:
    return Caller(world.acme, "key", "some key", "x", scopes=frozenset({scope}))


def test_every_verb_and_scope_has_its_line() -> None:
    assert [line[0] for line in lines(PEOPLE)] == list(people.TABLE)
    assert [line[0] for line in lines(REQUESTS)] == list(requests.TABLE)
    assert [(line[0], line[1]) for line in lines(DECISIONS)] == [(kind, role) for kind in Type for role in Role]
    assert set(requests.DECIDING) == set(Type)
    assert set(SCOPES.values()) == set(api_keys.SCOPES)


@pytest.mark.parametrize(("verb", "who"), lines(PEOPLE))
def test_about_people_it_may(world: World, verb: str, who: str) -> None:
    assert allowed(world, lambda caller: people.may(caller, verb)) == who


@pytest.mark.parametrize(("verb", "who"), lines(REQUESTS))
def test_about_interventions_it_may(world: World, verb: str, who: str) -> None:
    assert allowed(world, lambda caller: requests.may(caller, verb)) == who


@pytest.mark.parametrize("verb", sorted(requests.DECISIONS))
@pytest.mark.parametrize(("kind", "required", "who"), lines(DECISIONS))
def test_a_decision_may(world: World, verb: str, kind: str, required: str, who: str) -> None:
    assert allowed(world, lambda caller: requests.may(caller, verb, kind, required)) == who
    assert {requests.deciding_role(kind, required).value[0]} == {who[0]}


@pytest.mark.parametrize("verb", sorted(set(requests.TABLE) - requests.DECISIONS))
@pytest.mark.parametrize("kind", list(Type))
def test_the_type_changes_nothing_for_other_verbs(world: World, verb: str, kind: Type) -> None:
    assert allowed(world, lambda caller: requests.may(caller, verb, kind, Role.ADMIN)) == allowed(
        world, lambda caller: requests.may(caller, verb)
    )


def test_what_has_no_row_is_allowed_to_nobody(world: World) -> None:
    for may in (people.may, requests.may):
        assert allowed(world, lambda caller, may=may: may(caller, "fly")) == ""
    nobody = Caller(world.acme, "pilot", "local:somebody", "x", role=None)
    for verb in people.TABLE:
        with pytest.raises(NotAllowed):
            people.require(nobody, verb)
