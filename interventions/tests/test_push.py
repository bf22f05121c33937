"""A message to a pilot's devices, by a push service that checks what it is given and reads it as a browser would."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client

from chameleon import private_targets
from conftest import PASSWORD, World
from interventions.delivery import devices, encryption, push, vapid
from interventions.delivery.errors import TryLater, Undeliverable
from interventions.delivery.message import Message
from interventions.models import PushSubscription
from pilots import actions, erasing
from pilots.errors import InvalidInput
from pilots.models import Pilot
from pilots.roles import Role
from pilots.sign_in import sessions
from tests import push_service, servers
from tests.push_service import Browser, PushService

pytestmark = pytest.mark.embedded

MESSAGE = Message("New critical request", "Which vendor is it?", "/o/acme/interventions/a", urgent=True, tag="a")


@pytest.fixture(scope="module")
def _running() -> Iterator[PushService]:
    with push_service.running() as service:
        yield service


@pytest.fixture
def service(_running: PushService, settings: Any) -> Iterator[PushService]:
    settings.ALLOW_PRIVATE_TARGETS = private_targets.read("127.0.0.1")
    _running.reset()
    yield _running
    assert _running.wrong == []


def otto(world: World) -> Pilot:
    return world.memberships["otto"].pilot


def subscribed(world: World, browser: Browser, who: str = "otto", session_key: str = "s") -> PushSubscription:
    membership = world.memberships[who]
    return devices.add(membership.pilot, membership.organization, session_key, browser.posted, "Firefox on Linux")


def names() -> list[str]:
    rows = PushSubscription.across_organizations.order_by("pk")
    return [f"{row.pilot.pilot_id} {row.endpoint.rpartition('/')[2]}" for row in rows]


def test_the_encryption_is_that_of_the_standards_example() -> None:
    """RFC 8291, appendix A."""
    private = int.from_bytes(encryption.decode("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"))
    body = encryption.encrypt(
        b"When I grow up, I want to be a watermelon",
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "BTBZMqHH6r4Tts7J_aSIgg",
        key=ec.derive_private_key(private, ec.SECP256R1()),
        salt=encryption.decode("DGv6ra1nlYgDCS1FRnbzlw"),
    )
    assert encryption.encode(body[:16]) == "DGv6ra1nlYgDCS1FRnbzlw"
    expected = "8pfeW0KbunFT06SuDKoJH9Ql87S1QUrdirN6GcG7sFz1y1sqLgVi1VhjVkHsUoEsbI_0LpXMuGvnzQ"
    assert encryption.encode(body[86:]) == expected


def test_a_device_is_told_and_what_waits_there_is_replaced(world: World, service: PushService) -> None:
    browser = service.browser()
    row = subscribed(world, browser)
    assert push.send_to(otto(world), world.acme, MESSAGE) == 1
    assert browser.told == [
        {"title": MESSAGE.title, "body": MESSAGE.body, "path": MESSAGE.path, "urgent": True, "tag": "a"}
    ]
    assert browser.headers[0]["urgency"] == "high"
    assert browser.headers[0]["topic"]
    row.refresh_from_db()
    assert (row.last_used_at is not None, row.failure) == (True, "")


def test_a_text_of_whatever_kind_stays_small_and_readable(world: World, service: PushService) -> None:
    browser = service.browser()
    subscribed(world, browser)
    hostile = "<b>\u202e\x00\r\n" + "\U0001f600" * 65536
    push.send_to(otto(world), world.acme, Message(hostile, hostile, "/o/acme/", urgent=False, tag=hostile))
    assert browser.told[0]["title"].startswith("<b>U+202EU+0000")
    assert len(push.payload(Message(hostile, hostile, "/" * 600, True, hostile))) < encryption.MAX_TEXT


def test_nobody_is_told_of_what_is_not_theirs(world: World, service: PushService) -> None:
    """By one push service, of two organizations and three pilots."""
    mine, olgas, ginas = service.browser("mine"), service.browser("olga"), service.browser("gina")
    subscribed(world, mine)
    subscribed(world, olgas, "olga")
    subscribed(world, ginas, "gina")
    actions.join(otto(world), world.globex, Role.OPERATOR)
    assert push.send_to(otto(world), world.globex, MESSAGE) == 0
    everybody = [member.pilot for member in world.memberships.values()]
    assert devices.reached(world.globex, everybody) == {world.memberships["gina"].pilot_id}
    assert devices.reached(world.acme, everybody) == {otto(world).pk, world.memberships["olga"].pilot_id}
    assert push.send_to(otto(world), world.acme, MESSAGE) == 1
    assert (len(mine.told), olgas.told, ginas.told) == (1, [], [])


@pytest.mark.parametrize("status", [404, 410])
def test_a_subscription_that_is_gone_goes(world: World, service: PushService, status: int) -> None:
    subscribed(world, service.browser())
    service.answer = status
    assert push.send_to(otto(world), world.acme, MESSAGE) == 0
    assert names() == []


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_may_work_later_is_for_later(world: World, service: PushService, status: int) -> None:
    subscribed(world, service.browser())
    service.answer, service.retry_after = status, "120"
    with pytest.raises(TryLater) as raised:
        push.send_to(otto(world), world.acme, MESSAGE)
    assert raised.value.after == 120
    assert names() == ["local:otto one"]


def test_what_is_refused_for_good_is_said_at_the_device(world: World, service: PushService) -> None:
    row = subscribed(world, service.browser())
    service.answer = 403
    with pytest.raises(Undeliverable, match="403"):
        push.send_to(otto(world), world.acme, MESSAGE)
    row.refresh_from_db()
    assert row.failure == "its push service refused (403)"


def test_one_device_that_takes_it_is_enough(world: World, service: PushService) -> None:
    subscribed(world, service.browser("good"))
    subscribed(world, Browser(f"http://127.0.0.1:{servers.free_port()}/push/down"))
    assert push.send_to(otto(world), world.acme, MESSAGE) == 1
    assert names() == ["local:otto good", "local:otto down"]


def test_devices_are_told_side_by_side(world: World, service: PushService) -> None:
    """None is answered before five are asked: one after the other they would wait for each other in vain."""
    for number in range(2 * push.AT_ONCE):
        subscribed(world, service.browser(f"b{number}"))
    service.meeting = threading.Barrier(push.AT_ONCE, timeout=4)
    assert push.send_to(otto(world), world.acme, MESSAGE) == 2 * push.AT_ONCE
    assert [len(browser.told) for browser in service.browsers.values()] == [1] * (2 * push.AT_ONCE)


def test_a_key_of_before_signs_for_who_was_given_it(world: World, service: PushService, settings: Any) -> None:
    browser = service.browser()
    subscribed(world, browser)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another" * 10, [settings.SECRET_KEY]
    assert push.send_to(otto(world), world.acme, MESSAGE) == 1
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(Undeliverable, match="switch it on again"):
        push.send_to(otto(world), world.acme, MESSAGE)
    assert vapid.public_key() not in browser.headers[0]["authorization"]


def test_push_services_are_told_an_address_that_leads_somewhere(settings: Any) -> None:
    settings.VAPID_SUBJECT, settings.DEFAULT_FROM_EMAIL = "", "chameleon@acme.test"
    settings.PUBLIC_URL, settings.IS_PUBLIC_URL_A_GUESS = "https://chameleon.acme.test", False
    assert vapid.subject() == "https://chameleon.acme.test"
    settings.IS_PUBLIC_URL_A_GUESS = True
    assert vapid.subject() == "mailto:chameleon@acme.test"
    settings.VAPID_SUBJECT = "mailto:desk@acme.test"
    assert vapid.subject() == "mailto:desk@acme.test"


def test_a_device_falls_silent_once_nobody_was_there_for_a_week(world: World, service: PushService, clock: Any) -> None:
    subscribed(world, service.browser())
    clock.forward(days=6, hours=23)
    assert push.send_to(otto(world), world.acme, MESSAGE) == 1
    clock.forward(hours=2)
    assert push.send_to(otto(world), world.acme, MESSAGE) == 0
    devices.seen(otto(world), "s2", service.browser().endpoint)
    assert push.send_to(otto(world), world.acme, MESSAGE) == 1


def test_a_device_has_one_pilot_and_a_pilot_not_too_many(world: World, service: PushService) -> None:
    for number in range(devices.MOST):
        subscribed(world, service.browser(f"b{number}"))
    with pytest.raises(InvalidInput, match="10 devices already"):
        subscribed(world, service.browser("one-more"))
    # The same once more, and one on which somebody else sits down.
    subscribed(world, service.browser("b0"))
    subscribed(world, service.browser("b1"), "olga")
    assert len(devices.living(otto(world), world.acme)) == devices.MOST - 1
    devices.seen(otto(world), "s", service.browser("b1").endpoint)
    assert devices.living(world.memberships["olga"].pilot, world.acme) == []


def test_what_is_no_subscription_is_refused(world: World, service: PushService, settings: Any) -> None:
    good = service.browser().posted
    off_the_curve = encryption.encode(b"\x04" + b"\x01" * 64)
    for wrong in ({"p256dh": off_the_curve}, {"p256dh": ""}, {"auth": "AAAA"}, {"auth": "é"}, {"p256dh": "A" * 500}):
        with pytest.raises(InvalidInput, match="no subscription"):
            devices.add(otto(world), world.acme, "s", good | wrong, "x")
    settings.ALLOW_PRIVATE_TARGETS = ()
    for endpoint in ("http://push.example.com/", "https://127.0.0.1/", "https://10.0.0.1/x", "nonsense"):
        with pytest.raises(InvalidInput, match="cannot be used"):
            devices.add(otto(world), world.acme, "s", good | {"endpoint": endpoint}, "x")
    assert names() == []


def test_it_ends_with_its_sign_in(world: World, service: PushService) -> None:
    """Of two devices the one on which Otto signs out; then the other, when he is signed out everywhere."""
    here, there = world.session("otto"), world.session("otto")
    for name, browser in (("here", here), ("there", there)):
        subscribed(world, service.browser(name), session_key=str(browser.session.session_key))
    subscribed(world, service.browser("olga"), "olga", "another")
    here.post("/accounts/logout/")
    assert names() == ["local:otto there", "local:olga olga"]
    sessions.end(str(there.session.session_key))
    assert names() == ["local:olga olga"]


def test_it_follows_a_changed_password_and_ends_where_that_was_not_changed(world: World, service: PushService) -> None:
    here, there = world.session("otto"), world.session("otto")
    for name, browser in (("here", here), ("there", there)):
        subscribed(world, service.browser(name), session_key=str(browser.session.session_key))
    new = "another horse battery"
    form = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert here.post("/accounts/password/change/", form).status_code == 302
    assert names() == ["local:otto here"]
    here.post("/accounts/logout/")
    assert names() == []


@pytest.mark.parametrize("way", ["removed", "deactivated", "locked out", "erased", "revoked", "everybody"])
def test_it_ends_with_the_pilots_rights(world: World, service: PushService, way: str) -> None:
    subscribed(world, service.browser())
    pilot = otto(world)
    match way:
        case "removed":
            actions.remove_member(pilot, world.acme)
        case "deactivated":
            actions.set_rights(pilot, is_active=False)
        case "locked out":
            erasing.lock_out(pilot)
        case "erased":
            erasing.forget(erasing.Person.of(pilot))
        case "revoked":
            actions.revoke_sessions([pilot])
        case "everybody":
            sessions.end_everything()
    assert names() == []


def test_a_browser_that_renews_its_subscription_stays(world: World, service: PushService) -> None:
    old, new = service.browser("old"), service.browser("new")
    subscribed(world, old)
    browser: Client = world.session("otto")
    sent = {"old": old.endpoint} | new.posted
    assert Client().post("/push/moved", sent).status_code == 401
    assert world.session("olga").post("/push/moved", sent).status_code == 204
    assert names() == ["local:otto old"]
    assert browser.post("/push/moved", sent).status_code == 204
    assert push.send_to(otto(world), world.acme, MESSAGE) == 1
    assert len(new.told) == 1


DEVICES = "/o/acme/settings/devices"
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"


def test_a_pilot_adds_tries_and_removes_a_device(world: World, service: PushService) -> None:
    browser, desk = service.browser(), world.session("otto")
    assert desk.post(DEVICES, browser.posted, headers={"User-Agent": AGENT}).status_code == 204
    (row,) = devices.living(otto(world), world.acme)
    page = desk.get(DEVICES).text
    assert "Firefox on Linux" in page
    assert vapid.public_key() in page
    # The page holds what the endpoint hashes to: whoever reads it can send nothing there.
    assert browser.endpoint not in page
    assert row.endpoint_digest in page
    assert "Sent to Firefox on Linux." in desk.post(f"{DEVICES}/{row.pk}/test", follow=True).text
    assert [told["path"] for told in browser.told] == ["/o/acme/"]
    service.answer = 503
    page = desk.post(f"{DEVICES}/{row.pk}/test", follow=True).text
    assert "Firefox on Linux: its push service answered 503." in page
    for verb in ("test", "remove"):
        assert world.session("olga").post(f"{DEVICES}/{row.pk}/{verb}").status_code == 404
        assert world.session("gina").post(f"/o/globex/settings/devices/{row.pk}/{verb}").status_code == 404
    assert "is not notified any more" in desk.post(f"{DEVICES}/{row.pk}/remove", follow=True).text
    assert names() == []


def test_a_device_that_is_gone_is_said_so_by_its_test(world: World, service: PushService) -> None:
    row, desk = subscribed(world, service.browser()), world.session("otto")
    service.answer = 410
    page = desk.post(f"{DEVICES}/{row.pk}/test", follow=True).text
    assert "has dropped its subscription; switch it on again there" in page
    assert "None yet." in page


def test_tests_are_not_without_end(world: World, service: PushService) -> None:
    row, desk = subscribed(world, service.browser()), world.session("otto")
    pages = [desk.post(f"{DEVICES}/{row.pk}/test", follow=True).text for _ in range(6)]
    assert len(service.browser().told) == 5
    assert "wait a minute" in pages[-1]


def test_what_is_no_subscription_is_answered_in_words(world: World, service: PushService) -> None:
    answer = world.session("otto").post(DEVICES, {"endpoint": "x" * 65536})
    assert (answer.status_code, answer["Content-Type"]) == (422, "text/plain; charset=utf-8")
    assert names() == []
