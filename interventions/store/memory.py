"""The store that keeps everything in this process, and loses it with it: for development, tests and small tools."""

import heapq
import threading
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from interventions import tallies, trust
from interventions.content import Draft
from interventions.errors import Conflict
from interventions.insight import metrics
from interventions.lifecycle import FINAL, OPEN, Priority, Status, Type, is_past
from interventions.store import arguments
from interventions.store.interface import InterventionStore
from interventions.store.requests import DashboardMetrics, InterventionRequest, request_of


@dataclass(frozen=True, slots=True)
class _Kept:
    """What stands for a row; `number` tells which is newer, `final_since` when its final status came."""

    number: int
    request_id: str
    uow_id: str
    intervention_type: str
    status: str
    priority: int
    title: str
    description: str
    context: dict[str, Any]
    required_role: str
    draft_digest: str
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None
    action_timestamp: datetime | None = None
    assigned_to: str | None = None
    claimed_until: datetime | None = None
    decided_by: str | None = None
    action_reason: str | None = None
    final_since: datetime | None = None


class MemoryStore(InterventionStore, plain=True):
    """Safe for threads. What time and pilots make of a request is decided where it is decided for rows, too."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._kept: dict[str, _Kept] = {}
        self._made = 0
        self._sums = tallies.Sums()

    @property
    def requests(self) -> dict[str, InterventionRequest]:
        """The open ones by id, as they are now."""
        with self._lock:
            return {kept.request_id: _shown(kept) for kept in self._kept.values() if kept.status in OPEN}

    @property
    def history(self) -> list[InterventionRequest]:
        """The decided ones as they are now, in the order of their decisions."""
        with self._lock:
            decided = [kept for kept in self._kept.values() if kept.action_timestamp]
            decided.sort(key=lambda kept: (kept.action_timestamp, kept.number))
            return [_shown(kept) for kept in decided]

    def create_request(
        self,
        request_id: str,
        uow_id: str,
        intervention_type: Type | str,
        title: str,
        description: str,
        priority: str = "normal",
        context: dict[str, Any] | None = None,
        required_role: str = "OPERATOR",
        expires_in_seconds: int | None = 3600,
    ) -> InterventionRequest:
        given = (request_id, uow_id, intervention_type, title, description, priority, context)
        draft = arguments.draft_of(*given, required_role, expires_in_seconds)
        with self._lock:
            first = self._kept.get(draft.request_id) or self._keep_new(draft)
            if first.draft_digest != draft.digest:
                raise Conflict.reused(draft.request_id)
            return _shown(first)

    def get_request(self, request_id: str) -> InterventionRequest | None:
        with self._lock:
            kept = self._kept.get(request_id) if arguments.is_id(request_id) else None
            return _shown(kept) if kept else None

    def update_request(
        self,
        request_id: str,
        status: Status | str,
        action_reason: str | None = None,
        assigned_to: str | None = None,
    ) -> InterventionRequest | None:
        word = arguments.word_of(status, action_reason, assigned_to)
        with self._lock:
            kept = self._kept.get(request_id) if arguments.is_id(request_id) else None
            return _shown(self._change(kept, word)) if kept else None

    def get_pending_requests(self, pilot_id: str | None = None, limit: int = 50) -> list[InterventionRequest]:
        pilot_id, count = arguments.filters_of(pilot_id=pilot_id)["pilot_id"], arguments.count_of("limit", limit)
        now = _now()
        with self._lock:
            pending = [
                kept
                for kept in self._kept.values()
                if _waits(kept, now) and (pilot_id is None or kept.assigned_to == pilot_id)
            ]
            urgent = heapq.nsmallest(min(count, len(pending)), pending, key=lambda kept: (kept.priority, kept.number))
            return [_shown(kept) for kept in urgent]

    def get_requests_by_status(
        self, status: Status | str, limit: int = 50, offset: int = 0
    ) -> list[InterventionRequest]:
        wanted = arguments.filters_of(status=status)["status"]
        return self._newest(lambda kept: kept.status == wanted, limit, offset)

    def get_requests_by_priority(self, priority: str, limit: int = 50) -> list[InterventionRequest]:
        wanted = arguments.filters_of(priority=priority)["priority"]
        return self._newest(lambda kept: kept.priority == wanted, limit)

    def get_requests_by_pilot(
        self, pilot_id: str, status: Status | str | None = None, limit: int = 50
    ) -> list[InterventionRequest]:
        pilot = arguments.pilot_of(pilot_id)
        wanted = None if status is None else arguments.filters_of(status=status)["status"]
        return self._newest(lambda kept: kept.assigned_to == pilot and wanted in (None, kept.status), limit)

    def get_metrics(self) -> DashboardMetrics:
        now = _now()
        with self._lock:
            counts = [
                metrics.Counted(kind, priority, status, number, self._sums.seconds[day, kind, priority, status])
                for (day, kind, priority, status), number in self._sums.counts.items()
                if day == tallies.ALL_TIME and number
            ]
            stored = [kept for kept in self._kept.values() if kept.status == Status.PENDING]
            waiting = [kept.created_at for kept in stored if _waits(kept, now)]
            figures = metrics.figures(counts, self._sums.pilots, len(stored) - len(waiting))
        oldest = metrics.seconds_since(min(waiting), now) if waiting else None
        return DashboardMetrics(**figures | {"oldest_pending_seconds": oldest})

    def mark_expired(self) -> int:
        with self._lock:
            now = _now()
            due = [kept for kept in self._kept.values() if kept.status in OPEN and is_past(kept.expires_at, now)]
            for kept in due:
                self._change(kept, trust.Word(Status.EXPIRED))
            return len(due)

    def clear_archived(self, days: int = 90) -> int:
        age = arguments.age_of(days)
        with self._lock:
            before = _now() - age
            old = [kept for kept in self._kept.values() if kept.final_since and kept.final_since <= before]
            for kept in old:
                del self._kept[kept.request_id]
            return len(old)

    def each_request(self) -> Iterator[InterventionRequest]:
        with self._lock:
            there = list(self._kept.values())
        return map(_shown, there)

    def _keep_new(self, draft: Draft) -> _Kept:
        now, lifetime = _now(), draft.expires_in_seconds
        self._made += 1
        kept = _Kept(
            number=self._made,
            request_id=draft.request_id,
            uow_id=draft.uow_id,
            intervention_type=draft.intervention_type,
            status=Status.PENDING.value,
            priority=Priority.of(draft.priority).value,
            title=draft.title,
            description=draft.description,
            context=draft.context,
            required_role=draft.required_role,
            draft_digest=draft.digest,
            created_at=now,
            updated_at=now,
            expires_at=None if lifetime is None else now + timedelta(seconds=lifetime),
        )
        self._kept[kept.request_id] = kept
        self._sums.add(tallies.move_of(kept, None, now))
        return kept

    def _change(self, kept: _Kept, word: trust.Word) -> _Kept:
        now = _now()
        for step in trust.steps(kept, word, now):
            changed = replace(kept, **step.changes, updated_at=now)
            if changed.status != kept.status:
                changed = replace(changed, final_since=now if changed.status in FINAL else None)
                self._sums.add(tallies.move_of(changed, kept.status, now, tallies.counted_for(kept)))
            kept = self._kept[kept.request_id] = changed
        return kept

    def _newest(self, fits: Callable[[_Kept], bool], limit: int, offset: int = 0) -> list[InterventionRequest]:
        first = arguments.count_of("offset", offset)
        last = first + arguments.count_of("limit", limit)
        with self._lock:
            # New ones are added at the end.
            found = islice((kept for kept in reversed(self._kept.values()) if fits(kept)), first, last)
            return [_shown(kept) for kept in found]


def _now() -> datetime:
    return datetime.now(UTC)


def _waits(kept: _Kept, now: datetime) -> bool:
    return kept.status == Status.PENDING and not is_past(kept.expires_at, now)


def _shown(kept: _Kept) -> InterventionRequest:
    return request_of(replace(kept, context=deepcopy(kept.context)))
