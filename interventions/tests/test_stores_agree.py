"""The same calls in whatever order leave equal requests and figures in every store, moments apart."""

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import World
from interventions import events, invariants
from interventions.likeness import MOMENTS
from interventions.store import DashboardMetrics, DatabaseStore, InterventionRequest, MemoryStore, MirroredStore
from pilots.errors import DomainError
from pilots.models import Organization

pytestmark = pytest.mark.embedded

NAMES = st.sampled_from(["a", "b", "c"])
PILOTS = st.sampled_from([None, "olga", "local:otto", "system"])
STATUSES = ["PENDING", "IN_PROGRESS", "APPROVED", "REJECTED", "EXPIRED", "COMPLETED", "CANCELLED", "OTHER"]
CALLS = st.one_of(
    st.tuples(
        st.just("create_request"),
        st.fixed_dictionaries(
            {
                "request_id": NAMES,
                "uow_id": st.just("u"),
                "intervention_type": st.sampled_from(["kill_switch", "resume"]),
                "title": st.sampled_from(["one", "one", "two", ""]),
                "description": st.just(""),
                "priority": st.sampled_from(["normal", "critical"]),
                "context": st.sampled_from([None, {}, {"a": 1.0}, {"a": 1}]),
                "expires_in_seconds": st.sampled_from([3600, None, 0, -5]),
            }
        ),
    ),
    *[
        st.tuples(
            st.just("update_request"),
            st.fixed_dictionaries(
                {
                    "request_id": NAMES,
                    "status": st.sampled_from(STATUSES),
                    "action_reason": st.sampled_from([None, "", "why"]),
                    "assigned_to": PILOTS,
                }
            ),
        )
    ]
    * 3,
    st.tuples(st.just("mark_expired"), st.just({})),
    st.tuples(st.just("clear_archived"), st.fixed_dictionaries({"days": st.sampled_from([0, 1])})),
)
EVERY_TIME = settings(
    max_examples=15, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


def outcome(store: Any, verb: str, given: dict[str, Any]) -> Any:
    try:
        return timeless(getattr(store, verb)(**given))
    except DomainError as refusal:
        return refusal.code


def timeless(answer: Any) -> Any:
    if isinstance(answer, InterventionRequest):
        shown = answer.to_dict()
        return shown | {name: shown[name] is not None for name in MOMENTS}
    return answer


def counted(figures: DashboardMetrics) -> dict[str, Any]:
    measured = ("seq", "epoch", "avg_resolution_time_seconds", "oldest_pending_seconds")
    return {name: value for name, value in figures.to_dict().items() if name not in measured}


@EVERY_TIME
@given(calls=st.lists(CALLS, min_size=8, max_size=20))
def agree(calls: list[tuple[str, dict[str, Any]]]) -> None:
    organization, other = (Organization.objects.create(slug=f"org-{uuid4().hex}", name="One") for _ in range(2))
    mirror = MirroredStore(MemoryStore(), DatabaseStore(other))
    stores = [MemoryStore(), DatabaseStore(organization), mirror]
    for verb, given_ in calls:
        outcomes = [outcome(store, verb, given_) for store in stores]
        assert outcomes[0] == outcomes[1] == outcomes[2], (verb, given_)
    first, *others = [
        {name: timeless(it) for name, it in store.find_requests(["a", "b", "c"]).items()} for store in stores
    ]
    figures = [counted(store.get_metrics()) for store in stores]
    assert (others, figures[1:]) == ([first] * 2, [figures[0]] * 2)
    assert (mirror.compare(), mirror.differences) == ([], 0)
    for one in (organization, other):
        assert (invariants.check(one.pk), events.audit(one.pk).findings) == ([], [])


def test_the_same_calls_leave_equal_requests_in_every_store(world: World) -> None:
    agree()
