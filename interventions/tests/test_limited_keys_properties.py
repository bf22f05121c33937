"""Whatever a key is limited to and whatever is asked by others: no byte of what lies outside reaches it."""

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from conftest import Api, World
from interventions import actions
from interventions.content import draft_of
from interventions.lifecycle import Type
from interventions.live import protocol
from interventions.tests.sockets import connected, create, run
from pilots import api_keys
from pilots.caller import Caller
from pilots.limits import TYPES, Limits

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]

# Few beginnings, so that they meet: capitals, a pattern's signs, signs that are longer in UTF-8 than they look.
beginnings = st.sampled_from(["a", "A", "ab", "aB", "a%", "a_", "é", "e\u0301", "🦎", "🦎a", ""])
kinds = st.sampled_from([kind.value for kind in Type])
limits = st.builds(Limits, beginnings, st.frozensets(kinds, max_size=3)).filter(bool)
requests = st.lists(
    st.fixed_dictionaries(
        {"beginning": beginnings, "intervention_type": kinds, "fate": st.sampled_from(["", "approve", "reject"])}
    ),
    min_size=1,
    max_size=6,
)
_numbers = iter(range(1_000_000))


# Each example is a whole conversation: a smaller one that fails as well is not worth the minutes of looking for it.
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(limits=limits, requests=requests)
def test_no_byte_from_outside_reaches_a_limited_key(
    world: World, limits: Limits, requests: list[dict[str, Any]]
) -> None:
    run_number = next(_numbers)
    world.keys["limited"] = api_keys.make(
        world.acme, f"limited {run_number}", ["interventions:read", "interventions:write"], limits=limits
    )
    inside, outside = set(), set()
    for place, request in enumerate(requests):
        canary = f"canary-{run_number}-{place}-x"
        request_id = _ask(world, request, canary)
        covered = limits.cover(request["beginning"] + canary, request["intervention_type"])
        (inside if covered else outside).add((request_id, canary))

    heard = _everything_over_rest(Api(world.bearer("limited")), inside | outside)
    heard += _everything_in_messages(world.key("limited"), inside | outside)
    heard += _everything_pushed(world, limits, f"marker-{run_number}")
    assert {canary for _, canary in inside if canary not in heard} == set()
    assert {canary for _, canary in outside if canary in heard} == set()


def _ask(world: World, request: dict[str, Any], canary: str) -> str:
    request_id = f"id-{canary}"
    draft = {
        # The id itself is named by whoever asks for it, so it holds no canary that counts.
        "request_id": request_id.replace("canary", "request"),
        "uow_id": request["beginning"] + canary,
        "intervention_type": request["intervention_type"],
        **{name: canary for name in ("title", "description")},
        "context": {canary: canary},
        "tags": [canary],
    }
    row = actions.create(world.key("agent"), draft_of(draft)).row
    actions.comment(world.pilot("otto"), row.request_id, text=canary)
    if request["fate"]:
        actions.decide(world.pilot("ada"), row.request_id, request["fate"], reason=canary)
    return row.request_id


def _everything_over_rest(key: Api, requests: set[tuple[str, str]]) -> str:
    answers = [key.get(f"/api/interventions{rest}") for rest in ("", "/pending", "/metrics", "?q=canary", "?limit=200")]
    for request_id, canary in requests:
        one = f"/api/interventions/{request_id}"
        answers += [key.get(one), key.get(f"{one}/events"), key.get(f"{one}/decision?wait=0")]
        # What the key itself says is not taken for an answer: it asks by other words.
        answers += [key.get("/api/interventions", q=canary[:-2]), key.get("/api/interventions", tag=canary)]
        answers.append(_asked_again(key, request_id))
        answers += [key.post(f"{one}/complete", {"outcome": {}}), key.post(f"{one}/cancel")]
    after = 0
    while True:
        answers.append(key.get("/api/events", after=after, limit=3))
        page = answers[-1].json()
        if not page["results"]:
            return "".join(answer.content.decode() for answer in answers)
        after = page["next_after"]


def _asked_again(key: Api, request_id: str) -> Any:
    """The same id for something within the limits: taken, and by what is nobody's business."""
    limits = Caller.of_key(api_keys.match(key.headers["Authorization"].removeprefix("Bearer "))).limits
    draft = {
        "request_id": request_id,
        "uow_id": f"{limits.uow_id_prefix}z",
        "intervention_type": next(iter(limits.intervention_types), TYPES[0]),
        "title": "Mine?",
    }
    answer = key.post("/api/interventions", draft)
    assert answer.status_code == 409
    return answer


def _everything_in_messages(caller: Caller, requests: set[tuple[str, str]]) -> str:
    messages = [
        protocol.Message(kind, {"pilot_id": None, "limit": 200, "cursor": None}, {})
        for kind in ("get_pending", "get_history", "get_metrics")
    ]
    for request_id, _ in requests:
        asked = {"request_id": request_id, "action": "claim", "action_reason": None, "response": None}
        messages += [protocol.Message(kind, asked, {}) for kind in ("request_detail", "action")]
    return "".join(protocol.answer(caller, message).text for message in messages)


def _everything_pushed(world: World, limits: Limits, marker: str) -> str:
    """From the beginning of the log to a last event that the key may see."""
    heard: list[str] = []

    async def test() -> None:
        async with connected(world, "limited") as client:
            await client.say("subscribe", since=0)
            await create(
                world,
                title=marker,
                uow_id=f"{limits.uow_id_prefix}{marker}",
                intervention_type=next(iter(limits.intervention_types), TYPES[0]),
            )
            while marker not in "".join(heard):
                heard.append(await client.socket.receive_from(15))

    run(test)
    return "".join(heard)
