"""Who in an organization has which request open at this moment, and who is writing a decision on it?

Soft state: kept in memory, told at once, recorded nowhere. Each process knows its own pages and hears of the others'
through Redis. A page says again every twenty seconds what it shows: so whatever was lost on the way heals, and who
falls silent is forgotten.
"""

import asyncio
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from interventions.content import REQUEST_ID
from interventions.live import broadcast, frames
from interventions.live.feed import Feed
from pilots.errors import InvalidInput
from pilots.inputs import Schema, check, object_of

# More than two of a page's repetitions, so that one that is lost changes nothing.
FORGET_SECONDS = 45.0
SWEEP_SECONDS = 5.0
# What one page may say: at once, and from then on in a second. Our own says at most two things a second.
BURST = 8.0
PER_SECOND = 2.0

VIEWING: Schema = object_of(
    {
        "kind": {"const": "viewing"},
        "request_id": REQUEST_ID | {"type": ["string", "null"]},
        "writing": {"type": "boolean", "default": False},
    },
    required=("kind", "request_id"),
)

clock = time.monotonic

type Tell = Callable[[str], None]


class Viewer(TypedDict):
    pilot_id: str
    writing: bool


@dataclass(frozen=True, slots=True)
class Sight:
    """What one open page shows, and to whom; a pilot may have several."""

    pilot_id: str
    request_id: str
    writing: bool


class Presence:
    """The organization's open pages, as far as they are known to this loop."""

    def __init__(self, feed: Feed) -> None:
        self._organization_id = feed.organization_id
        self._name = uuid.uuid4().hex
        self._listeners: dict[str, Tell] = {}
        self._sights: dict[str, Sight] = {}
        self._heard_at: dict[str, float] = {}
        self._sweeping: asyncio.TimerHandle | None = None
        feed.hearers["presence"] = self.hear
        # The others have been here longer.
        self._tell_others({}, asks=True)

    def join(self, page: str, tell: Tell) -> None:
        """From now on `tell` gets every change, beginning with how things stand."""
        self._listeners[page] = tell
        viewers = self._viewers({sight.request_id for sight in self._sights.values()})
        requests = [{"request_id": request_id, "viewers": viewers[request_id]} for request_id in sorted(viewers)]
        tell(frames.text({"kind": "presence_all", "requests": requests}))

    def leave(self, page: str) -> None:
        self._listeners.pop(page, None)
        self.show(page, None)

    def show(self, page: str, sight: Sight | None) -> None:
        """What a page of this process shows now; also where that is what it showed before."""
        if sight is None and page not in self._sights:
            return
        self._change({page: sight})
        self._tell_others({page: sight})

    def hear(self, message: Mapping[str, Any]) -> None:
        """From another process; its own words come back to each, too."""
        if message["from"] == self._name:
            return
        self._change({page: Sight(*said) if said else None for page, said in message["pages"]})
        if message["asks"]:
            own = {page: sight for page, sight in self._sights.items() if page in self._listeners}
            if own:
                self._tell_others(own)

    def _change(self, said: Mapping[str, Sight | None]) -> None:
        """Tells the pages here of each request whose viewers are others than before."""
        changed = {page: sight for page, sight in said.items() if self._sights.get(page) != sight}
        touched = {
            sight.request_id for page, new in changed.items() for sight in (self._sights.get(page), new) if sight
        }
        before = self._viewers(touched)
        for page, sight in said.items():
            self._note(page, sight)
        after = self._viewers(touched)
        for request_id in sorted(touched):
            if after[request_id] != before[request_id]:
                self._tell({"kind": "presence", "request_id": request_id, "viewers": after[request_id]})
        self._sweep_later()

    def _note(self, page: str, sight: Sight | None) -> None:
        if sight is None:
            self._sights.pop(page, None)
            self._heard_at.pop(page, None)
        else:
            self._sights[page], self._heard_at[page] = sight, clock()

    def _viewers(self, request_ids: Iterable[str]) -> dict[str, list[Viewer]]:
        """Each pilot once, whatever their number of tabs; writing where they write in one of them."""
        found: dict[str, dict[str, bool]] = {request_id: {} for request_id in request_ids}
        if not found:
            return {}
        for sight in self._sights.values():
            if (writing := found.get(sight.request_id)) is not None:
                writing[sight.pilot_id] = writing.get(sight.pilot_id, False) or sight.writing
        return {
            request_id: [Viewer(pilot_id=pilot_id, writing=writing[pilot_id]) for pilot_id in sorted(writing)]
            for request_id, writing in found.items()
        }

    def _tell(self, frame: Mapping[str, Any]) -> None:
        text = frames.text(frame)
        for tell in tuple(self._listeners.values()):
            tell(text)

    def _tell_others(self, said: Mapping[str, Sight | None], *, asks: bool = False) -> None:
        pages = [
            (page, (sight.pilot_id, sight.request_id, sight.writing) if sight else None) for page, sight in said.items()
        ]
        broadcast.tell_others(
            {
                "type": "presence",
                "organization_id": self._organization_id,
                "from": self._name,
                "pages": pages,
                "asks": asks,
            }
        )

    def _sweep_later(self) -> None:
        if self._sights and self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._sweep)

    def _sweep(self) -> None:
        """Forgets who has fallen silent: a page that hangs, a process that was killed."""
        self._sweeping = None
        long_ago = clock() - FORGET_SECONDS
        silent: dict[str, Sight | None] = {page: None for page, at in self._heard_at.items() if at < long_ago}
        self._change(silent)
        own = {page: None for page in silent if page in self._listeners}
        if own:
            self._tell_others(own)


class Page:
    """One open page: what its socket says of it, for as long as it is open."""

    def __init__(self, presence: Presence, pilot_id: str, tell: Tell, *, may_decide: bool) -> None:
        self._presence = presence
        self._pilot_id = pilot_id
        self._may_decide = may_decide
        self._id = uuid.uuid4().hex
        self._left, self._counted_at = BURST, clock()
        presence.join(self._id, tell)

    def hear(self, message: Mapping[str, Any]) -> None:
        """`viewing`; what is malformed or too much is not answered and changes nothing."""
        if not self._has_patience():
            return
        try:
            said = check(VIEWING, message)
        except InvalidInput:
            return
        writing = said["writing"] and self._may_decide
        sight = Sight(self._pilot_id, said["request_id"], writing) if said["request_id"] is not None else None
        self._presence.show(self._id, sight)

    def leave(self) -> None:
        self._presence.leave(self._id)

    def _has_patience(self) -> bool:
        now = clock()
        self._left = min(BURST, self._left + (now - self._counted_at) * PER_SECOND)
        self._counted_at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


def of(feed: Feed) -> Presence:
    """The feed's; all pages of the organization on this loop share it."""
    presence: Presence | None = feed.shared.get(Presence)
    if presence is None:
        presence = feed.shared[Presence] = Presence(feed)
    return presence
