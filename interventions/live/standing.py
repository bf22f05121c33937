"""Do the credentials of open sockets still stand? Asked every few seconds, for all sockets of this process at once."""

import asyncio
import contextvars
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

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


class Watchman:
    """One per loop: knows every open socket's caller and tells the socket who it is now, or its close code."""

    def __init__(self) -> None:
        self._open: dict[object, tuple[Caller, Told]] = {}
        self._walking: asyncio.Task[None] | None = None
        self.is_dismissing = False

    @contextmanager
    def watching(self, caller: Caller, tell: Told) -> Iterator[None]:
        """Until the block ends `tell` is called with the caller as it stands now wherever that has changed."""
        ticket = object()
        self._open[ticket] = (caller, tell)
        if self._walking is None:
            self._walking = asyncio.get_running_loop().create_task(self._walk(), context=contextvars.Context())
        if self.is_dismissing:
            # Its handshake was under way when the others were told.
            asyncio.get_running_loop().call_soon(self._dismiss, ticket)
        try:
            yield
        finally:
            del self._open[ticket]

    def dismiss(self, seconds: float) -> int:
        """Tells every socket that this server is going (1012), evenly over so many seconds, so that their clients do
        not all come back in the same moment. Returns how many there are."""
        self.is_dismissing = True
        tickets = list(self._open)
        for number, ticket in enumerate(tickets):
            asyncio.get_running_loop().call_later(number * seconds / len(tickets), self._dismiss, ticket)
        return len(tickets)

    def _dismiss(self, ticket: object) -> None:
        if ticket in self._open:
            _, tell = self._open[ticket]
            tell(SERVICE_RESTART)

    async def _walk(self) -> None:
        try:
            while self._open:
                await asyncio.sleep(RECHECK_SECONDS)
                await self._round()
        finally:
            self._walking = None

    async def _round(self) -> None:
        asked = {caller for caller, _ in self._open.values()}
        try:
            verdicts = await in_thread(standing, asked)
        except Exception:
            # Nobody is put out because the database is away; it is asked again in a moment.
            logger.warning("open sockets' credentials cannot be checked now", exc_info=True)
            return
        for ticket, (caller, tell) in list(self._open.items()):
            verdict = verdicts.get(caller, caller)
            if verdict != caller:
                if isinstance(verdict, Caller):
                    self._open[ticket] = (verdict, tell)
                tell(verdict)


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


def standing(callers: Iterable[Caller]) -> dict[Caller, Verdict]:
    """Each caller as it is now, or the code that closes its socket."""
    asked = list(callers)
    keys = [caller for caller in asked if caller.kind == "key"]
    pilots = [caller for caller in asked if caller.kind == "pilot"]
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
    living = _living_families(callers) | _living_sessions(callers)
    rows = Membership.across_organizations.select_related("organization", "pilot").filter(
        organization__in={caller.organization.pk for caller in callers},
        pilot__pilot_id__in={caller.name for caller in callers},
    )
    lacking = second_factor.lacking(rows)
    memberships = {(row.organization_id, row.pilot.pilot_id): row for row in rows if row not in lacking}
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
