"""Who may do what with an intervention? One table of verbs, and one of the role each type needs; asked by every door.

`pilots.policy` has the table about people, keys and settings, and says how a table is asked.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from interventions import limits
from interventions.lifecycle import Type
from pilots.caller import Caller
from pilots.errors import NotAllowed
from pilots.policy import Allowed, require_row
from pilots.roles import Role

READ = "interventions:read"
WRITE = "interventions:write"

TABLE: Final[Mapping[str, Allowed]] = {
    "read": Allowed(Role.VIEWER, (READ,)),
    "read_events": Allowed(Role.VIEWER, (READ, "events:read")),
    "read_metrics": Allowed(Role.VIEWER, (READ, "metrics:read")),
    "claim": Allowed(Role.OPERATOR),
    "release": Allowed(Role.OPERATOR),
    "assign": Allowed(Role.OPERATOR),
    "comment": Allowed(Role.OPERATOR),
    "extend": Allowed(Role.OPERATOR),
    # Of these three the role is the least; the type, and what the request itself asks for, may need a higher one.
    "approve": Allowed(Role.OPERATOR),
    "reject": Allowed(Role.OPERATOR),
    "command": Allowed(Role.OPERATOR),
    "create": Allowed(scopes=(WRITE,)),
    "complete": Allowed(scopes=(WRITE,)),
    "cancel": Allowed(scopes=(WRITE,)),
}
# The least role that may decide a request of the type, or give the command of that name.
DECIDING: Final[Mapping[Type, Role]] = {
    Type.KILL_SWITCH: Role.ADMIN,
    Type.CLARIFICATION: Role.OPERATOR,
    Type.WAIVE_VIOLATION: Role.ADMIN,
    Type.RESUME: Role.OPERATOR,
    Type.CANCEL: Role.OPERATOR,
}
DECISIONS: Final = frozenset({"approve", "reject", "command"})
# What is about all of an organization's interventions at once: not for keys with limits.
WHOLE: Final = frozenset({"read_metrics"})


def require(
    caller: Caller, verb: str, intervention_type: str | None = None, required_role: str = Role.OPERATOR
) -> None:
    """Raises NotAllowed unless the caller may do `verb`: on a request of this type that asks for this role to decide.

    Without a type: unless there is a request at all on which the caller may do it.
    """
    row = TABLE.get(verb, Allowed())
    if verb in DECISIONS and intervention_type is not None:
        row = replace(row, role=deciding_role(intervention_type, required_role))
    require_row(caller, row)
    if verb in WHOLE:
        limits.require_unlimited(caller)


def may(caller: Caller, verb: str, intervention_type: str | None = None, required_role: str = Role.OPERATOR) -> bool:
    try:
        require(caller, verb, intervention_type, required_role)
    except NotAllowed:
        return False
    return True


def deciding_role(intervention_type: str, asked: str = Role.OPERATOR) -> Role:
    """The least role that may decide: what the type needs, or the role asked for where that is higher."""
    least, wanted = DECIDING[Type(intervention_type)], Role(asked)
    return wanted if wanted.covers(least) else least
