"""What the queue is narrowed to, as its address says: by a tab, a priority, a type, tags, people, a search."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Self
from urllib.parse import urlencode

from interventions.lifecycle import Priority, Type
from interventions.queries import InterventionQuerySet
from pilots.caller import Caller
from pilots.roles import Role

TABS = ("all", "mine", "unclaimed")
# Of the tags a pilot knows about, whoever looks: a link to it shows each their own.
MINE = "mine"
MAX_LENGTH = 255
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "tab": TABS,
    "priority": tuple(priority.word for priority in Priority),
    "type": tuple(Type),
    "role": (Role.OPERATOR, Role.ADMIN),
    "expertise": (MINE,),
}


@dataclass(frozen=True, slots=True)
class Facets:
    """'' : not narrowed by this. `q` are words that a request has to hold, each of them."""

    tab: str = "all"
    priority: str = ""
    type: str = ""
    tag: str = ""
    expertise: str = ""
    role: str = ""
    assignee: str = ""
    q: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Self:
        """What an address asks for. What cannot be meant is left out: an old or mistyped link still shows a queue."""
        return cls(**{name: value for name in cls.__slots__ if (value := _meant(name, query.get(name, "")))})

    @property
    def is_narrow(self) -> bool:
        """Whether anything but the tab keeps requests out of sight."""
        return self != type(self)(tab=self.tab)

    def query(self, **changes: str) -> str:
        """The address's query, '' for the whole queue; `changes` are set on top, whatever they are."""
        values = asdict(self) | changes
        return urlencode({name: value for name, value in values.items() if value and (name, value) != ("tab", "all")})

    def narrow(self, rows: InterventionQuerySet, caller: Caller) -> InterventionQuerySet:
        if self.tab == "mine":
            rows = rows.filter(assigned_to=caller.actor)
        elif self.tab == "unclaimed":
            rows = rows.filter(assigned_to=None)
        if self.priority:
            rows = rows.filter(priority=Priority.of(self.priority))
        exact = {"intervention_type": self.type, "required_role": self.role, "assigned_to": self.assignee}
        rows = rows.filter(**{name: value for name, value in exact.items() if value})
        if self.tag:
            rows = rows.filter(tags__has=self.tag)
        if self.expertise:
            rows = rows.filter(tags__has_any=caller.expertise)
        return rows.holding(self.q)


def _meant(name: str, value: str) -> str:
    if name in _CHOICES:
        return value if value in _CHOICES[name] else ""
    return value if len(value) <= MAX_LENGTH and value.isprintable() and value.strip() else ""
