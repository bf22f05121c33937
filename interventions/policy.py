"""Who may do what: one table of verbs, asked by every door through the actions."""

from typing import Literal

from interventions import limits
from pilots.caller import Caller
from pilots.errors import NotAllowed
from pilots.roles import Role

READ = "interventions:read"
WRITE = "interventions:write"

# Pilots: the least role; `deciding` stands for the intervention's own required_role.
PILOT_VERBS: dict[str, Role | Literal["deciding"]] = {
    "read": Role.VIEWER,
    "read_events": Role.VIEWER,
    "read_metrics": Role.VIEWER,
    "claim": Role.OPERATOR,
    "release": Role.OPERATOR,
    "assign": Role.OPERATOR,
    "comment": Role.OPERATOR,
    "extend": Role.OPERATOR,
    "approve": "deciding",
    "reject": "deciding",
    "command_kill_switch": Role.ADMIN,
    "command_waive_violation": Role.ADMIN,
    "command_clarification": Role.OPERATOR,
    "command_resume": Role.OPERATOR,
    "command_cancel": Role.OPERATOR,
}

# Agents' keys: any one of these scopes.
KEY_VERBS: dict[str, frozenset[str]] = {
    "read": frozenset({READ}),
    "read_events": frozenset({READ, "events:read"}),
    "read_metrics": frozenset({READ, "metrics:read"}),
    "create": frozenset({WRITE}),
    "complete": frozenset({WRITE}),
    "cancel": frozenset({WRITE}),
}
# What is about all of an organization's interventions at once: not for keys with limits.
WHOLE = frozenset({"read_metrics"})


def require(caller: Caller, verb: str, required_role: str = Role.OPERATOR) -> None:
    """Raises NotAllowed unless the caller may do `verb`, on an intervention that needs `required_role` to decide."""
    if caller.kind == "system":
        return
    if caller.kind == "key":
        _require_scope(caller, verb)
    else:
        _require_role(caller, verb, Role(required_role))


def may(caller: Caller, verb: str, required_role: str = Role.OPERATOR) -> bool:
    try:
        require(caller, verb, required_role)
    except NotAllowed:
        return False
    return True


def _require_scope(caller: Caller, verb: str) -> None:
    scopes = KEY_VERBS.get(verb)
    if scopes is None:
        raise NotAllowed("Only a pilot may do this; an API key cannot.")
    if not scopes & caller.scopes:
        raise NotAllowed(f"This API key lacks the scope {' or '.join(sorted(scopes))}.")
    if verb in WHOLE:
        limits.require_unlimited(caller)


def _require_role(caller: Caller, verb: str, required_role: Role) -> None:
    least = PILOT_VERBS.get(verb)
    if least is None:
        raise NotAllowed("Only an agent's API key may do this; a pilot cannot.")
    needed = required_role if least == "deciding" else least
    if caller.role is None or not caller.role.covers(needed):
        raise NotAllowed(f"This needs the role {needed}; yours is {caller.role or 'none'}.")
