"""What a mail is: over real SMTP, harmless whatever was asked, and the button that tries it."""

import re
import smtplib
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.checks import run_checks

from chameleon import public_url
from chameleon.mail import mailers
from conftest import Clock, World
from interventions import actions
from interventions.content import draft_of
from interventions.delivery import mail, outbox, sending, trying
from interventions.delivery.errors import Undeliverable
from interventions.delivery.message import Message
from interventions.delivery.recipients import Standing
from interventions.delivery.wording import message_of
from interventions.models import Notice
from pilots import database
from pilots.models import Pilot
from tests import mail_sink
from tests.corpus import TEXTS
from tests.mail_sink import Sink

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]
PAGE = "/o/acme/settings/notifications"
MESSAGE = Message("A title", "A body.", "/o/acme/", urgent=False, tag="notice-1-1")


@pytest.fixture(scope="module")
def server() -> Iterator[Sink]:
    with mail_sink.running() as sink:
        yield sink


@pytest.fixture
def sink(server: Sink, settings: Any, world: World) -> Sink:
    settings.EMAIL_URL, settings.PUBLIC_URL = server.url, "https://chameleon.example.com"
    settings.MAILERS, settings.DEFAULT_FROM_EMAIL = mailers(server.url)
    Pilot.objects.filter(pilot_id="local:otto").update(email="otto@acme.test")
    server.inbox.clear()
    server.answer = ""
    return server


def notice(world: World, email: str = "otto@acme.test") -> Notice:
    pilot = world.memberships["otto"].pilot
    pilot.email = email
    return Notice(organization=world.acme, pilot=pilot, channel="mail")


def test_a_mail_holds_the_title_a_link_and_how_to_have_less_of_it(world: World, sink: Sink, clock: Clock) -> None:
    draft = {"uow_id": "uow-1", "intervention_type": "clarification", "title": "Which <b>vendor</b>?"}
    secrets = {"description": "s3cret-words", "context": {"s3cret": "s3cret"}, "tags": ["s3cret"]}
    asked = draft | secrets | {"priority": "critical", "request_id": "r-1"}
    actions.create(world.key(), draft_of(asked))
    outbox.read_on()
    clock.forward(seconds=3)
    assert sending.send_due() == 1
    (received,) = sink.inbox
    sent = Notice.across_organizations.get(kind="at_once")
    assert received["Subject"] == "Critical: Which <b>vendor</b>?"
    assert (received["From"], received["To"]) == ("desk@acme.test", "otto@acme.test")
    assert received["Message-ID"] == f"<notice-{sent.pk}-1@chameleon.example.com>"
    assert received["Auto-Submitted"] == "auto-generated"
    assert received["List-Unsubscribe"].strip() == f"<https://chameleon.example.com{PAGE}>"
    text, html = (part.get_content() for part in received.iter_parts())
    for part in (text, html):
        assert "https://chameleon.example.com/o/acme/interventions/r-1" in part
        assert "s3cret" not in part
    assert "Which <b>vendor</b>?" in text
    assert "Which &lt;b&gt;vendor&lt;/b&gt;?" in html


HEADERS = {"from", "to", "subject", "date", "message-id", "mime-version", "content-type", "auto-submitted"}
HEADERS |= {"list-unsubscribe", "x-peer", "x-mailfrom", "x-rcptto"}


def test_a_hostile_title_makes_no_header_no_element_and_hides_nothing(world: World, sink: Sink) -> None:
    for name, title in TEXTS.items():
        draft = {"uow_id": "uow-1", "intervention_type": "clarification", "title": title[:255], "priority": "critical"}
        row = actions.create(world.key(), draft_of(draft)).row
        told = notice(world)
        mail.send(told, message_of(told, [Standing(row, database.now())]))
        received = sink.inbox.pop()
        assert {header.lower() for header in received} <= HEADERS, name
        assert sink.recipients.pop() == ["otto@acme.test"], name
        text, html = (part.get_content() for part in received.iter_parts())
        assert not re.search(
            "[\u202a-\u202e\u2066-\u2069\u200b\ufeff\x1b\x07]", f"{received['Subject']}{text}{html}"
        ), name
        assert re.findall("<(script|img|iframe|svg|form|base|link)", html) == [], name
        assert html.count("<a ") == 2, name
        assert text.count("\n") < 14, name


@pytest.mark.parametrize("answer", ["550 no such mailbox", "554 not this"])
def test_a_refusal_for_good_is_given_up(world: World, sink: Sink, answer: str) -> None:
    sink.answer = answer
    with pytest.raises(Undeliverable, match=answer[:3]):
        mail.send(notice(world), MESSAGE)


def test_a_refusal_for_now_is_tried_again(world: World, sink: Sink) -> None:
    sink.answer = "451 greylisted"
    with pytest.raises(smtplib.SMTPDataError):
        mail.send(notice(world), MESSAGE)


@pytest.mark.parametrize("email", ["", "a@b@c", "a@acme.test\r\nBcc: x@y.test", "a@acme.test, b@acme.test"])
def test_what_is_no_address_gets_no_mail(world: World, sink: Sink, email: str) -> None:
    with pytest.raises((Undeliverable, smtplib.SMTPException)):
        mail.send(notice(world, email), MESSAGE)
    assert sink.inbox == []


# The page


def test_what_is_chosen_is_saved_and_what_others_keep_there_stays(world: World, sink: Sink) -> None:
    Pilot.objects.filter(pilot_id="local:otto").update(
        notifications={"email": True, "by_priority": {"critical": {"push": "off"}, "low": {"mail": "digest"}}}
    )
    otto = world.session("otto")
    page = otto.post(PAGE, {"mail_critical": "digest", "mail_low": "off", "digest_every": "hour"}, follow=True)
    assert "Saved." in page.content.decode()
    stored = Pilot.objects.get(pilot_id="local:otto").notifications
    rules = {"critical": {"push": "off", "mail": "digest"}, "low": {"mail": "off"}}
    assert stored == {"email": True, "by_priority": rules, "digest_every": "hour"}


@pytest.mark.parametrize(
    ("field", "value"), [("mail_critical", "often"), ("mail_low", "<script>"), ("digest_every", "x" * 9000)]
)
def test_a_wrong_value_is_named_at_its_field(world: World, sink: Sink, field: str, value: str) -> None:
    answer = world.session("otto").post(PAGE, {"mail_high": "at_once", field: value})
    assert answer.status_code == 422
    wrong = "digest-every-wrong" if field == "digest_every" else f"{field}-wrong"
    assert f'id="{wrong}"' in answer.content.decode()
    assert Pilot.objects.get(pilot_id="local:otto").notifications == {}


@pytest.mark.parametrize("rules", [{"by_priority": {"critical": {"mail": 1}}}, {"digest_every": True}])
def test_programs_are_told_what_makes_no_sense(api: Any, rules: Any) -> None:
    answer = api("otto").patch("/api/pilots/me", {"notifications": rules})
    assert answer.status_code == 400
    right = {"by_priority": {"critical": {"mail": "off"}}, "theirs": [1]}
    assert api("otto").patch("/api/pilots/me", {"notifications": right}).json()["notifications"] == right


@pytest.mark.parametrize("nonsense", [7, [], {"by_priority": []}, {"by_priority": {"critical": "x"}}])
def test_rules_of_another_hand_that_make_no_sense_are_the_usual_ones(world: World, sink: Sink, nonsense: Any) -> None:
    Pilot.objects.filter(pilot_id="local:otto").update(notifications=nonsense)
    assert world.session("otto").get(PAGE).status_code == 200
    world.session("otto").post(PAGE, {"mail_low": "digest"})
    assert Pilot.objects.get(pilot_id="local:otto").notifications["by_priority"]["low"] == {"mail": "digest"}


def pressed(world: World, name: str = "otto", **fields: str) -> str:
    answer = world.session(name).post(f"{PAGE}/test", {"channel": "mail"} | fields, follow=True)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_the_button_sends_for_real_and_says_where(world: World, sink: Sink) -> None:
    assert "Sent to o***@acme.test." in pressed(world)
    assert sink.inbox[0]["Subject"] == "A test from Chameleon"
    sink.answer = "550 no such mailbox"
    assert "It cannot be delivered to o***@acme.test: refused with 550." in pressed(world)
    sink.answer = "451 later"
    assert "It could not be sent" in pressed(world)
    assert "There is no such way to be told." in pressed(world, channel="pigeon")
    assert "your account has no e-mail address" in pressed(world, "olga")
    for _ in range(trying.LIMIT):
        said = pressed(world)
    assert "are enough; wait a while." in said


def test_where_mail_is_not_set_up_the_page_says_so(world: World, settings: Any) -> None:
    settings.EMAIL_URL = ""
    page = world.session("otto").get(PAGE).content.decode()
    assert mail.NOT_SET_UP in page
    assert "Send a test" not in page
    assert mail.NOT_SET_UP in pressed(world)


# Where links lead


def test_check_warns_of_a_guess(settings: Any) -> None:
    def ids() -> set[str | None]:
        return {found.id for found in run_checks()}

    settings.EMAIL_URL, settings.IS_PUBLIC_URL_A_GUESS = "smtp://mail", True
    assert "chameleon.W112" in ids()
    settings.IS_PUBLIC_URL_A_GUESS = False
    assert "chameleon.W112" not in ids()


@pytest.mark.parametrize(
    ("hosts", "port", "guess"),
    [
        (["chameleon.example.com"], None, "https://chameleon.example.com"),
        ([".example.com"], None, "https://example.com"),
        (["127.0.0.1"], 9000, "http://127.0.0.1:9000"),
    ],
)
def test_the_guess(hosts: list[str], port: int | None, guess: str) -> None:
    assert public_url.guess(hosts, port) == guess


@pytest.mark.parametrize("url", ["chameleon.example.com", "https://a/b", "javascript:alert(1)", "https://a b"])
def test_what_is_no_address_stops_the_start(url: str) -> None:
    with pytest.raises(Exception, match="without a path"):
        public_url.leads_there(url)
