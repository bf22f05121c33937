"""One table of verb × state × role, run through every door: same outcome, same events, same row afterwards."""

from collections.abc import Callable
from typing import Any

import pytest

from conftest import DRAFT, Clock, World
from interventions import actions, wire
from interventions.content import draft_of
from interventions.models import Event, Intervention
from tests.doors import DOORS, GIVEN, REASON

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]

# How each state comes about; `me` is who acts next. Others have done the rest, so that nothing is a repetition.
STATES: dict[str, Callable[[World, Clock, Any, str], object]] = {
    "pending": lambda world, clock, me, it: None,
    "assigned": lambda world, clock, me, it: actions.assign(world.pilot("ada"), it, pilot_id="local:olga"),
    "mine": lambda world, clock, me, it: actions.claim(me, it),
    "theirs": lambda world, clock, me, it: actions.claim(world.pilot("olga"), it),
    "lapsed": lambda world, clock, me, it: (actions.claim(world.pilot("olga"), it), clock.forward(minutes=10)),
    "past": lambda world, clock, me, it: clock.forward(hours=1),
    "expired": lambda world, clock, me, it: (clock.forward(hours=1), actions.expire_due()),
    "approved": lambda world, clock, me, it: actions.approve(world.pilot("olga"), it),
    "rejected": lambda world, clock, me, it: actions.reject(world.pilot("olga"), it, reason="no"),
    "cancelled": lambda world, clock, me, it: actions.cancel(world.key(), it, reason=REASON),
    "completed": lambda world, clock, me, it: (
        actions.approve(world.pilot("olga"), it),
        actions.complete(world.key(), it, outcome=GIVEN["complete"]["outcome"]),
    ),
}
PILOTS_VERBS = ("claim", "release", "assign", "comment", "extend", "approve", "reject")
AGENTS_VERBS = ("cancel", "complete")

# What an operator or admin is answered, and an agent. Everybody else is `forbidden` everywhere.
TABLE = """
             claim     release   assign    comment   extend    approve   reject    | cancel    complete
 pending     ok        illegal   ok        ok        ok        ok        ok        | ok        illegal
 assigned    ok        illegal   ok        ok        ok        ok        ok        | ok        illegal
 mine        ok        ok        ok        ok        ok        ok        ok        | -         -
 theirs      claimed   claimed   claimed   ok        ok        claimed   claimed   | ok        illegal
 lapsed      ok        ok        ok        ok        ok        ok        ok        | ok        illegal
 past        expired   expired   expired   ok        expired   expired   expired   | expired   illegal
 expired     expired   expired   expired   ok        expired   expired   expired   | expired   illegal
 approved    decided   decided   decided   ok        decided   decided   decided   | decided   ok
 rejected    decided   decided   decided   ok        decided   decided   decided   | decided   illegal
 cancelled   decided   decided   decided   ok        decided   decided   decided   | ok        illegal
 completed   decided   decided   decided   ok        decided   decided   decided   | decided   ok
"""
LONG = {"illegal": "illegal_transition", "decided": "already_decided"}
ON_A_PAGE = {"ok": 200, "forbidden": 403} | dict.fromkeys(
    ("claimed", "expired", "illegal_transition", "already_decided"), 409
)


def expected(verb: str, state: str, who: str) -> str:
    head, *lines = [line.replace("|", "").split() for line in TABLE.strip().splitlines()]
    agents = verb in AGENTS_VERBS
    if (who == "agent") != agents or who == "vera":
        return "forbidden"
    word = next(line for line in lines if line[0] == state)[1 + head.index(verb)]
    return LONG.get(word, word)


@pytest.mark.parametrize("who", ["vera", "otto", "ada", "agent"])
@pytest.mark.parametrize("verb", [*PILOTS_VERBS, *AGENTS_VERBS])
def test_every_door_leads_to_the_same_verb(world: World, clock: Clock, verb: str, who: str) -> None:
    me = world.key() if who == "agent" else world.pilot(who)
    for state, bring_about in STATES.items():
        if state == "mine" and who in ("vera", "agent"):
            continue
        left_behind = {}
        for name, (act, verbs) in DOORS.items():
            if verb not in verbs or (name == "page" and who == "agent"):
                continue
            request_id = actions.create(world.key(), draft_of(DRAFT)).row.request_id
            bring_about(world, clock, me, request_id)
            before = Event.across_organizations.filter(request_id=request_id).count()
            outcome = expected(verb, state, who)
            assert act(world, who, verb, request_id) == (ON_A_PAGE[outcome] if name == "page" else outcome), (
                name,
                state,
            )
            left_behind[name] = (events_after(request_id, before), row_of(request_id))
        assert len({str(left) for left in left_behind.values()}) == 1, (state, left_behind)


def events_after(request_id: str, count: int) -> list[Any]:
    events = Event.across_organizations.filter(request_id=request_id).exclude(type="delivered").order_by("seq")
    # The hash covers the id, which each door's request has for itself.
    return [[event.type, event.actor, timeless(event.data | {"content_hash": None})] for event in events[count:]]


def row_of(request_id: str) -> Any:
    row = timeless(wire.intervention(Intervention.across_organizations.get(request_id=request_id)))
    return {name: value for name, value in row.items() if name not in ("request_id", "content_hash", "delivered_at")}


def timeless(value: Any) -> Any:
    """Whether there is a moment counts, not which: no two doors are used at the same one."""
    if isinstance(value, list):
        return [timeless(item) for item in value]
    if isinstance(value, dict):
        moments = ("_at", "_until", "_timestamp")
        return {
            name: item is not None if name.endswith(moments) or name == "at" else timeless(item)
            for name, item in value.items()
        }
    return value
