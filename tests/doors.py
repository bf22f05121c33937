"""Three ways to one verb: REST, a program's socket, a page's form. Each says how it went, in the domain's words."""

from collections.abc import Callable
from typing import Any

from asgiref.sync import async_to_sync

from conftest import Api, World
from interventions.models import Intervention
from interventions.tests.sockets import connected

type Outcome = str | int

REASON = "because"
# What each verb is given, the same at every door.
GIVEN: dict[str, dict[str, Any]] = {
    "assign": {"pilot_id": "local:olga"},
    "comment": {"text": "hm"},
    "extend": {"expires_in_seconds": 7200},
    "approve": {"action_reason": REASON},
    "reject": {"action_reason": REASON},
    "cancel": {"action_reason": REASON},
    "complete": {"outcome": {"done": True}},
}


def by_api(world: World, who: str, verb: str, request_id: str) -> Outcome:
    api = Api(world.bearer(who))
    answer = api.post(f"/api/interventions/{request_id}/{verb}", GIVEN.get(verb))
    return "ok" if answer.status_code == 200 else str(answer.json()["code"])


def by_socket(world: World, who: str, verb: str, request_id: str) -> Outcome:
    async def act() -> dict[str, Any]:
        async with connected(world, who) as client:
            return await client.ask("action", request_id=request_id, action=verb, **GIVEN.get(verb, {}))

    reply = async_to_sync(act)()
    return "ok" if reply["success"] else str(reply["error"]["reason"])


def by_page(world: World, who: str, verb: str, request_id: str) -> Outcome:
    """A page shows the refusal to a person: only the status tells a program what it was."""
    row = Intervention.across_organizations.get(request_id=request_id)
    seen = {"version": row.version, "content_hash": row.content_hash, "verdict": verb}
    action = "decide" if verb in ("approve", "reject") else verb
    form = GIVEN.get(verb, {}) | (seen if action == "decide" else {})
    path = f"/o/acme/interventions/{request_id}/{action}"
    return int(world.session(who).post(path, form, headers={"HX-Request": "true"}).status_code)


type Door = Callable[[World, str, str, str], Outcome]

DOORS: dict[str, tuple[Door, frozenset[str]]] = {
    "api": (
        by_api,
        frozenset({"claim", "release", "assign", "comment", "extend", "approve", "reject", "cancel", "complete"}),
    ),
    "socket": (by_socket, frozenset({"claim", "release", "approve", "reject"})),
    "page": (by_page, frozenset({"claim", "release", "assign", "comment", "approve", "reject"})),
}
