"""The store, whatever keeps the requests: one suite for memory, database and both at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from conftest import Clock, World, stored, told
from interventions import actions, events, invariants
from interventions.actions import archiving
from interventions.content import draft_of
from interventions.likeness import MOMENTS
from interventions.models import Event
from interventions.store import (
    Conflict,
    DatabaseStore,
    InterventionRequest,
    InterventionStatus,
    InterventionStore,
    InterventionType,
    MemoryStore,
    MirroredStore,
    memory,
)
from pilots.errors import InvalidInput
from pilots.models import Organization

pytestmark = pytest.mark.embedded

KINDS = ("memory", "database", "mirrored")
ASKED = ("uow-1", InterventionType.CLARIFICATION, "Which vendor?", "Two have the same name.")


def make(kind: str, organization: Organization) -> Any:
    made = {
        "memory": InterventionStore,
        "database": lambda: DatabaseStore(organization),
        "mirrored": lambda: MirroredStore(DatabaseStore(organization), MemoryStore()),
    }
    return made[kind]()


def require_sound(organization: Organization) -> None:
    assert invariants.check(organization.pk) == []
    assert events.audit(organization.pk).findings == []


@pytest.fixture
def clock(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr(memory, "_now", lambda: datetime.now(UTC) + clock.ahead)
    return clock


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, world: World) -> Iterator[Any]:
    """Whatever a test does to it: row, log and figures agree afterwards, and so do the two of a mirror."""
    store = make(request.param, world.acme)
    yield store
    require_sound(world.acme)
    if isinstance(store, MirroredStore):
        assert (store.compare(), store.differences) == ([], 0)


def ask(store: Any, request_id: str = "r", **more: Any) -> InterventionRequest:
    request: InterventionRequest = store.create_request(request_id, *ASKED, **more)
    return request


def ids(requests: list[InterventionRequest]) -> list[str]:
    return [request.request_id for request in requests]


# The API of the earlier store


def test_a_request_is_given_out_as_it_always_was(store: Any) -> None:
    request = ask(store, priority="high", context={"a": [1, {"b": None}]}, expires_in_seconds=60)
    assert store.get_request("r") == request
    shown = request.to_dict()
    moments = {name: shown.pop(name) for name in MOMENTS}
    assert shown == {
        "request_id": "r",
        "uow_id": "uow-1",
        "intervention_type": "clarification",
        "status": "PENDING",
        "priority": "high",
        "title": "Which vendor?",
        "description": "Two have the same name.",
        "context": {"a": [1, {"b": None}]},
        "required_role": "OPERATOR",
        "assigned_to": None,
        "action_reason": None,
    }
    created, expires = (datetime.fromisoformat(moments[name]) for name in ("created_at", "expires_at"))
    assert created.tzinfo is None
    assert abs(datetime.now(UTC).replace(tzinfo=None) - created) < timedelta(minutes=1)
    assert expires - created == timedelta(seconds=60)
    assert moments["action_timestamp"] is None
    assert isinstance(request.status, InterventionStatus)
    assert isinstance(request.intervention_type, InterventionType)


def test_called_by_itself_it_keeps_the_open_and_the_decided_in_memory() -> None:
    store = InterventionStore()
    assert isinstance(store, MemoryStore)
    ask(store, "open")
    ask(store, "first")
    ask(store, "second")
    store.update_request("second", "REJECTED")
    store.update_request("first", InterventionStatus.APPROVED)
    assert (list(store.requests), ids(store.history)) == (["open"], ["second", "first"])
    measured = {"oldest_pending_seconds": 0, "avg_resolution_time_seconds": 0}
    assert store.get_metrics().to_dict() | measured == {
        "total_interventions": 3,
        "pending_interventions": 1,
        "approved_interventions": 1,
        "rejected_interventions": 1,
        "avg_resolution_time_seconds": 0,
        "by_type": {"clarification": 3},
        "by_priority": {"normal": 3},
        "top_pilots": [{"pilot_id": "system", "interventions": 2}],
        "in_progress_interventions": 0,
        "expired_interventions": 0,
        "completed_interventions": 0,
        "cancelled_interventions": 0,
        "approval_rate": 0.5,
        "oldest_pending_seconds": 0,
        "seq": 0,
        "epoch": None,
    }


def test_the_same_again_gives_the_first_one_and_another_raises(store: Any) -> None:
    first = ask(store)
    assert ask(store) == first
    decided = store.update_request("r", "APPROVED", "yes", "pilot-7")
    assert ask(store) == decided
    with pytest.raises(Conflict) as refused:
        ask(store, priority="low")
    assert (refused.value.code, isinstance(refused.value, ValueError)) == ("request_id_reused", True)


@pytest.mark.parametrize(
    ("kind", "asked", "needed"),
    [
        ("kill_switch", "OPERATOR", "ADMIN"),
        ("waive_violation", "VIEWER", "ADMIN"),
        ("resume", "VIEWER", "OPERATOR"),
        ("cancel", "ADMIN", "ADMIN"),
    ],
)
def test_what_is_grave_needs_an_admin(store: Any, kind: str, asked: str, needed: str) -> None:
    assert store.create_request("r", "u", kind, "t", "", required_role=asked).required_role == needed


# What a word makes of a request

STATES: dict[str, list[tuple[Any, ...]]] = {
    "pending": [],
    "assigned": [("PENDING", None, "olga")],
    "claimed": [("IN_PROGRESS", None, "olga")],
    "approved": [("APPROVED",)],
    "rejected": [("REJECTED",)],
    "cancelled": [("CANCELLED",)],
    "expired": [("EXPIRED",)],
    "completed": [("COMPLETED",)],
}
# The table of the verbs at every door, without roles and claims; assigning is releasing to somebody.
TABLE = """
            claim    release  assign   approve  reject   cancel   expire   complete
 pending    ok       illegal  ok       ok       ok       ok       ok       ok
 assigned   ok       ok       ok       ok       ok       ok       ok       ok
 claimed    ok       ok       ok       ok       ok       ok       ok       ok
 past       expired  expired  expired  expired  expired  expired  ok       expired
 approved   decided  decided  decided  decided  decided  decided  decided  ok
 rejected   decided  decided  decided  decided  decided  decided  decided  decided
 cancelled  decided  decided  decided  decided  decided  decided  decided  decided
 expired    expired  expired  expired  expired  expired  expired  expired  expired
 completed  decided  decided  decided  decided  decided  decided  decided  decided
"""
VERBS: dict[str, tuple[Any, ...]] = {
    "claim": ("IN_PROGRESS",),
    "release": ("PENDING",),
    "assign": ("PENDING", None, "otto"),
    "approve": ("APPROVED",),
    "reject": ("REJECTED",),
    "cancel": ("CANCELLED",),
    "expire": ("EXPIRED",),
    "complete": ("COMPLETED",),
}
CODES = {"illegal": "illegal_transition", "decided": "already_decided", "expired": "expired"}


def test_every_word_in_every_state(store: Any) -> None:
    head, *lines = [line.split() for line in TABLE.strip().splitlines()]
    for state, *outcomes in lines:
        for verb, outcome in zip(head, outcomes, strict=True):
            name = f"{state}-{verb}"
            ask(store, name, expires_in_seconds=-1 if state == "past" else 3600)
            for word in STATES.get(state, []):
                store.update_request(name, *word)
            before = store.get_request(name)
            if outcome == "ok":
                assert store.update_request(name, *VERBS[verb]).status == VERBS[verb][0], name
                continue
            with pytest.raises(Conflict) as refused:
                store.update_request(name, *VERBS[verb])
            assert (refused.value.code, store.get_request(name)) == (CODES[outcome], before), name


def test_who_has_it_and_why_stay_unless_something_else_is_said(store: Any) -> None:
    def change(*word: Any) -> tuple[Any, ...]:
        request = store.update_request("r", *word)
        assert request == store.get_request("r")
        return request.status, request.assigned_to, request.action_reason, request.action_timestamp is not None

    ask(store)
    assert change("IN_PROGRESS", " ", "pilot-7") == ("IN_PROGRESS", "pilot-7", None, False)
    assert change("IN_PROGRESS") == ("IN_PROGRESS", "pilot-7", None, False)
    assert change("IN_PROGRESS", None, "olga") == ("IN_PROGRESS", "olga", None, False)
    assert change("PENDING") == ("PENDING", None, None, False)
    assert change("PENDING", "knows it", "otto") == ("PENDING", "otto", "knows it", False)
    assert change("APPROVED") == ("APPROVED", "otto", "knows it", True)
    assert change("COMPLETED", "done", "olga") == ("COMPLETED", "olga", "done", True)
    assert store.get_metrics().top_pilots == [{"pilot_id": "olga", "interventions": 1}]


def test_there_is_none_of_an_unknown_id(store: Any) -> None:
    for name in ("nowhere", "", "no/id", "a" * 300, "NUL\x00", "<b>"):
        assert (store.get_request(name), store.update_request(name, "APPROVED")) == (None, None)


def test_time_that_is_over_shows_as_such_before_anybody_marks_it(store: Any, clock: Clock) -> None:
    ask(store, "over", expires_in_seconds=-1)
    ask(store, "soon", expires_in_seconds=60)
    ask(store, "never", expires_in_seconds=0)
    assert ask(store, "ever", expires_in_seconds=None).expires_at is None
    assert ids(store.get_requests_by_status("PENDING")) == ["ever", "never", "soon", "over"]
    assert ids(store.get_pending_requests()) == ["soon", "never", "ever"]
    assert store.get_metrics().pending_interventions == 3
    assert store.mark_expired() == 1
    clock.forward(days=400)
    assert (store.mark_expired(), store.mark_expired()) == (1, 0)
    assert ids(store.get_requests_by_status("EXPIRED")) == ["soon", "over"]
    figures = store.get_metrics()
    assert (figures.expired_interventions, figures.pending_interventions) == (2, 2)


# Lists


def test_lists_have_their_order_and_their_limits(store: Any) -> None:
    for name, priority in (("a", "low"), ("b", "critical"), ("c", "normal"), ("d", "critical")):
        ask(store, name, priority=priority)
    assert ids(store.get_pending_requests()) == ["b", "d", "c", "a"]
    assert ids(store.get_pending_requests(limit=2)) == ["b", "d"]
    assert ids(store.get_requests_by_status("PENDING", limit=2, offset=1)) == ["c", "b"]
    assert ids(store.get_requests_by_priority("critical")) == ["d", "b"]
    store.update_request("c", "PENDING", None, "olga")
    store.update_request("d", "APPROVED", None, "olga")
    assert ids(store.get_pending_requests(pilot_id="olga")) == ["c"]
    assert ids(store.get_requests_by_pilot("olga")) == ["d", "c"]
    assert ids(store.get_requests_by_pilot("olga", "APPROVED")) == ["d"]
    assert ids(store.get_requests_by_pilot("ada", limit=10**30)) == []
    assert ids(store.get_requests_by_status("PENDING", limit=10**30)) == ["c", "b", "a"]
    assert store.get_requests_by_status("PENDING", offset=10**30) == store.get_pending_requests(limit=0) == []


def test_what_is_given_out_is_a_copy(store: Any) -> None:
    context = {"list": [1]}
    request = ask(store, context=context)
    context["list"].append(2)
    request.context["list"].append(3)
    store.get_request("r").title = "other"
    kept = store.get_request("r")
    assert (kept.context, kept.title) == ({"list": [1]}, "Which vendor?")


# What goes


def test_what_was_decided_long_ago_goes_and_is_still_counted(
    store: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archiving, "BATCH", 2)
    for name in ("a", "b", "c", "expired", "late", "open"):
        ask(store, name, expires_in_seconds=-1 if name == "expired" else None)
    store.mark_expired()
    for name, status in (("a", "APPROVED"), ("b", "REJECTED"), ("c", "COMPLETED"), ("late", "APPROVED")):
        store.update_request(name, status, None, "olga")
    clock.forward(days=89)
    store.update_request("late", "COMPLETED")
    clock.forward(days=0.9)
    assert store.clear_archived() == 0
    clock.forward(days=0.2)
    figures = store.get_metrics().to_dict()
    assert store.clear_archived() == 4
    assert [store.get_request(name) for name in ("a", "expired")] == [None, None]
    assert ids(store.get_requests_by_pilot("olga")) == ["late"]
    after = store.get_metrics().to_dict()
    assert after | {"oldest_pending_seconds": 0} == figures | {"oldest_pending_seconds": 0}
    # The id is free again, the story of the first request stays in the log.
    assert ask(store, "a", priority="low").status == "PENDING"
    assert store.clear_archived(10**30) == 0
    assert store.clear_archived(0) == 1


# Bad input

TEXTS = ["NUL\x00", "half \ud800"]
REFUSED: list[tuple[str, dict[str, Any]]] = [
    *[("title", {"title": text}) for text in (*TEXTS, "", " \n", "x" * 256, None, 7, "x" * 65_536)],
    *[("description", {"description": text}) for text in (*TEXTS, None, "x" * 10_001)],
    *[("uow_id", {"uow_id": text}) for text in (*TEXTS, "", "a/b", "a\r\nb")],
    *[("request_id", {"request_id": text}) for text in (None, "", "a b", "pending", "x" * 256)],
    ("intervention_type", {"intervention_type": "other"}),
    ("priority", {"priority": "urgent"}),
    ("required_role", {"required_role": "ROOT"}),
    *[("expires_in_seconds", {"expires_in_seconds": value}) for value in (1.5, True, "60", 10**12)],
    *[("context", {"context": value}) for value in ([], {"a": object()}, {"a": float("nan")}, {"a": "\x00"})],
    ("context", {"context": {"a": "x" * 70_000}}),
]


def test_what_cannot_be_taken_is_refused_with_its_name(store: Any) -> None:
    sound = dict(zip(("uow_id", "intervention_type", "title", "description"), ASKED, strict=True))
    for name, wrong in REFUSED:
        with pytest.raises(InvalidInput) as refused:
            store.create_request(**{"request_id": "r"} | sound | wrong)
        assert (name in (refused.value.errors or {}), isinstance(refused.value, ValueError)) == (True, True), wrong
    assert store.get_metrics().total_interventions == 0


def test_odd_words_and_questions_change_nothing(store: Any) -> None:
    before = ask(store)
    for word in [("DONE",), ("pending",), (None,), (7,), ("APPROVED", "x" * 2001), ("APPROVED", "\x00")]:
        with pytest.raises(InvalidInput):
            store.update_request("r", *word)
    for pilot in ("", "\x00", "a\nb", "x" * 256, 7):
        with pytest.raises(InvalidInput):
            store.update_request("r", "APPROVED", None, pilot)
        with pytest.raises(InvalidInput):
            store.get_requests_by_pilot(pilot)
    for limit in (-1, 1.0, True, None, "5"):
        with pytest.raises(InvalidInput):
            store.get_pending_requests(limit=limit)
        with pytest.raises(InvalidInput):
            store.get_requests_by_status("PENDING", offset=limit)
        with pytest.raises(InvalidInput):
            store.clear_archived(limit)
    with pytest.raises(InvalidInput):
        store.get_requests_by_priority("urgent")
    with pytest.raises(InvalidInput):
        store.get_request(7)
    assert store.get_request("r") == before


def test_hostile_names_are_plain_identifiers(store: Any) -> None:
    for number, name in enumerate(("<script>alert(1)</script>", "\u202eolga", "system", "key:agent", "local:ada")):
        ask(store, f"r{number}")
        assert store.update_request(f"r{number}", "COMPLETED", name, name).assigned_to == name


# The database


def test_a_completion_of_what_is_open_is_an_approval_first(world: World) -> None:
    store = DatabaseStore(world.acme)
    ask(store)
    store.update_request("r", "COMPLETED", "done", "local:otto")
    assert told("r") == ["created", "approved", "completed"]
    row, ada = stored("r"), world.memberships["otto"].pilot
    assert ([item.pilot_id for item in row.given_approvals()], row.decided_by) == (["local:otto"], "local:otto")
    actors = Event.across_organizations.filter(request_id="r").order_by("seq").values_list("actor", "actor_reference")
    assert list(actors) == [("system", "system"), *[("local:otto", ada.opaque_id.hex)] * 2]
    require_sound(world.acme)


def test_a_living_claim_is_taken_over_on_record(world: World) -> None:
    store = DatabaseStore(world.acme)
    for name in ("claimed", "decided"):
        ask(store, name)
        actions.claim(world.pilot("olga"), name)
    assert store.update_request("claimed", "IN_PROGRESS", None, "local:otto").assigned_to == "local:otto"
    assert stored("claimed").claimed_until is None
    store.update_request("decided", "REJECTED", None, "pilot-7")
    # Without a lease it binds nobody.
    assert actions.approve(world.pilot("olga"), "claimed").status == "APPROVED"
    over = Event.across_organizations.filter(type__in=["claimed", "rejected"]).order_by("seq")
    assert [event.data.get("from") for event in over] == [None, None, "local:olga", "local:olga"]
    require_sound(world.acme)


def test_approvals_and_answers_that_are_asked_for_are_needed_here_too(world: World, ask: Any) -> None:
    store = DatabaseStore(world.acme)
    ask(request_id="two", approvals_required=2)
    for _ in range(2):
        assert store.update_request("two", "APPROVED", None, "pilot-7").status == "PENDING"
    with pytest.raises(Conflict, match="Approvals are missing"):
        store.update_request("two", "COMPLETED", None, "pilot-7")
    assert told("two") == ["created", "approval_added"]
    assert store.update_request("two", "APPROVED", None, "local:ada").status == "APPROVED"
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    ask(request_id="answer", response_schema=schema)
    with pytest.raises(InvalidInput) as refused:
        store.update_request("answer", "COMPLETED")
    assert (refused.value.code, stored("answer").status) == ("response_required", "PENDING")
    require_sound(world.acme)


def test_a_store_sees_and_clears_its_own_organization_only(world: World) -> None:
    ours, theirs = DatabaseStore(world.acme), DatabaseStore(world.globex)
    ask(theirs)
    theirs.update_request("r", "REJECTED")
    assert (ours.get_request("r"), ours.update_request("r", "APPROVED"), ours.clear_archived(0)) == (None, None, 0)
    assert (list(ours.each_request()), len(list(theirs.each_request()))) == ([], 1)


# The mirror


class Broken(MemoryStore):
    def update_request(self, *_word: Any, **_more: Any) -> Any:
        raise OSError("the disk is full")


def test_a_secondary_that_fails_is_the_callers_trouble_never(caplog: pytest.LogCaptureFixture) -> None:
    store = MirroredStore(MemoryStore(), Broken())
    ask(store)
    assert store.update_request("r", "APPROVED", "fine\r\nforged", "olga").status == "APPROVED"
    with pytest.raises(Conflict):
        store.update_request("r", "REJECTED")
    assert (store.differences, "the disk is full" in caplog.text) == (1, True)
    difference, *others = store.compare()
    assert (difference.request_id, others) == ("r", [])
    assert "status is" in difference.problem
    assert "\n" not in difference.problem


def test_the_mirror_names_what_is_not_the_same(world: World) -> None:
    primary, secondary = DatabaseStore(world.acme), MemoryStore()
    store = MirroredStore(primary, secondary)
    ask(primary, "before")
    ask(secondary, "stray")
    ask(secondary, "other", priority="low")
    for name in ("same", "other"):
        (primary if name == "other" else store).create_request(name, *ASKED)
    assert {entry.request_id: entry.problem for entry in store.compare()} == {
        "before": "is not in the secondary",
        "other": "priority is 'normal', in the secondary 'low'",
        "stray": "is in the secondary only",
    }
    store.update_request("before", "CANCELLED")
    assert (store.mark_expired(), store.differences) == (0, 1)
    # What is longer than anybody reads is cut.
    ask(secondary, "long", context={"a": "x" * 9999})
    ask(primary, "long")
    assert max(len(entry.problem) for entry in store.compare()) < 500


def test_threads_get_one_decision_between_them() -> None:
    store = MemoryStore()
    mirror = MirroredStore(store, MemoryStore())
    for number in range(20):
        ask(mirror, f"r{number}")

    def work(name: str) -> int:
        won = 0
        for number in range(20):
            try:
                mirror.update_request(f"r{number}", "APPROVED", None, name)
                won += 1
            except Conflict:
                assert len(store.requests) + len(store.history) == 20
        return won

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, "abcd")) == 20
    assert sum(row["interventions"] for row in store.get_metrics().top_pilots) == 20
    assert (mirror.compare(), mirror.differences) == ([], 0)


def test_a_draft_of_an_agent_and_one_of_the_store_are_the_same(world: World) -> None:
    """A program may move from one door to the other and repeat what it asked."""
    row = actions.create(
        world.key(), draft_of({"request_id": "r", "uow_id": "u", "intervention_type": "resume", "title": "t"})
    )
    request = DatabaseStore(world.acme).create_request("r", "u", "resume", "t", "")
    assert (request.request_id, told("r")) == (row.row.request_id, ["created"])
