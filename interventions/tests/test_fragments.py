"""What goes to every console alike: facts, escaped, without anything of one reader."""

import re
from pathlib import Path
from typing import Any

import pytest

from conftest import World
from interventions import actions, wire
from interventions.fragments import event_fragments, tiles
from interventions.models import Event, Intervention
from interventions.templatetags.console import pilot

pytestmark = pytest.mark.embedded


def fragments(row: Intervention) -> list[dict[str, str]]:
    """Of every event of `row`, with the intervention as it is now."""
    now = wire.intervention(Intervention.across_organizations.get(pk=row.pk))
    events = Event.across_organizations.filter(request_id=row.request_id).order_by("seq")
    return [event_fragments(wire.event(event), now) for event in events]


def test_an_open_request_is_a_card_and_a_finished_one_a_tombstone(world: World, ask: Any) -> None:
    row = ask()
    assert [set(found) for found in fragments(row)] == [{"card", "entry"}]
    actions.reject(world.pilot("otto"), row.request_id, reason="Not now")
    assert [set(found) for found in fragments(row)] == [{"tombstone", "entry"}] * 2
    assert "Not now" in fragments(row)[-1]["tombstone"]


def test_agents_and_pilots_text_is_escaped_and_its_tricks_are_visible(world: World, ask: Any) -> None:
    row = ask(title="<script>\u202e", uow_id="<i>\u200b")
    actions.comment(world.pilot("otto"), row.request_id, text="<b>\u2066")
    html = "".join("".join(found.values()) for found in fragments(row))
    for trick in ("<script>", "<i>", "<b>\u2066", "\u202e", "\u200b", "\u2066"):
        assert trick not in html
    for shown in ("&lt;script&gt;", "U+202E", "U+200B", "U+2066"):
        assert shown in html


def test_a_fragment_holds_no_token(ask: Any) -> None:
    assert "csrf" not in "".join(fragments(ask())[0].values())


def test_every_event_has_its_line(world: World, ask: Any) -> None:
    row = ask(approvals_required=2)
    otto, olga = world.pilot("otto"), world.pilot("olga")
    actions.claim(otto, row.request_id)
    actions.claim(olga, row.request_id, take_over=True)
    actions.release(olga, row.request_id)
    actions.assign(otto, row.request_id, pilot_id="local:olga")
    actions.extend(otto, row.request_id, expires_in_seconds=None)
    actions.comment(otto, row.request_id, text="Hm")
    actions.approve(otto, row.request_id, reason="First of two")
    actions.approve(olga, row.request_id)
    actions.record_delivery(world.key(), [row.request_id])
    actions.complete(world.key(), row.request_id, outcome=None)
    lines = [found["entry"] for found in fragments(row)]
    words = ["Asked", "Claimed", "Taken over", "Released", "Assigned", "Deadline moved", "noted"]
    words += ["First of two", "Approved", "Delivered", "Acted on"]
    assert len(lines) == len(words)
    for line, word in zip(lines, words, strict=True):
        assert word in line


def test_no_attribute_holds_the_markup_of_an_invisible_character(settings: Any) -> None:
    """`|visible` makes elements; where there can be none it is `|spelled`."""
    templates = [path for folder in settings.TEMPLATES[0]["DIRS"] for path in Path(folder).rglob("*.html")]
    assert len(templates) > 50
    broken = [path.name for path in templates if re.search(r'="[^"<>]*\|visible', path.read_text())]
    assert broken == []


def test_whose_name_holds_invisible_characters_is_named_in_one_piece() -> None:
    html = pilot("local:pay\u200bpal")
    assert 'title="local:payU+200Bpal">pay<span class="control"' in html


def test_tiles_of_an_empty_organization_say_nothing_false(world: World) -> None:
    html = tiles(world.globex.pk)
    assert 'data-critical="0"' in html
    assert html.count("–") == 2
