"""Who may do what about people, keys and settings? And how any such table is asked, by every door alike.

A table has one row per verb; what has no row is allowed to nobody. What may be done with interventions has a table of
the same shape in `interventions.policy`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pilots.caller import Caller
from pilots.errors import NotAllowed
from pilots.roles import Role


@dataclass(frozen=True, slots=True)
class Allowed:
    """Pilots from `role` on, and API keys with any one of `scopes`; None and () are nobody."""

    role: Role | None = None
    scopes: tuple[str, ...] = ()


TABLE: Final[Mapping[str, Allowed]] = {
    "read_team": Allowed(Role.ADMIN),
    "invite": Allowed(Role.ADMIN),
    "change_role": Allowed(Role.ADMIN),
    "deactivate_member": Allowed(Role.ADMIN),
    "remove_member": Allowed(Role.ADMIN),
    "manage_keys": Allowed(Role.ADMIN),
    "manage_chat": Allowed(Role.ADMIN),
    "change_settings": Allowed(Role.ADMIN),
    "read_access_log": Allowed(Role.ADMIN),
}


def require(caller: Caller, verb: str) -> None:
    """Raises NotAllowed unless the caller may do `verb` in its organization."""
    require_row(caller, TABLE.get(verb, Allowed()))


def may(caller: Caller, verb: str) -> bool:
    try:
        require(caller, verb)
    except NotAllowed:
        return False
    return True


def require_row(caller: Caller, row: Allowed) -> None:
    """Raises NotAllowed unless the caller is one of those whom the row allows; the system always is."""
    if caller.kind == "system":
        return
    if caller.kind == "key":
        _require_scope(caller, row)
    else:
        _require_role(caller, row)


def _require_scope(caller: Caller, row: Allowed) -> None:
    if not row.scopes:
        raise NotAllowed("Only a pilot may do this; an API key cannot.")
    if caller.scopes.isdisjoint(row.scopes):
        raise NotAllowed(f"This API key lacks the scope {' or '.join(sorted(row.scopes))}.")


def _require_role(caller: Caller, row: Allowed) -> None:
    if row.role is None:
        raise NotAllowed("Only an agent's API key may do this; a pilot cannot.")
    if caller.role is None or not caller.role.covers(row.role):
        raise NotAllowed(f"This needs the role {row.role}; yours is {caller.role or 'none'}.")
