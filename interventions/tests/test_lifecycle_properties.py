"""Whatever pilots, agents, sweeps and the clock do in whatever order: the real lifecycle agrees with a small model of
it, the invariants hold, the log replayed over an old snapshot gives the new one, and no organization sees another's."""

import hashlib
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from conftest import Clock, World
from interventions import actions, events, invariants, wire
from interventions.actions import IdempotencyKey, Seen
from interventions.content import draft_of
from interventions.insight import metrics
from interventions.lifecycle import Priority, Type
from interventions.models import Event, Intervention
from interventions.tests.lifecycle_model import OK, OPEN, ROLE, Model, Request, home_of
from pilots import database
from pilots.errors import DomainError

pytestmark = [pytest.mark.long, pytest.mark.embedded]

# Steps of the clock whose sums never meet a deadline or a lease exactly: the model has no milliseconds.
STEPS = [timedelta(minutes=4.1), timedelta(minutes=11), timedelta(minutes=61)]
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
IDS = ["a", "b", "c", "d"]

people = st.sampled_from(["ada", "otto", "olga", "ada", "otto", "olga", "vera", "gina"])
agents = st.sampled_from(["agent", "agent", "agent", "globex-agent"])
# Mostly those who may, now and then those who may not.
pilots = st.sampled_from(["ada", "otto", "olga"] * 6 + ["vera", "gina", "agent"])
owners = st.sampled_from(["agent"] * 8 + ["globex-agent", "otto"])
ids = st.sampled_from(IDS)
# One of the requests there are; the last number stands for one that is not there.
places = st.integers(0, 15)
reasons = st.sampled_from([None, "because", "because", "for another reason"])
answers = st.sampled_from([None, None, None, {"n": 1}, {"n": 1}, {"n": 2}, {"n": True}])
versions = st.sampled_from([None, None, None, None, None, 1, 2])
pilots_verbs = st.sampled_from(["claim", "release", "assign", "comment", "extend", "reject"] + ["approve"] * 4)
manners = st.fixed_dictionaries(
    {
        "reason": reasons,
        "response": answers,
        "version": versions,
        "take_over": st.booleans(),
        "to": people,
        "seconds": st.sampled_from([600, 3600, None]),
    }
)
requests = st.fixed_dictionaries(
    {
        "request_id": ids,
        "uow_id": st.sampled_from(["u1", "u2"]),
        "title": st.sampled_from(["One", "One", "Two"]),
        "intervention_type": st.sampled_from(["clarification"] * 4 + ["resume", "kill_switch"]),
        "priority": st.sampled_from(["critical", "normal"]),
        "required_role": st.sampled_from(["OPERATOR", "OPERATOR", "OPERATOR", "ADMIN"]),
        "approvals_required": st.sampled_from([1, 1, 2, 3]),
        "response_schema": st.sampled_from([None, None, SCHEMA]),
        "expires_in_seconds": st.sampled_from([600, 3600, 3600, None, None]),
    }
)
# What a client does not learn from events: a renewed lease.
UNTOLD = {"claimed_until"}


class Lifecycle(RuleBasedStateMachine):
    world: ClassVar[World]
    clock: ClassVar[Clock]

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.clock.ahead = timedelta()
        self.model = Model()
        self.keys: dict[tuple[str, str], tuple[str, str, timedelta]] = {}
        self.old: dict[str, dict[str, Any]] = {}
        self.old_seq = 0
        self.steps = 0

    def teardown(self) -> None:
        try:
            self.steps = 0
            self.the_tables_agree_with_themselves()
            self.the_figures_are_a_recount()
            self.the_log_replayed_over_an_old_snapshot_gives_the_new_one()
        finally:
            transaction.set_rollback(True)
            self.atomic.__exit__(None, None, None)

    # What may happen

    @initialize(first=requests, second=requests)
    def begin(self, first: dict[str, Any], second: dict[str, Any]) -> None:
        self.create("agent", first | {"request_id": "a"}, None)
        self.create("agent", second | {"request_id": "b"}, None)

    @rule(who=st.one_of(agents, agents, agents, people), asked=requests, key=st.sampled_from([None, None, "k1", "k2"]))
    def create(self, who: str, asked: dict[str, Any], key: str | None) -> None:
        if key is not None:
            self.create_once(who, asked, key)
            return
        new = self.model.find(who, asked["request_id"]) is None
        code, result = self.attempt(lambda: actions.create(self.caller(who), draft_of(asked)))
        assert code == self.model.create(who, asked)
        assert code != OK or result.created == new

    @rule(who=agents, batch=st.lists(requests, min_size=2, max_size=3))
    def create_batch(self, who: str, batch: list[dict[str, Any]]) -> None:
        trial = Model()
        trial.requests, trial.now = dict(self.model.requests), self.model.now
        # Ids are looked at in their own order; of one id the first that was sent counts.
        expected = [trial.create(who, asked) for asked in sorted(batch, key=lambda asked: str(asked["request_id"]))]
        refusals = [code for code in expected if code != OK]
        drafts = [draft_of(asked) for asked in batch]
        code, _ = self.attempt(lambda: actions.create_many(self.caller(who), drafts))
        assert code == (refusals[0] if refusals else OK)
        if not refusals:
            for asked in batch:
                self.model.create(who, asked)

    def create_once(self, who: str, asked: dict[str, Any], key: str) -> None:
        body = hashlib.sha256(str(sorted(asked.items(), key=str)).encode()).hexdigest()
        first = self.keys.get((who, key))
        if first is not None and self.model.now - first[2] > timedelta(days=1):
            first = None
        once = IdempotencyKey(key, body)
        code, result = self.attempt(lambda: actions.create(self.caller(who), draft_of(asked), once))
        if first is not None and who not in ROLE:
            assert code == (OK if first[0] == body else "idempotency_key_reused")
            assert code != OK or result.row.request_id == first[1]
            return
        assert code == self.model.create(who, asked)
        if code == OK:
            self.keys[(who, key)] = (body, asked["request_id"], self.model.now)

    def act(self, verb: str, who: str, name: int, how: dict[str, Any]) -> None:
        model, reason, response, seen = self.model, how["reason"], how["response"], Seen(version=how["version"])
        given, ask = {
            "claim": ({"take_over": how["take_over"]}, lambda it: model.claim(who, it, how["take_over"])),
            "release": ({}, lambda it: model.release(who, it)),
            "assign": ({"pilot_id": f"local:{how['to']}"}, lambda it: model.assign(who, it, how["to"])),
            "comment": ({"text": "hm"}, lambda it: model.comment(who, it)),
            "extend": ({"expires_in_seconds": how["seconds"]}, lambda it: model.extend(who, it, how["seconds"])),
            "approve": (
                {"reason": reason, "response": response, "seen": seen},
                lambda it: model.approve(who, it, reason, response, how["version"]),
            ),
            "reject": ({"reason": reason, "seen": seen}, lambda it: model.reject(who, it, reason, how["version"])),
            "cancel": ({"reason": reason}, lambda it: model.cancel(who, it, reason)),
            "complete": ({"outcome": response}, lambda it: model.complete(who, it, response)),
        }[verb]
        self.both(verb, who, self.chosen(name), given, ask)

    @rule(verb=pilots_verbs, who=pilots, name=places, how=manners)
    def a_pilot_acts(self, verb: str, who: str, name: int, how: dict[str, Any]) -> None:
        self.act(verb, who, name, how)

    @rule(verbs=st.lists(pilots_verbs, min_size=2, max_size=5), who=pilots, name=places, how=manners)
    def a_pilot_insists(self, verbs: list[str], who: str, name: int, how: dict[str, Any]) -> None:
        """Several verbs on one request, the clock standing still."""
        for verb in verbs:
            self.act(verb, who, name, how)

    @rule(verb=st.sampled_from(["complete", "complete", "cancel"]), who=owners, name=places, how=manners)
    def an_agent_acts(self, verb: str, who: str, name: int, how: dict[str, Any]) -> None:
        self.act(verb, who, name, how)

    @rule(who=st.sampled_from(["ada", "otto", "olga"]), name=places, how=manners)
    def a_claim_lapses(self, who: str, name: int, how: dict[str, Any]) -> None:
        self.act("claim", who, name, how | {"take_over": True})
        self.time_passes(STEPS[1])

    @rule(who=st.sampled_from(["ada", "otto", "gina"]), names=st.lists(places, min_size=1, max_size=4), reason=reasons)
    def decide_many(self, who: str, names: list[int], reason: str | None) -> None:
        chosen = [self.chosen(name) for name in names]
        verdicts = actions.decide_many(self.caller(who), chosen, "approve", reason=reason)
        for name, verdict in zip(chosen, verdicts, strict=True):
            it = self.model.find(who, name)
            expected = self.expected("approve", who, it, lambda it: self.model.approve(who, it, reason, None, None))
            assert (verdict.code or OK, verdict.status) == (expected, it.status if it else None)

    @rule(who=people, kind=st.sampled_from([Type.CLARIFICATION, Type.RESUME]), uow=st.sampled_from(["u1", "u2", "u3"]))
    def command(self, who: str, kind: Type, uow: str) -> None:
        it = self.model.oldest_open(who, kind, uow)
        code, row = self.attempt(lambda: actions.command(self.caller(who), kind, uow, reason="do"))
        if ROLE[who] == "VIEWER":
            assert code == "forbidden"
        elif it is not None:
            assert code == self.expected("approve", who, it, lambda it: self.model.approve(who, it, "do", None, None))
        else:
            assert code == OK
            asked = {"request_id": row.request_id, "intervention_type": kind, "uow_id": uow, "response_schema": None}
            made = Request(home_of(who), row.request_id, asked | {"approvals_required": 1}, None)
            self.model.requests[(made.organization, made.request_id)] = made
            made.approvals.append(who)
            self.model.decide(who, made, "APPROVED", "do")

    @rule(who=agents)
    def deliver(self, who: str) -> None:
        rows = Intervention.objects.for_caller(self.caller(who))
        due = rows.filter(delivered_at=None).exclude(status__in=[*OPEN, "CANCELLED"]).count()
        assert actions.record_delivery(self.caller(who), IDS) <= due

    @rule(step=st.sampled_from(STEPS))
    def time_passes(self, step: timedelta) -> None:
        self.clock.ahead += step
        self.model.now += step

    @rule()
    def expire(self) -> None:
        assert actions.expire_due() == self.model.expire()

    @rule()
    def lapse(self) -> None:
        assert actions.release_lapsed() == self.model.lapse()

    @precondition(lambda self: self.model.requests)
    @rule()
    def remember(self) -> None:
        """A client takes a snapshot here, and follows the events from here on."""
        self.old, self.old_seq = self.fresh(), metrics.snapshot(self.world.acme.pk)["seq"]

    # What must hold after each. What is broken stays broken, so that the dear checks need not follow every step.

    @invariant()
    def the_tables_agree_with_themselves(self) -> None:
        self.steps += 1
        if self.steps % 4 != 1:
            return
        assert invariants.check(self.world.acme.pk) == []
        assert invariants.check(self.world.globex.pk) == []

    @invariant()
    def the_rows_are_as_the_model_says(self) -> None:
        rows = Intervention.across_organizations.select_related("organization").prefetch_related("approvals")
        found = {(row.organization.slug, row.request_id): as_told(row) for row in rows}
        assert found == {key: as_expected(it) for key, it in self.model.requests.items()}

    @invariant()
    def the_log_replayed_over_an_old_snapshot_gives_the_new_one(self) -> None:
        if self.steps % 4 != 1:
            return
        shown, fresh = {name: dict(row) for name, row in self.old.items()}, self.fresh()
        for event in events.since(self.world.acme.pk, self.old_seq, limit=10_000):
            apply(shown, event, fresh)
        assert without(shown, UNTOLD) == without(fresh, UNTOLD)

    @invariant()
    def the_figures_are_a_recount(self) -> None:
        if self.steps % 4 != 1:
            return
        for organization in (self.world.acme, self.world.globex):
            mine = [it for it in self.model.requests.values() if it.organization == organization.slug]
            now = Counter(it.status for it in mine)
            late = sum(it.status == "PENDING" and self.model.past(it) for it in mine)
            figures = metrics.snapshot(organization.pk)
            assert figures["total_interventions"] == len(mine)
            assert figures["pending_interventions"] == now["PENDING"] - late
            assert figures["in_progress_interventions"] == now["IN_PROGRESS"]
            assert figures["approved_interventions"] == now["APPROVED"] + now["COMPLETED"]
            assert figures["by_type"] == dict(Counter(it.kind for it in mine))
            decided = [it for it in mine if it.status in ("APPROVED", "COMPLETED", "REJECTED")]
            top = Counter(f"local:{it.assigned or it.decided_by}" for it in decided)
            assert {row["pilot_id"]: row["interventions"] for row in figures["top_pilots"]} == dict(top)

    @invariant()
    def what_counts_as_open_is_what_can_be_decided(self) -> None:
        rows = Intervention.objects.for_organization(self.world.acme.pk).open(database.now())
        mine = [it for it in self.model.requests.values() if it.organization == "acme"]
        expected = {it.request_id for it in mine if it.status in OPEN and not self.model.past(it)}
        assert set(rows.values_list("request_id", flat=True)) == expected

    # How it is asked

    def caller(self, who: str) -> Any:
        return self.world.pilot(who) if who in ROLE else self.world.key(who)

    def attempt(self, call: Callable[[], Any]) -> tuple[str, Any]:
        try:
            return OK, call()
        except DomainError as refusal:
            return refusal.code, None

    def expected(self, verb: str, who: str, it: Request | None, ask: Callable[[Request], str]) -> str:
        refusal = self.model.refused(who, verb, it)
        return ask(it) if it and not refusal else str(refusal)

    def chosen(self, place: int) -> str:
        there = sorted({request_id for _, request_id in self.model.requests})
        return there[place % len(there)] if there and place < 15 else "nowhere"

    def both(self, verb: str, who: str, name: str, given: dict[str, Any], ask: Callable[[Request], str]) -> None:
        code, row = self.attempt(lambda: getattr(actions, verb)(self.caller(who), name, **given))
        it = self.model.find(who, name)
        assert code == self.expected(verb, who, it, ask)
        assert row is None or it is None or row.version == it.version

    def fresh(self) -> dict[str, dict[str, Any]]:
        rows = Intervention.objects.for_organization(self.world.acme.pk).with_approvals()
        return {row.request_id: wire.intervention(row) for row in rows}


def apply(shown: dict[str, dict[str, Any]], event: Event, fresh: dict[str, dict[str, Any]]) -> None:
    """What a client does with an event; of a new request it fetches what never changes."""
    if event.type == "created":
        never_changing = ("description", "context", "tags", "response_schema", "response", "outcome", "assigned_to")
        nobody = ("decided_by", "action_reason", "action_timestamp", "delivered_at", "claimed_until")
        row = {name: fresh[event.request_id][name] for name in never_changing[:4]}
        row |= dict.fromkeys((*never_changing[4:], *nobody)) | {"request_id": event.request_id, "approvals": []}
        shown[event.request_id] = row | {"created_at": wire.moment(event.at)}
    row = shown[event.request_id]
    row |= {name: value for name, value in event.data.items() if name in fresh[event.request_id]}
    if event.type != "delivered":
        row["updated_at"] = wire.moment(event.at)


def without(rows: dict[str, dict[str, Any]], names: set[str]) -> dict[str, dict[str, Any]]:
    return {key: {name: value for name, value in row.items() if name not in names} for key, row in rows.items()}


def as_told(row: Intervention) -> dict[str, Any]:
    shown = wire.intervention(row)
    return {
        "status": row.status,
        "version": row.version,
        "assigned": (row.assigned_to or "").removeprefix("local:") or None,
        "leased": isinstance(row.claimed_until, datetime),
        "approvals": [item["pilot_id"].removeprefix("local:") for item in shown["approvals"]],
        "response": row.response,
        "decided_by": (row.decided_by or "").removeprefix("local:") or None,
        "reason": row.action_reason,
        "outcome": row.outcome,
        "role": row.required_role,
        "priority": Priority(row.priority).word,
    }


def as_expected(it: Request) -> dict[str, Any]:
    return {
        "status": it.status,
        "version": it.version,
        "assigned": it.assigned,
        "leased": it.lease is not None,
        "approvals": it.approvals,
        "response": it.response,
        "decided_by": it.decided_by,
        "reason": it.reason,
        "outcome": it.outcome,
        "role": it.role,
        "priority": it.asked.get("priority", "normal"),
    }


def test_the_lifecycle_holds_whatever_happens(world: World, clock: Clock) -> None:
    Lifecycle.world, Lifecycle.clock = world, clock
    # The same disorder in every run: what a run finds, the next one finds again. More examples explore further.
    few = settings(
        max_examples=40,
        stateful_step_count=40,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Lifecycle, settings=few)
