"""However much there is, nothing on the way of a request reads a table whole: two organizations with a hundred thousand
decisions each, every statement that each door asks explained.

Whoever adds a statement to one of these ways need not think of it.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from conftest import DRAFT, Api, World
from interventions import actions, history
from interventions.delivery import ledger, outbox
from interventions.lifecycle import Priority
from pilots.models import Pilot
from tests.past import told_past
from tests.plans import explained

pytestmark = pytest.mark.long

EACH = 100_000
OPEN = 2_000
LIST = "/api/interventions"
# Words of tests/past.py: in one request of 400,000; in each; in none; in each and in none; in two of five hundred.
WORDS = ["heron", "vendor", "nowhere", "vendor nowhere", "uow 77", "old-4711", "vendor old-4711", "on", "pay 4"]


@pytest.fixture
def long_past(world: World, ask: Callable[..., Any]) -> World:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite's plans do not depend on how much there is")
    for organization in (world.globex, world.acme):
        told_past(organization.pk, EACH)
    for number in range(OPEN // 100):
        drafts = [DRAFT | {"request_id": f"open-{number}-{place}", "tags": ["eu"]} for place in range(100)]
        Api(world.bearer("agent")).post(f"{LIST}/batch", {"interventions": drafts})
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE interventions_intervention, interventions_searchentry, interventions_event")
    return world


def lists() -> Iterator[str]:
    for ordering in ("created_at", "-created_at", "priority", "updated_at", "-updated_at"):
        yield f"{LIST}?ordering={ordering}"
    for status in ("PENDING", "IN_PROGRESS", "APPROVED", "CANCELLED"):
        yield f"{LIST}?status={status}"
    yield from (f"{LIST}?priority={priority.word}" for priority in Priority)
    yield from (f"{LIST}?intervention_type={kind}" for kind in ("resume", "kill_switch"))
    yield from (f"{LIST}?tag={tag}" for tag in ("finance", "t7", "none"))
    yield from (f"{LIST}?assigned_to={name}" for name in ("local:otto", "local:nobody"))
    yield from (f"{LIST}?uow_id={uow}" for uow in ("uow-7", "none"))
    yield f"{LIST}?created_after=2026-01-01T00:00:00Z&created_before=2026-01-02T00:00:00Z"
    yield from (f"{LIST}?q={words}" for words in WORDS)
    yield f"{LIST}?q=vendor&status=PENDING"
    yield f"{LIST}/pending"
    yield f"{LIST}/pending?pilot_id=local:otto&offset=1000"
    yield f"{LIST}/metrics"
    yield from (
        f"{LIST}/{name}{rest}" for name in ("old-50000", "open-3-3") for rest in ("", "/events", "/decision?wait=0")
    )
    yield "/api/events?after=90000&wait=0"


def pages() -> Iterator[str]:
    yield from ("/o/acme/", "/o/acme/?tag=eu", "/o/acme/?tab=mine", "/o/acme/?priority=normal&assignee=local:otto")
    yield from (f"/o/acme/?q={words}" for words in WORDS)
    yield from ("/o/acme/unclaimed", "/o/acme/interventions/open-3-3", "/o/acme/interventions/open-3-3/related")
    yield from ("/o/acme/interventions/old-50000?history=q%3Dvendor", "/o/acme/interventions/old-50000/related")
    yield "/o/acme/history"
    for query in (
        "outcome=expired",
        "actor=local:p7",
        "actor=local:nobody",
        "type=resume",
        "tag=t7",
        "tag=none",
        "last=24h",
    ):
        yield f"/o/acme/history?{query}"
    yield from (f"/o/acme/history?q={words}" for words in WORDS)
    yield from ("/o/acme/team", "/o/acme/team/log", "/o/acme/settings")


def back_office(organization: int) -> Iterator[str]:
    for model in ("intervention", "event", "approval"):
        yield f"/admin/interventions/{model}/"
        yield f"/admin/interventions/{model}/?p=3"
        yield f"/admin/interventions/{model}/?within=day&organization__id__exact={organization}"
    yield "/admin/interventions/intervention/?q=old-4711"
    yield f"/admin/interventions/intervention/?status=CANCELLED&organization__id__exact={organization}"
    yield "/admin/interventions/event/?q=old-4711"
    yield from ("/admin/", "/admin/report/")


def writing(world: World) -> Iterator[tuple[str, Callable[[], Any]]]:
    agent, otto, ada = (Api(world.bearer(name)) for name in ("agent", "otto", "ada"))
    yield "create", lambda: agent.post(LIST, DRAFT | {"request_id": "new"})
    yield "create again", lambda: agent.post(LIST, DRAFT | {"request_id": "new"})
    yield "create with a key", lambda: agent.post(LIST, DRAFT | {"request_id": "once"}, **{"Idempotency-Key": "k"})
    yield "claim", lambda: otto.post(f"{LIST}/open-0-0/claim")
    yield "approve", lambda: otto.post(f"{LIST}/open-0-0/approve")
    yield "complete", lambda: agent.post(f"{LIST}/open-0-0/complete", {"outcome": {}})
    yield "reject", lambda: otto.post(f"{LIST}/open-0-1/reject", {"action_reason": "no"})
    yield "decide", lambda: otto.post(f"{LIST}/decide", {"request_ids": ["open-0-2", "open-0-3"], "verdict": "approve"})
    yield "resume", lambda: otto.post("/pilot/resume/uow-1")
    yield "kill switch", lambda: ada.post("/pilot/kill-switch", {"instance_id": "uow-1", "reason": "x"})


def sweeps(world: World) -> Iterator[tuple[str, Callable[[], Any]]]:
    yield "expire", actions.expire_due
    yield "release", actions.release_lapsed
    yield "next deadline", actions.next_deadline
    yield "notices", outbox.read_on
    yield "next notice", ledger.next_due
    yield "who has notices", ledger.with_due
    yield "forget notices", ledger.forget_old
    yield "forget keys", actions.forget_idempotency_keys


def test_nothing_reads_a_growing_table_whole(long_past: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Half of the history is no look.
    monkeypatch.setattr(history, "GLANCE", 2_000)
    monkeypatch.setattr(history, "LOOK", 5_000)
    world, root = long_past, Client()
    Pilot.objects.create_superuser("local:root", "x")
    root.force_login(Pilot.objects.get(pilot_id="local:root"), "django.contrib.auth.backends.ModelBackend")
    agent, ada = Api(world.bearer("agent")), world.session("ada")
    asked: list[tuple[str, Callable[[], Any]]] = []
    asked += [(address, lambda at=address: agent.get(at)) for address in lists()]
    asked += [(address, lambda at=address: ada.get(at)) for address in pages()]
    asked += [(address, lambda at=address: root.get(at)) for address in back_office(world.acme.pk)]
    wrong, seen = {}, 0
    for name, ask in [*asked, *writing(world), *sweeps(world)]:
        with explained() as plans:
            answer = ask()
        assert getattr(answer, "status_code", 200) < 400, name
        seen += plans.seen
        if plans.wrong:
            wrong[name] = plans.wrong
    assert not wrong, "\n".join(f"{name}\n    {'\n    '.join(found)}" for name, found in wrong.items())
    assert seen > 500
