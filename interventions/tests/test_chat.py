"""Messages into Slack and Teams, by a receiver on this machine; and what hostile titles become there."""

from collections.abc import Iterator
from typing import Any

import pytest

from chameleon import private_targets
from conftest import World
from interventions.delivery import cards, chat, hooks
from interventions.delivery.errors import TryLater, Undeliverable
from interventions.delivery.hooks import Rule
from interventions.delivery.message import Message
from interventions.lifecycle import Priority
from interventions.models import ChatHook
from pilots import access_log
from pilots.access_log import SYSTEM
from pilots.errors import InvalidInput, NotFound
from tests import chat_receiver
from tests.chat_receiver import Receiver

pytestmark = pytest.mark.embedded

HOSTILE = "<!channel> <https://evil.example|Approve> [Approve](https://evil.example) *b* \u202e\x00\r\n&amp; <at>x</at>"
MESSAGE = Message(HOSTILE, HOSTILE, "/o/acme/interventions/a", urgent=True, tag="a", lines=(HOSTILE,) * 12)
PLAIN = Message("3 requests wait", "1 critical", "/o/acme/", urgent=True, tag="acme")


@pytest.fixture(scope="module")
def _running() -> Iterator[Receiver]:
    with chat_receiver.running() as receiver:
        yield receiver


@pytest.fixture
def receiver(_running: Receiver, settings: Any) -> Receiver:
    settings.ALLOW_PRIVATE_TARGETS = private_targets.read("127.0.0.1")
    settings.PUBLIC_URL = "https://chameleon.example.com"
    _running.reset()
    return _running


def channel(world: World, receiver: Receiver, kind: str = "slack", name: str = "#on-call") -> ChatHook:
    return hooks.add(world.acme, kind, name, f"{receiver.address}/secret", Rule(Priority.HIGH), by=SYSTEM)


def texts(card: Any) -> list[str]:
    """Every string of a card, with its key."""
    if isinstance(card, dict):
        return [text for value in card.values() for text in texts(value)]
    if isinstance(card, list):
        return [text for value in card for text in texts(value)]
    return [card] if isinstance(card, str) else []


def test_slack_gets_plain_text_one_link_and_no_mention(world: World, receiver: Receiver) -> None:
    assert chat.send_to(channel(world, receiver), MESSAGE) == "answered 200: ok"
    ((path, card),) = receiver.got
    assert path == "/secret"
    read_as_markup = [card["text"], *(b["text"]["text"] for b in card["blocks"] if b["text"]["type"] == "mrkdwn")]
    assert read_as_markup[1:] == ["<https://chameleon.example.com/o/acme/interventions/a|Open in Chameleon>"]
    assert "<" not in read_as_markup[0]
    assert "&lt;!channel&gt;" in read_as_markup[0]
    assert not {"\u202e", "\x00", "\r"} & set("".join(texts(card)))
    assert {block["type"] for block in card["blocks"]} == {"header", "section"}
    assert len(card["blocks"][0]["text"]["text"]) <= 150
    assert "… and 2 more" in card["blocks"][2]["text"]["text"]


def test_teams_gets_a_card_without_markdown_whose_one_action_opens_the_page(world: World, receiver: Receiver) -> None:
    receiver.status, receiver.body = 202, ""
    assert chat.send_to(channel(world, receiver, "teams"), MESSAGE) == "answered 202"
    ((_, sent),) = receiver.got
    assert sent["type"] == "message"
    (attachment,) = sent["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert {item["type"] for item in card["body"]} == {"RichTextBlock"}
    assert {run["type"] for item in card["body"] for run in item["inlines"]} == {"TextRun"}
    link = "https://chameleon.example.com/o/acme/interventions/a"
    assert card["actions"] == [{"type": "Action.OpenUrl", "title": "Open in Chameleon", "url": link}]
    assert "msteams" not in card


def test_the_page_says_where_links_lead_by_a_guess(world: World, settings: Any) -> None:
    settings.PUBLIC_URL, settings.IS_PUBLIC_URL_A_GUESS = "https://guessed.example", True
    assert "https://guessed.example" in world.session("ada").get("/o/acme/team/chat").text
    settings.IS_PUBLIC_URL_A_GUESS = False
    assert "https://guessed.example" not in world.session("ada").get("/o/acme/team/chat").text


@pytest.mark.parametrize(("status", "error"), [(400, Undeliverable), (403, Undeliverable), (404, Undeliverable)])
@pytest.mark.parametrize("kind", cards.CARDS)
def test_what_is_refused_for_good_is_given_up(
    world: World, receiver: Receiver, kind: str, status: int, error: type[Exception]
) -> None:
    row = channel(world, receiver, kind)
    receiver.status, receiver.body = status, "no_service <b>\u202e"
    with pytest.raises(error, match=f"answered {status}: no_service <b>U\\+202E"):
        chat.send_to(row, PLAIN)
    row.refresh_from_db()
    assert (row.last_good, row.last_result.startswith(f"answered {status}")) == (False, True)


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_what_may_work_later_says_when(world: World, receiver: Receiver, status: int) -> None:
    row = channel(world, receiver)
    receiver.status, receiver.headers = status, {"Retry-After": "30"}
    with pytest.raises(TryLater) as raised:
        chat.send_to(row, PLAIN)
    receiver.headers = {}
    assert raised.value.after == 30


def test_the_address_lies_sealed_and_goes_with_its_key(world: World, receiver: Receiver, settings: Any) -> None:
    row = channel(world, receiver)
    assert "secret" not in row.sealed_url
    assert row.host == "127.0.0.1"
    settings.SECRET_KEY = "another" * 10
    with pytest.raises(Undeliverable, match="SECRET_KEY has changed"):
        chat.send_to(row, PLAIN)


def test_a_channel_that_is_paused_or_removed_is_told_no_more(world: World, receiver: Receiver) -> None:
    row = channel(world, receiver)
    assert [(each.pk, each.lowest_priority) for each in hooks.active_of(world.acme)] == [(row.pk, Priority.HIGH)]
    assert hooks.active_of(world.globex) == []
    chat.send_by_id(world.acme, row.pk, PLAIN)
    with pytest.raises(Undeliverable):
        chat.send_by_id(world.globex, row.pk, PLAIN)
    hooks.change(row, Rule(Priority.LOW, active=False), by=SYSTEM)
    assert hooks.active_of(world.acme) == []
    with pytest.raises(Undeliverable, match="no more"):
        chat.send_by_id(world.acme, row.pk, PLAIN)
    assert len(receiver.got) == 1


def test_every_change_is_on_record_and_no_address_is(world: World, receiver: Receiver) -> None:
    row = channel(world, receiver)
    hooks.change(row, Rule(Priority.HIGH), by=SYSTEM)
    hooks.change(row, Rule(Priority.LOW, active=False), by=SYSTEM)
    hooks.remove(row, by=SYSTEM)
    hooks.remove(row, by=SYSTEM)
    told = [(event.type, event.data) for event in reversed(access_log.newest(world.acme, 3))]
    assert told == [
        ("chat_hook_created", {"kind": "slack", "host": "127.0.0.1", "lowest_priority": "high"}),
        (
            "chat_hook_changed",
            {"lowest_priority": {"from": "high", "to": "low"}, "active": {"from": True, "to": False}},
        ),
        ("chat_hook_removed", {"kind": "slack", "host": "127.0.0.1"}),
    ]


def test_what_is_wrong_is_said_at_each_field(world: World, receiver: Receiver, settings: Any) -> None:
    channel(world, receiver)
    for name in ("", " ", "x" * 101, "a\u202eb", "a\nb", "#on-call"):
        with pytest.raises(InvalidInput) as raised:
            channel(world, receiver, "irc", name)
        assert set(raised.value.errors or {}) == {"kind", "name"}
    settings.ALLOW_PRIVATE_TARGETS = ()
    for url in (
        "http://hooks.slack.com/x",
        "https://10.0.0.1/",
        "https://user@hooks.slack.com/",
        "",
        "https://localhost/",
    ):
        with pytest.raises(InvalidInput) as raised:
            hooks.add(world.acme, "slack", "new", url, Rule(Priority.HIGH), by=SYSTEM)
        assert set(raised.value.errors or {}) == {"url"}
    assert len(hooks.all_of(world.acme)) == 1


def test_anothers_channel_is_not_there(world: World, receiver: Receiver) -> None:
    row = channel(world, receiver)
    with pytest.raises(NotFound):
        hooks.get(world.globex, row.pk)


CHAT = "/o/acme/team/chat"


def form(receiver: Receiver, **fields: str) -> dict[str, str]:
    return {
        "kind": "slack",
        "name": "#on-call",
        "url": f"{receiver.address}/secret",
        "lowest_priority": "high",
    } | fields


def test_an_admin_adds_tries_changes_and_removes_a_channel(world: World, receiver: Receiver) -> None:
    ada = world.session("ada")
    page = ada.post(CHAT, form(receiver), follow=True).text
    assert "#on-call is told from now on. 127.0.0.1 is no address that Slack gives out" in page
    assert "/secret" not in page
    (row,) = hooks.all_of(world.acme)
    assert "Sent to #on-call, which answered 200: ok." in ada.post(f"{CHAT}/{row.pk}/test", follow=True).text
    assert len(receiver.got) == 1
    receiver.status, receiver.body = 404, "no_team"
    page = ada.post(f"{CHAT}/{row.pk}/test", follow=True).text
    assert "#on-call was not reached: answered 404: no_team." in page
    assert "failing" in page
    assert (
        "is told of all requests" in ada.post(f"{CHAT}/{row.pk}/change", {"lowest_priority": "low"}, follow=True).text
    )
    assert "is not told for now" in ada.post(f"{CHAT}/{row.pk}/change", {"active": "off"}, follow=True).text
    row.refresh_from_db()
    assert (row.lowest_priority, row.active) == (Priority.LOW, False)
    assert "is removed" in ada.post(f"{CHAT}/{row.pk}/remove", follow=True).text
    assert hooks.all_of(world.acme) == []


def test_tests_are_not_without_end(world: World, receiver: Receiver) -> None:
    row, ada = channel(world, receiver), world.session("ada")
    pages = [ada.post(f"{CHAT}/{row.pk}/test", follow=True).text for _ in range(11)]
    assert len(receiver.got) == 10
    assert "wait a minute" in pages[-1]


def test_a_form_that_is_wrong_comes_back_as_it_was_typed(world: World, receiver: Receiver) -> None:
    answer = world.session("ada").post(
        CHAT, form(receiver, name="<b>", url="https://10.0.0.1/x", lowest_priority="high")
    )
    assert answer.status_code == 422
    assert "Leads to 10.0.0.1, which is not on the public Internet" in answer.text
    assert 'value="&lt;b&gt;"' in answer.text
    assert world.session("ada").post(CHAT, form(receiver, lowest_priority="urgent")).status_code == 422
    assert hooks.all_of(world.acme) == []


def test_the_channels_of_another_organization_are_out_of_reach(world: World, receiver: Receiver) -> None:
    row = hooks.add(world.globex, "slack", "#globex", f"{receiver.address}/x", Rule(Priority.LOW), by=SYSTEM)
    ada = world.session("ada")
    for verb in ("test", "change", "remove"):
        assert ada.post(f"{CHAT}/{row.pk}/{verb}", {"active": "off"}).status_code == 404
    assert "#globex" not in ada.get(CHAT).text
    assert (len(hooks.all_of(world.globex)), hooks.all_of(world.globex)[0].active, receiver.got) == (1, True, [])
