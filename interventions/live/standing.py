"""Do the credentials of open sockets still stand? Asked every few seconds, for all sockets of this process at once."""

import asyncio
import contextvars
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.utils import timezone

from interventions import policy
from interventions.live import credentials
from interventions.live.database import in_thread
from interventions.live.sockets import FORBIDDEN, SERVICE_RESTART, UNAUTHENTICATED
from pilots import api_keys
from pilots.caller import Caller
from pilots.models import ApiKey, Membership, RefreshFamily
from pilots.sign_in import second_factor, sessions

logger = logging.getLogger(__name__)

# Twice within the promised five seconds, so that one slow answer does not break the promise.
RECHECK_SECONDS = 2.0

type Verdict = Caller | int
type Told = Callable[[Verdict], None]


@dataclass(slots=True, eq=False)
class _Ticket:
    """One open socket: who it speaks for now, and how to tell it."""

    caller: Caller
    tell: Told


class Watchman:
    """One per loop: knows every open socket's caller and tells the socket who it is now, or its close code.

    By caller, so that a round costs by how many of those there are: all sockets of a key are one.
    """

    def __init__(self) -> None:
        self._open: dict[Caller, set[_Ticket]] = {}
        self._walking: asyncio.Task[None] | None = None
        self.is_dismissing = False

    def known(self, caller: Caller) -> Caller:
        """The equal one that other sockets speak for already: thousands of one key share it."""
        return next((ticket.caller for ticket in self._open.get(caller, ())), caller)

    @contextmanager
    def watching(self, caller: Caller, tell: Told) -> Iterator[None]:
        """Until the block ends `tell` is called with the caller as it stands now wherever that has changed."""
        ticket = _Ticket(caller, tell)
        self._enter(ticket)
        if self._walking is None:
            self._walking = asyncio.get_running_loop().create_task(self._walk(), context=contextvars.Context())
        if self.is_dismissing:
            # Its handshake was under way when the others were told.
            asyncio.get_running_loop().call_soon(self._dismiss, ticket)
        try:
            yield
        finally:
            self._leave(ticket)

    def dismiss(self, seconds: float) -> int:
        """Tells every socket that this server is going (1012), evenly over so many seconds, so that their clients do
        not all come back in the same moment. Returns how many there are."""
        self.is_dismissing = True
        tickets = [ticket for tickets in self._open.values() for ticket in tickets]
        for number, ticket in enumerate(tickets):
            asyncio.get_running_loop().call_later(number * seconds / len(tickets), self._dismiss, ticket)
        return len(tickets)

    def _dismiss(self, ticket: _Ticket) -> None:
        if ticket in self._open.get(ticket.caller, ()):
            ticket.tell(SERVICE_RESTART)

    def _enter(self, ticket: _Ticket) -> None:
        self._open.setdefault(ticket.caller, set()).add(ticket)

    def _leave(self, ticket: _Ticket) -> None:
        tickets = self._open[ticket.caller]
        tickets.discard(ticket)
        if not tickets:
            del self._open[ticket.caller]

    async def _walk(self) -> None:
        try:
            while self._open:
                await asyncio.sleep(RECHECK_SECONDS)
                await self._round()
        finally:
            self._walking = None

    async def _round(self) -> None:
        try:
            verdicts = await in_thread(standing, list(self._open))
        except Exception:
            # Nobody is put out because the database is away; it is asked again in a moment.
            logger.warning("open sockets' credentials cannot be checked now", exc_info=True)
            return
        for caller, verdict in verdicts.items():
            if verdict != caller:
                for ticket in list(self._open.get(caller, ())):
                    self._correct(ticket, verdict)

    def _correct(self, ticket: _Ticket, verdict: Verdict) -> None:
        if isinstance(verdict, Caller):
            self._leave(ticket)
            ticket.caller = verdict
            self._enter(ticket)
        ticket.tell(verdict)


_watchmen: dict[asyncio.AbstractEventLoop, Watchman] = {}


def get_watchman() -> Watchman:
    """The watchman of the running loop."""
    loop = asyncio.get_running_loop()
    watchman = _watchmen.get(loop)
    if watchman is None:
        for other in [other for other in list(_watchmen) if other.is_closed()]:
            _watchmen.pop(other, None)
        watchman = _watchmen[loop] = Watchman()
    return watchman


def standing(callers: list[Caller]) -> dict[Caller, Verdict]:
    """Each caller as it is now, or the code that closes its socket."""
    keys = [caller for caller in callers if caller.kind == "key"]
    pilots = [caller for caller in callers if caller.kind == "pilot"]
    return _keys(keys) | _pilots(pilots)


def _keys(callers: list[Caller]) -> dict[Caller, Verdict]:
    ids = [_id_of(caller) for caller in callers]
    rows = {str(row.pk): row for row in ApiKey.across_organizations.select_related("organization").filter(pk__in=ids)}
    return {caller: _key(rows.get(_id_of(caller))) for caller in callers}


def _key(row: ApiKey | None) -> Verdict:
    if row is None or not api_keys.stands(row):
        return UNAUTHENTICATED
    caller = Caller.of_key(row)
    return caller if policy.may(caller, "read") else FORBIDDEN


def _pilots(callers: list[Caller]) -> dict[Caller, Verdict]:
    rows = Membership.across_organizations.select_related("organization", "pilot").filter(
        organization__in={caller.organization.pk for caller in callers},
        pilot__pilot_id__in={caller.name for caller in callers},
    )
    lacking = second_factor.lacking(rows)
    memberships = {(row.organization_id, row.pilot.pilot_id): row for row in rows if row not in lacking}
    # Last: who is deactivated between the two loses both at once, and is told of the sign-in.
    living = _living_families(callers) | _living_sessions(callers)
    return {
        caller: _pilot(caller, memberships.get((caller.organization.pk, caller.name)), caller.credential in living)
        for caller in callers
    }


def _pilot(caller: Caller, membership: Membership | None, lives: bool) -> Verdict:
    if not lives:
        return UNAUTHENTICATED
    if membership is None:
        return FORBIDDEN
    return Caller.of_pilot(membership, caller.credential) if membership.pilot.is_active else UNAUTHENTICATED


def _living_families(callers: list[Caller]) -> set[str]:
    ids = [_id_of(caller) for caller in callers if caller.credential.startswith("family:")]
    rows = RefreshFamily.across_organizations.filter(pk__in=ids, revoked_at=None, expires_at__gt=timezone.now())
    return {f"family:{family.pk}" for family in rows if not family.session_key or sessions.stands(family.session_key)}


def _living_sessions(callers: list[Caller]) -> set[str]:
    shown = {caller.credential: caller.name for caller in callers if caller.credential.startswith(credentials.SESSION)}
    living = set()
    for credential, pilot_id in shown.items():
        pilot = sessions.pilot_of(credential.removeprefix(credentials.SESSION))
        if pilot is not None and pilot.pilot_id == pilot_id:
            living.add(credential)
    return living


def _id_of(caller: Caller) -> str:
    return caller.credential.partition(":")[2]
