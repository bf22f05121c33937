"""From what happens to who is told: by whom it waits for, their rules, and what is left to tell when it is sent."""

from collections.abc import Callable
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.core import mail
from django.utils import timezone

from conftest import Clock, World
from interventions import actions
from interventions.delivery import channels, ledger, outbox, sending
from interventions.delivery.audience import BUSY_AFTER
from interventions.delivery.channels import Shared
from interventions.delivery.errors import TryLater, Undeliverable
from interventions.delivery.message import Message
from interventions.lifecycle import Priority
from interventions.models import Notice, NoticePosition
from pilots.models import Membership, Pilot
from pilots.tenancy import across

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]

CRITICAL = {"priority": "critical", "expires_in_seconds": None}


@pytest.fixture(autouse=True)
def mailed(settings: Any, world: World) -> None:
    """Mail is set up, everybody has an address, and the log so far is read."""
    settings.EMAIL_URL, settings.PUBLIC_URL = "smtp://localhost", "https://chameleon.example.com"
    for pilot in Pilot.objects.all():
        Pilot.objects.filter(pk=pilot.pk).update(email=f"{pilot.name.lower()}@acme.test")
    outbox.read_on()


@pytest.fixture
def tell(clock: Clock) -> Callable[..., list[str]]:
    """`tell()` is the worker, once the window of a burst is over: to whom it sent what, by address."""

    def tell(**later: float) -> list[str]:
        before = len(mail.outbox)
        outbox.read_on()
        clock.forward(**(later or {"seconds": 3}))
        sending.send_due()
        return sorted(f"{message.to[0].partition('@')[0]}: {message.subject}" for message in mail.outbox[before:])

    return tell


def set_of(name: str, **fields: Any) -> None:
    Pilot.objects.filter(pilot_id=f"local:{name}").update(**fields)


def set_way(name: str, priority: str, way: str, **besides: Any) -> None:
    set_of(name, notifications={"by_priority": {priority: {"mail": way}}} | besides)


def test_those_who_may_decide_are_told_once_of_a_critical_request(ask: Any, tell: Any) -> None:
    ask(**CRITICAL, title="Drop the table?")
    assert tell() == [f"{name}: Critical: Drop the table?" for name in ("ada", "olga", "otto")]
    assert tell() == []


def test_only_admins_are_told_of_what_only_admins_decide(ask: Any, tell: Any) -> None:
    ask(**CRITICAL, intervention_type="waive_violation", title="Waive?")
    ask(**CRITICAL, intervention_type="kill_switch", title="Stop?")
    assert tell() == ["ada: 2 requests wait, 2 critical"]


def test_a_burst_is_one_mail_with_the_oldest_critical_one_first(ask: Any, tell: Any) -> None:
    set_way("otto", "normal", "at_once")
    for title in ("First", "Second"):
        ask(title=title)
    ask(**CRITICAL, title="Third")
    assert "otto: 3 requests wait, 1 critical" in tell()
    text = next(str(message.body) for message in mail.outbox if message.to == ["otto@acme.test"])
    assert text.index("Critical: Third") < text.index("Normal: First") < text.index("Normal: Second")
    assert "https://chameleon.example.com/o/acme/\n" in text


def test_what_was_done_meanwhile_is_left_out(world: World, ask: Any, tell: Any) -> None:
    rows = [ask(**CRITICAL, title=f"Number {number}") for number in range(5)]
    outbox.read_on()
    actions.reject(world.pilot("ada"), rows[0].request_id, reason="No.")
    actions.claim(world.pilot("olga"), rows[1].request_id)
    actions.cancel(world.key(), rows[2].request_id, reason=None)
    actions.assign(world.pilot("ada"), rows[3].request_id, pilot_id="local:olga")
    assert tell() == [
        "ada: Critical: Number 4",
        "olga: 2 requests wait, 2 critical",
        "otto: Critical: Number 4",
    ]


def test_where_nothing_is_left_nothing_is_sent(world: World, ask: Any, tell: Any, clock: Clock) -> None:
    decided, _expired = ask(**CRITICAL), ask(priority="critical", expires_in_seconds=1)
    outbox.read_on()
    actions.reject(world.pilot("ada"), decided.request_id, reason="No.")
    assert tell() == []
    assert set(Notice.across_organizations.values_list("outcome", flat=True)) == {"void"}


def test_whom_it_is_assigned_to_is_told_and_nobody_of_their_own_doing(world: World, ask: Any, tell: Any) -> None:
    set_way("otto", "normal", "at_once")
    set_way("ada", "normal", "at_once")
    first, second = ask(title="One"), ask(title="Two")
    tell()
    actions.assign(world.pilot("ada"), first.request_id, pilot_id="local:otto")
    actions.assign(world.pilot("ada"), second.request_id, pilot_id="local:ada")
    assert tell() == ["otto: Assigned to you: One"]


def test_whoever_approved_already_is_not_told_that_more_approvals_are_missing(
    world: World, ask: Any, tell: Any
) -> None:
    row = ask(**CRITICAL, approvals_required=2)
    actions.approve(world.pilot("otto"), row.request_id)
    assert [line.partition(":")[0] for line in tell()] == ["ada", "olga"]


@pytest.mark.parametrize(
    "fields",
    [
        {"on_duty": False},
        {"working_hours": {"mon": ["00:00", "00:01"]}},
        {"notifications": {"quiet_hours": {"from": "00:00", "to": "23:59"}}},
        {"email": ""},
        {"notifications": {"by_priority": {"critical": {"mail": "off"}}}},
        {"is_active": False},
    ],
)
def test_who_is_not_to_be_reached_now_is_not(ask: Any, tell: Any, fields: dict[str, Any], at_noon: Any) -> None:
    set_of("otto", **fields)
    ask(**CRITICAL)
    assert "otto" not in {line.partition(":")[0] for line in tell()}


@pytest.fixture
def at_noon(clock: Clock) -> None:
    """It is a Wednesday noon."""
    now = timezone.now()
    clock.ahead = now.replace(year=2026, month=12, day=2, hour=12, minute=0, second=0, microsecond=0) - now


def test_in_quiet_hours_a_critical_request_reaches_who_wants_it(ask: Any, tell: Any, at_noon: Any) -> None:
    quiet = {"quiet_hours": {"from": "11:00", "to": "13:00", "critical_rings": True}}
    set_way("otto", "high", "at_once", **quiet)
    ask(**CRITICAL, title="Now")
    ask(priority="high", title="Later", expires_in_seconds=None)
    assert "otto: Critical: Now" in tell()
    # Quiet hours are over: what could not be told at once waits in the digest.
    assert "otto: High: Later" in tell(hours=1, minutes=15)


def test_a_digest_collects_until_its_time_and_waits_for_duty(ask: Any, tell: Any, at_noon: Any) -> None:
    for number in range(3):
        ask(priority="high", title=f"Number {number}", expires_in_seconds=None)
        assert tell() == []
    set_of("otto", on_duty=False)
    assert tell(minutes=15) == ["ada: 3 requests wait", "olga: 3 requests wait"]
    ask(priority="high", title="One more", expires_in_seconds=None)
    tell(minutes=15)
    set_of("otto", on_duty=True)
    assert tell(minutes=5) == ["otto: 4 requests wait"]


def test_a_daily_digest_comes_when_working_hours_begin(ask: Any, tell: Any, at_noon: Any) -> None:
    set_way("otto", "high", "digest", digest_every="day")
    set_of("otto", working_hours={"thu": ["08:00", "16:00"]}, timezone="Europe/Berlin")
    ask(priority="high", expires_in_seconds=None)
    assert "otto" not in repr(tell(hours=18, minutes=59))
    assert "otto" in repr(tell(minutes=2))


def test_a_critical_request_nobody_claims_is_told_of_once_more_before_its_deadline(
    world: World, ask: Any, tell: Any
) -> None:
    claimed, moved, left = (
        ask(priority="critical", title=title, expires_in_seconds=1200) for title in ("Claimed", "Moved", "Left")
    )
    assert len(tell()) == 3
    actions.extend(world.pilot("olga"), moved.request_id, expires_in_seconds=3600)
    assert tell(minutes=14) == []
    actions.claim(world.pilot("olga"), claimed.request_id)
    warned = tell(minutes=1)
    assert [line.partition(":")[0] for line in warned] == ["ada", "olga", "otto"]
    assert warned[0].startswith("ada: Expires in 5 min, claimed by nobody: Left")
    assert ["Moved" in line for line in tell(minutes=41)] == [True, True, True]


def test_a_short_deadline_is_told_of_once(ask: Any, tell: Any) -> None:
    ask(priority="critical", expires_in_seconds=400)
    assert len(tell()) == 3
    assert tell(minutes=3) == []


def test_who_was_told_often_of_late_is_told_once_a_minute(ask: Any, tell: Any) -> None:
    for _ in range(BUSY_AFTER):
        ask(**CRITICAL)
        assert len(tell()) == 3
    ask(**CRITICAL)
    assert tell() == []
    ask(**CRITICAL)
    assert tell(minutes=1) == [f"{name}: 2 requests wait, 2 critical" for name in ("ada", "olga", "otto")]


def test_who_left_meanwhile_is_not_told(ask: Any, tell: Any) -> None:
    ask(**CRITICAL)
    outbox.read_on()
    Membership.across_organizations.filter(pilot__name="Otto").delete()
    Membership.across_organizations.filter(pilot__name="Olga").update(role="VIEWER")
    assert [line.partition(":")[0] for line in tell()] == ["ada"]


# What is sent, and when it fails


class Server:
    """What stands for a channel: fails as often as it is told to, and counts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.errors: list[Exception] = []
        self.sent: list[str] = []
        monkeypatch.setattr(sending.channels, "send_by", lambda _name: self._send)

    def _send(self, notice: Notice, message: Any) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.sent.append(message.tag)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    for name in ("ada", "olga"):
        set_of(name, email="")
    return Server(monkeypatch)


def test_what_failed_is_tried_again_later_and_sent_once(ask: Any, tell: Any, server: Server) -> None:
    server.errors = [ConnectionRefusedError("no"), TimeoutError("slow")]
    ask(**CRITICAL)
    tell()
    assert server.sent == []
    tell(seconds=5)
    assert (server.sent, len(server.errors)) == ([], 1)
    tell(seconds=6)
    tell(seconds=31)
    tell(hours=5)
    assert len(server.sent) == 1


def test_what_keeps_failing_is_given_up(ask: Any, tell: Any, server: Server, caplog: Any) -> None:
    server.errors = [ConnectionRefusedError("otto@acme.test refused")] * 100
    ask(**CRITICAL)
    for _ in range(12):
        tell(hours=3)
    assert len(server.errors) == 100 - len(ledger.BACKOFF) - 1
    assert Notice.across_organizations.get().outcome == "failed"
    assert "is given up: ConnectionRefusedError" in caplog.text
    assert "otto@" not in caplog.text


def test_what_never_will_arrive_is_not_tried_again(ask: Any, tell: Any, server: Server) -> None:
    server.errors = [Undeliverable("gone")]
    ask(**CRITICAL)
    tell()
    tell(hours=5)
    assert (server.sent, Notice.across_organizations.get().outcome) == ([], "failed")


def test_what_came_while_the_server_was_away_goes_out_as_one(ask: Any, tell: Any, server: Server) -> None:
    server.errors = [ConnectionRefusedError("no")] * 3
    for _ in range(3):
        ask(**CRITICAL)
        tell()
    assert server.sent == []
    tell(hours=1)
    assert len(server.sent) == 1


def test_the_lease_of_a_killed_worker_lapses(world: World, ask: Any, tell: Any, clock: Clock, server: Server) -> None:
    ask(**CRITICAL)
    outbox.read_on()
    clock.forward(seconds=3)
    taken = ledger.take(world.acme)
    assert taken is not None
    assert ledger.take(world.acme) is None
    assert tell(seconds=60) == []
    assert server.sent == []
    tell(seconds=61)
    assert server.sent == [f"notice-{taken.notice.pk}-1"]
    # It was alive after all, and says nothing that counts.
    taken.fail(TimeoutError())
    assert Notice.across_organizations.get().outcome == "sent"


def test_an_organizations_own_hook_is_told_from_its_priority_on(ask: Any, tell: Any, monkeypatch: Any) -> None:
    said: list[Message] = []
    own = SimpleNamespace(pk=7, lowest_priority=Priority.HIGH)
    shared = Shared(lambda _notice, message: said.append(message), lambda _organization: [own])
    monkeypatch.setattr(channels, "SHARED", {"chat": shared})
    set_of("otto", email="")
    for priority in ("high", "critical", "normal"):
        ask(priority=priority, title=f"A {priority} one", expires_in_seconds=None)
    tell()
    assert [(message.title, message.lines) for message in said] == [
        ("2 requests wait, 1 critical", ("Critical: A critical one", "High: A high one"))
    ]
    assert Notice.across_organizations.filter(channel="chat", pilot=None, hook_id=7).count() == 1


def test_what_asks_for_more_patience_gets_it(ask: Any, tell: Any, server: Server) -> None:
    server.errors = [TryLater("busy", after=300)]
    ask(**CRITICAL)
    tell()
    tell(minutes=4)
    assert server.sent == []
    tell(minutes=1)
    assert len(server.sent) == 1


def test_old_notices_are_forgotten(ask: Any, tell: Any, clock: Clock) -> None:
    ask(**CRITICAL)
    tell()
    clock.forward(days=6)
    assert ledger.forget_old() == 0
    clock.forward(days=2)
    assert ledger.forget_old() == 3


def test_an_upgrade_tells_nobody_of_what_happened_before(ask: Any, tell: Any) -> None:
    ask(**CRITICAL, title="Before")
    NoticePosition.across_organizations.all().delete()
    migration = import_module("interventions.migrations.0005_notices")
    with across():
        migration.begin_at_the_end(apps, None)
    assert tell() == []
    ask(**CRITICAL, title="After")
    assert tell() == [f"{name}: Critical: After" for name in ("ada", "olga", "otto")]


def test_a_log_that_ends_before_the_position_is_read_from_its_end(ask: Any, tell: Any) -> None:
    NoticePosition.across_organizations.update(seq=1000)
    outbox.read_on()
    ask(**CRITICAL)
    assert len(tell()) == 3


def test_where_mail_is_not_set_up_nothing_is_written(ask: Any, tell: Any, settings: Any) -> None:
    settings.EMAIL_URL = ""
    ask(**CRITICAL)
    assert tell() == []
    assert not Notice.across_organizations.exists()
