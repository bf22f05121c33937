"""Several prune one record while others work: nothing goes twice, and none takes another's work for tampering."""

from datetime import timedelta

import pytest

from conftest import DRAFT, World
from interventions import actions, audits, invariants
from interventions.actions import archiving, pruning
from interventions.content import draft_of
from interventions.models import Event, Intervention, Stream
from pilots import database
from tests.races.threads import in_threads

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]

OLD = 60


def test_many_prune_one_record_while_others_work(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (archiving, pruning):
        monkeypatch.setattr(module, "BATCH", 3)
    monkeypatch.setattr(pruning, "STRETCH", 20)
    otto, agent = world.pilot("otto"), world.key()
    with database.telling_of(database.now() - timedelta(days=100)):
        drafts = [DRAFT | {"request_id": f"old-{number}", "expires_in_seconds": None} for number in range(OLD)]
        actions.create_many(agent, [draft_of(draft) for draft in drafts])
        for draft in drafts:
            actions.reject(otto, draft["request_id"], reason="no")

    def work(number: int) -> tuple[int, int]:
        if number % 2:
            found = pruning.prune(world.acme, timedelta(days=90))
            return found.interventions, found.events
        for turn in range(5):
            request_id = actions.create(agent, draft_of(DRAFT | {"request_id": f"new-{number}-{turn}"})).row.request_id
            actions.approve(otto, request_id)
        return 0, 0

    done = in_threads(work)
    # Whoever finds another at it leaves the rest to it.
    rest = pruning.prune(world.acme, timedelta(days=90))
    assert sum(requests for requests, _ in done) + rest.interventions == OLD
    assert sum(told for _, told in done) + rest.events == 2 * OLD
    assert Intervention.across_organizations.count() == 20
    assert Event.across_organizations.filter(organization=world.acme).count() == 40
    assert Stream.across_organizations.get(pk=world.acme.pk).first_seq == 2 * OLD + 1
    assert [audit.findings for audit in audits.of(world.acme).values()] == [[], []]
    assert invariants.check(world.acme.pk) == []
