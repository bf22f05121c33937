"""Which decisions have just gone out to an agent over a socket? Recorded together, a moment after they were sent."""

import asyncio
import contextvars
import logging
from collections import defaultdict

from interventions import actions
from interventions.lifecycle import ANSWERS
from interventions.live.database import in_organization
from interventions.wire import JSON
from pilots.caller import Caller

logger = logging.getLogger(__name__)

GATHER_SECONDS = 0.2


def is_news_to_agents(intervention: JSON | None) -> bool:
    """Whether sending this to an agent is the first time that it hears the decision."""
    return intervention is not None and intervention["status"] in ANSWERS and intervention["delivered_at"] is None


class Deliveries:
    """One per loop. What cannot be recorded now is not kept: the next delivery of the same decision records it."""

    def __init__(self) -> None:
        self._sent: defaultdict[Caller, set[str]] = defaultdict(set)
        self._recording: asyncio.Task[None] | None = None

    def note(self, caller: Caller, request_ids: list[str]) -> None:
        self._sent[caller].update(request_ids)
        if self._recording is None:
            self._recording = asyncio.get_running_loop().create_task(self._record(), context=contextvars.Context())

    async def _record(self) -> None:
        try:
            while self._sent:
                await asyncio.sleep(GATHER_SECONDS)
                sent, self._sent = self._sent, defaultdict(set)
                for caller, request_ids in sent.items():
                    await in_organization(caller.organization.pk, actions.record_delivery, caller, sorted(request_ids))
        except Exception:
            logger.warning("deliveries could not be recorded", exc_info=True)
        finally:
            self._recording = None


_deliveries: dict[asyncio.AbstractEventLoop, Deliveries] = {}


def get_deliveries() -> Deliveries:
    """Those of the running loop."""
    loop = asyncio.get_running_loop()
    deliveries = _deliveries.get(loop)
    if deliveries is None:
        for other in [other for other in list(_deliveries) if other.is_closed()]:
            _deliveries.pop(other, None)
        deliveries = _deliveries[loop] = Deliveries()
    return deliveries
