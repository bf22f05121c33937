"""Who may do how much: VIEWER < OPERATOR < ADMIN."""

from enum import StrEnum


class Role(StrEnum):
    VIEWER = "VIEWER"
    OPERATOR = "OPERATOR"
    ADMIN = "ADMIN"

    def covers(self, least: "Role") -> bool:
        """True where this role may do what needs at least `least`."""
        return _RANK[self] >= _RANK[least]


_RANK = {role: rank for rank, role in enumerate(Role)}
ROLE_CHOICES = [(role.value, role.value.capitalize()) for role in Role]
