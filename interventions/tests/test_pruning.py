"""What is older than an organization keeps goes. At every step of it the rest of the log proves itself, and a beginning
that no pruning left is found."""

import runpy
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from conftest import Clock, World, stored
from interventions import actions, audits, events, exporting, invariants
from interventions.actions import archiving, pruning
from interventions.audits import RECORD, Anchor
from interventions.insight import metrics
from interventions.models import Event, Intervention, Stream, Tally
from interventions.tests.sockets import connected, run
from interventions.worker import Worker
from pilots import access_log, database
from pilots.errors import NotAllowed
from pilots.models import AccessChain, AccessEvent, Organization

pytestmark = pytest.mark.embedded

KEPT = timedelta(days=30)
VERIFIER = Path(__file__).resolve().parents[2] / "examples" / "verify_export.py"


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archiving, "BATCH", 2)
    monkeypatch.setattr(pruning, "BATCH", 2)
    monkeypatch.setattr(pruning, "STRETCH", 5)


@pytest.fixture
def years(world: World, ask: Any, clock: Clock) -> World:
    """Eight events of three decided requests long ago; then, lately, one that is open and one that was decided."""
    otto, agent = world.pilot("otto"), world.key()
    for request_id in ("a", "b", "c"):
        ask(request_id=request_id, expires_in_seconds=None)
        actions.approve(otto, request_id, reason="fine")
    actions.comment(otto, "b", text="hm")
    actions.complete(agent, "c", outcome={"done": 1})
    clock.forward(days=40)
    ask(request_id="open", expires_in_seconds=None)
    ask(request_id="young")
    actions.reject(otto, "young", reason="no")
    return world


def ids() -> set[str]:
    return set(Intervention.across_organizations.values_list("request_id", flat=True))


def kept_from(organization: Organization) -> int:
    """The position that the log begins with, by its head and by its rows."""
    first: int = Stream.across_organizations.get(pk=organization.pk).first_seq
    rows = Event.across_organizations.filter(organization=organization).order_by("seq")
    assert rows.values_list("seq", flat=True).first() in (first, None)
    return first


def found(organization: Organization) -> list[str]:
    """Whatever any of those who verify finds wrong."""
    whole = [str(finding) for audit in audits.of(organization).values() for finding in audit.findings]
    by_steps = [str(finding) for log in (RECORD, audits.ACCESS) for finding in in_steps(organization, log)]
    verify = runpy.run_path(str(VERIFIER))["verify"]
    exported = verify(list(exporting.export(organization)))
    return whole + by_steps + exported + [str(finding) for finding in invariants.check(organization.pk)]


def in_steps(organization: Organization, log: str) -> Iterator[Any]:
    """As the page of the access log verifies."""
    position = 0
    while True:
        stretch = audits.verify_after(organization, log, position, 3)
        yield from stretch.findings
        if stretch.is_whole or stretch.findings:
            return
        position = stretch.seq


def test_what_is_old_goes_and_the_rest_proves_itself(years: World) -> None:
    figures = metrics.snapshot(years.acme.pk) | {"oldest_pending_seconds": 0}
    (anchor, *_) = audits.heads([years.acme])
    assert pruning.would_prune(years.acme, KEPT) == pruning.Pruned(3, 8)
    assert pruning.prune(years.acme, KEPT) == pruning.Pruned(3, 8)
    assert ids() == {"open", "young"}
    assert kept_from(years.acme) == 9
    assert found(years.acme) == []
    assert audits.held_against(anchor, years.acme) is None
    assert metrics.snapshot(years.acme.pk) | {"oldest_pending_seconds": 0} == figures
    assert pruning.prune(years.acme, KEPT) == pruning.Pruned(0, 0)


def test_the_record_goes_on_after_it(years: World, ask: Any) -> None:
    pruning.prune(years.acme, KEPT)
    ask(request_id="next")
    actions.approve(years.pilot("otto"), "open", reason="fine")
    assert found(years.acme) == []


def test_another_organization_keeps_its_own(years: World, ask: Any, clock: Clock) -> None:
    ask(key="globex-agent", request_id="theirs")
    actions.reject(years.pilot("gina"), "theirs", reason="no")
    clock.forward(days=40)
    pruning.prune(years.acme, KEPT)
    assert "theirs" in ids()
    assert kept_from(years.globex) == 1
    assert found(years.globex) == []


def test_a_log_may_be_pruned_to_its_end(years: World, clock: Clock, ask: Any) -> None:
    actions.reject(years.pilot("otto"), "open", reason="no")
    clock.forward(days=40)
    assert pruning.prune(years.acme, KEPT) == pruning.Pruned(5, 12)
    assert found(years.acme) == []
    ask(request_id="new")
    assert kept_from(years.acme) == 13
    assert found(years.acme) == []


def test_a_request_that_is_kept_keeps_the_log_from_its_first_event_on(world: World, ask: Any, clock: Clock) -> None:
    for request_id in ("before", "waiting", "after"):
        ask(request_id=request_id, expires_in_seconds=None)
    for request_id in ("before", "after"):
        actions.reject(world.pilot("otto"), request_id, reason="no")
    clock.forward(days=40)
    planned = pruning.would_prune(world.acme, KEPT)
    assert planned == pruning.prune(world.acme, KEPT) == pruning.Pruned(2, 1, held_by="waiting")
    assert ids() == {"waiting"}
    assert found(world.acme) == []
    actions.reject(world.pilot("otto"), "waiting", reason="no")
    clock.forward(days=40)
    assert pruning.prune(world.acme, KEPT) == pruning.Pruned(1, 5)


def test_an_id_that_is_used_again_does_not_keep_the_events_of_its_first_request(years: World, ask: Any) -> None:
    actions.clear_archived(years.acme, KEPT)
    ask(request_id="a")
    assert pruning.prune(years.acme, KEPT).events == 8
    assert "a" in ids()
    assert found(years.acme) == []


def test_at_every_step_of_a_pruning_all_agrees(years: World) -> None:
    """As if each step were the last one before the machine went down."""
    actions_of_settings(years.acme, days=30)
    steps = [kept_from(years.acme)]
    while pruning.prune_due():
        assert found(years.acme) == []
        steps.append(kept_from(years.acme))
    assert steps == [1, 1, 1, 3, 5, 6, 8, 9]
    assert ids() == {"open", "young"}


def test_each_stretch_is_said_in_the_access_log(years: World) -> None:
    pruning.prune(years.acme, KEPT)
    rows = AccessEvent.across_organizations.filter(type="record_pruned").order_by("seq")
    assert [(row.data["seq"], row.data["events"], row.actor) for row in rows] == [(5, 5, "system"), (8, 3, "system")]


def actions_of_settings(organization: Organization, days: object) -> None:
    Organization.objects.filter(pk=organization.pk).update(settings={"retention_days": days})


# The worker


def test_the_worker_prunes_what_an_organization_does_not_keep(years: World) -> None:
    actions_of_settings(years.acme, days=30)
    one = Worker()
    for _ in range(20):
        one.turn()
    assert ids() == {"open", "young"}
    assert kept_from(years.acme) == 9


@pytest.mark.parametrize("days", [None, 29, True, "30", 10**9, 41])
def test_the_worker_leaves_what_is_kept_or_was_not_set_by_anybody_in_his_right_mind(years: World, days: object) -> None:
    actions_of_settings(years.acme, days=days)
    assert pruning.prune_due() == 0
    assert kept_from(years.acme) == 1


def test_a_record_that_does_not_verify_holds_up_no_other(
    years: World, ask: Any, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    ask(key="globex-agent", request_id="theirs")
    actions.reject(years.pilot("gina"), "theirs", reason="no")
    clock.forward(days=40)
    Event.across_organizations.filter(seq=1, organization=years.acme).update(type="claimed")
    for organization in (years.acme, years.globex):
        actions_of_settings(organization, days=30)
    while pruning.prune_due():
        pass
    assert kept_from(years.globex) == 3
    assert kept_from(years.acme) == 1
    assert "The record of acme does not verify" in caplog.text


# What somebody may do who writes the tables


def cut(world: World, last: int, **fields: object) -> None:
    Event.across_organizations.filter(organization=world.acme, seq__lte=last).delete()
    Stream.across_organizations.filter(pk=world.acme.pk).update(first_seq=last + 1, **fields)


def hash_at(world: World, seq: int) -> str:
    return Event.across_organizations.get(organization=world.acme, seq=seq).hash


def forge(world: World, last: int, **over: object) -> None:
    """An entry of the access log as a pruning would write it, and all that fits to it."""
    data = {"seq": last, "hash": hash_at(world, last), "before": (database.now() - KEPT).isoformat(), "events": 1}
    access_log.record("record_pruned", access_log.SYSTEM, organization=world.acme, data=data | over)
    cut(world, last, base_hash=hash_at(world, last))


def cut_the_beginning(world: World) -> None:
    cut(world, 3)


def cut_the_beginning_with_the_hash_before_it(world: World) -> None:
    cut(world, 3, base_hash=hash_at(world, 3))


def cut_further_than_was_pruned(world: World) -> None:
    pruning.prune(world.acme, KEPT)
    cut(world, 10, base_hash=hash_at(world, 10))


def prune_what_is_young(world: World) -> None:
    forge(world, 10, before=database.now().isoformat())


def prune_by_another_hash(world: World) -> None:
    forge(world, 3, hash="0" * 64)


def put_something_before_the_beginning(world: World) -> None:
    pruning.prune(world.acme, KEPT)
    event = Event.across_organizations.get(organization=world.acme, seq=9)
    event.pk, event.seq = None, 2
    event.save(force_insert=True)


def pretend_the_log_begins_earlier(world: World) -> None:
    pruning.prune(world.acme, KEPT)
    Stream.across_organizations.filter(pk=world.acme.pk).update(first_seq=1, base_hash="")


def change_the_hash_before_the_beginning(world: World) -> None:
    pruning.prune(world.acme, KEPT)
    Stream.across_organizations.filter(pk=world.acme.pk).update(base_hash="0" * 64)


def change_what_says_so(world: World) -> None:
    pruning.prune(world.acme, KEPT)
    cut(world, 10, base_hash=(last := hash_at(world, 10)))
    for row in AccessEvent.across_organizations.filter(type="record_pruned"):
        AccessEvent.across_organizations.filter(pk=row.pk).update(data=row.data | {"seq": 10, "hash": last})


def take_what_says_so_for_erased(world: World) -> None:
    change_what_says_so(world)
    AccessEvent.across_organizations.filter(type="record_pruned").update(salt="")


def empty_what_says_so(world: World) -> None:
    pruning.prune(world.acme, KEPT)
    AccessEvent.across_organizations.filter(type="record_pruned").update(data={})


def take_away_what_says_so(world: World) -> None:
    """With the access log's own head, so that it agrees with itself."""
    pruning.prune(world.acme, KEPT)
    rows = AccessEvent.across_organizations.filter(organization=world.acme)
    rows.filter(type="record_pruned").delete()
    last = rows.order_by("-seq").first()
    AccessChain.across_organizations.filter(organization=world.acme).update(last_seq=last.seq, head_hash=last.hash)


@pytest.mark.parametrize(
    "falsify",
    [
        cut_the_beginning,
        cut_the_beginning_with_the_hash_before_it,
        cut_further_than_was_pruned,
        prune_what_is_young,
        prune_by_another_hash,
        put_something_before_the_beginning,
        pretend_the_log_begins_earlier,
        change_the_hash_before_the_beginning,
        change_what_says_so,
        take_what_says_so_for_erased,
        empty_what_says_so,
        take_away_what_says_so,
    ],
)
def test_a_beginning_that_no_pruning_left_is_found(years: World, falsify: Callable[[World], None]) -> None:
    falsify(years)
    whole = [finding for audit in audits.of(years.acme).values() for finding in audit.findings]
    by_steps = [finding for log in (RECORD, audits.ACCESS) for finding in in_steps(years.acme, log)]
    assert whole
    assert by_steps
    assert runpy.run_path(str(VERIFIER))["verify"](list(exporting.export(years.acme))) or falsify is prune_what_is_young


def test_a_forged_pruning_that_agrees_with_itself_is_found_by_an_anchor(years: World, clock: Clock, ask: Any) -> None:
    """It says that it took what was old. But the anchor was noted before that came, and later than it says."""
    anchor = next(audits.heads([years.acme]))
    actions.reject(years.pilot("otto"), "open", reason="no")
    forge(years, 12)
    assert [finding for audit in audits.of(years.acme).values() for finding in audit.findings] == []
    finding = audits.held_against(anchor, years.acme)
    assert finding is not None
    assert "was pruned as if it were older" in finding.problem


def test_an_anchor_at_the_place_that_was_pruned_to_is_held_against_what_says_so(years: World) -> None:
    right = Anchor("acme", RECORD, 8, hash_at(years, 8), "")
    pruning.prune(years.acme, KEPT)
    assert audits.held_against(right, years.acme) is None
    wrong = Anchor("acme", RECORD, 8, "0" * 64, "")
    assert audits.held_against(wrong, years.acme) is not None


@pytest.mark.parametrize("damage", [{"type": "rejected"}, {"data": {"status": "REJECTED"}}, {"actor": "local:olga"}])
def test_what_was_tampered_with_is_not_pruned(years: World, damage: dict[str, Any]) -> None:
    """It is the proof of that."""
    Event.across_organizations.filter(organization=years.acme, seq=4).update(**damage)
    for _ in range(2):
        with pytest.raises(NotAllowed, match="would hide that"):
            pruning.prune(years.acme, KEPT)
    assert kept_from(years.acme) == 3
    assert audits.of(years.acme)[RECORD].findings


def test_a_log_with_a_hole_is_not_pruned(years: World) -> None:
    Event.across_organizations.filter(organization=years.acme, seq__in=(1, 2, 3)).delete()
    with pytest.raises(NotAllowed):
        pruning.prune(years.acme, KEPT)
    assert audits.of(years.acme)[RECORD].findings


def test_a_smuggled_row_is_found_after_a_pruning_too(years: World) -> None:
    pruning.prune(years.acme, KEPT)
    Intervention.across_organizations.filter(request_id="open").update(request_id="smuggled")
    assert ("I12", "smuggled") in {(each.invariant, each.subject) for each in invariants.check(years.acme.pk)}


def test_a_wrong_figure_of_a_day_since_is_found(years: World) -> None:
    pruning.prune(years.acme, KEPT)
    today = database.now().date()
    tallies = Tally.across_organizations.filter(organization=years.acme, status="REJECTED")
    assert tallies.filter(day=today).update(count=7) == 1
    assert {each.invariant for each in invariants.check(years.acme.pk)} == {"tally"}


# Erasures


def test_what_an_erasure_left_is_vouched_for_after_a_pruning_too(years: World) -> None:
    olga = years.pilot("olga")
    actions.comment(olga, "open", text="mine")
    actions.claim(olga, "open")
    actions.erase(years.memberships["otto"].pilot, texts=True)
    pruning.prune(years.acme, KEPT)
    assert found(years.acme) == []
    rest = Event.across_organizations.filter(organization=years.acme, salt="").exclude(data={})
    assert rest.exists()
    actions.erase(years.memberships["olga"].pilot)
    assert found(years.acme) == []
    event = rest.order_by("seq").first()
    rest.filter(pk=event.pk).update(data=event.data | {"action_reason": "never said"})
    assert "what stands where a pilot was erased" in str(audits.of(years.acme)[RECORD].findings)


def test_an_erasure_half_way_through_a_pruning_changes_nothing(years: World) -> None:
    actions_of_settings(years.acme, days=30)
    actions.erase(years.memberships["otto"].pilot)
    for _ in range(3):
        assert pruning.prune_due()
    actions.claim(years.pilot("olga"), "open")
    actions.erase(years.memberships["olga"].pilot)
    assert found(years.acme) == []
    while pruning.prune_due():
        assert found(years.acme) == []
    assert kept_from(years.acme) == 9


def test_what_was_changed_where_a_pilot_was_erased_is_not_pruned(years: World) -> None:
    actions.erase(years.memberships["otto"].pilot, texts=True)
    event = Event.across_organizations.filter(organization=years.acme, salt="").order_by("seq").first()
    Event.across_organizations.filter(pk=event.pk).update(data=event.data | {"action_reason": "never said"})
    with pytest.raises(NotAllowed, match="would hide that"):
        pruning.prune(years.acme, KEPT)
    assert kept_from(years.acme) == 1


# The doors


def test_programs_are_told_that_the_log_begins_later(years: World, api: Any) -> None:
    pruning.prune(years.acme, KEPT)
    for params in ({}, {"after": 7}):
        answer = api("agent").get("/api/events", **params)
        assert (answer.status_code, answer.json()["code"], answer.json()["seq"]) == (410, "log_truncated", 11)
    answer = api("agent").get("/api/events", after=8)
    assert [event["seq"] for event in answer.json()["results"]] == [9, 10, 11]
    assert api("agent").get("/api/interventions/a").status_code == 404
    assert api("agent").get("/api/interventions/a/events").status_code == 404
    assert api("agent").get("/api/interventions/metrics").json()["total_interventions"] == 5


@pytest.mark.django_db(transaction=True)
def test_a_socket_that_left_off_before_the_beginning_is_told_to_fetch_anew(years: World) -> None:
    pruning.prune(years.acme, KEPT)

    async def test() -> None:
        async with connected(years, "otto") as client:
            await client.ask("subscribe", since=7)
            resync = await client.frame(lambda frame: frame["type"] == "resync")
            assert resync["data"]["seq"] == 11
            await client.ask("subscribe", since=8)
            assert [push["seq"] for push in await client.pushes(3)] == [9, 10, 11]

    run(test)


def test_the_page_says_which_entries_were_verified(years: World) -> None:
    pruning.prune(years.acme, KEPT)
    page = years.session("ada").post("/o/acme/team/log/verify/record")
    assert "Entries 9 to 11 verified; those before were pruned." in page.content.decode()


def test_an_admin_sets_how_long_it_is_kept(world: World) -> None:
    ada = world.session("ada")
    form = {"name": "Acme", "retention_days": "90"}
    assert "Saved." in ada.post("/o/acme/team/settings", form, follow=True).content.decode()
    assert 'value="90"' in ada.get("/o/acme/team/settings").content.decode()
    told = AccessEvent.across_organizations.get(type="settings_changed")
    assert (told.actor, told.data["retention_days"]) == ("local:ada", {"from": None, "to": 90})
    ada.post("/o/acme/team/settings", {"name": "Acme"})
    assert Organization.objects.get(slug="acme").settings["retention_days"] == 90
    ada.post("/o/acme/team/settings", form | {"retention_days": ""})
    assert "retention_days" not in Organization.objects.get(slug="acme").settings


@pytest.mark.parametrize("days", ["29", "0", "-30", "3e1", "30.0", "36501", "1" * 40, "٣٠", "soon"])
def test_what_cannot_be_kept_for_is_shown_again(world: World, days: str) -> None:
    page = world.session("ada").post("/o/acme/team/settings", {"name": "Acme", "retention_days": days})
    assert page.status_code == 422
    assert "write 30 days or more" in page.content.decode()
    assert Organization.objects.get(slug="acme").settings == {}


def test_nothing_decided_lately_is_missing(years: World) -> None:
    pruning.prune(years.acme, KEPT)
    assert stored("young").action_reason == "no"
    assert list(events.since(years.acme.pk, 8, 10))
