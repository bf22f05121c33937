"""The context as rows: what is shown, what is left to the raw JSON, and that hostile text stays text."""

from typing import Any

import pytest

from conftest import World
from interventions.templatetags.tree import MAX_ENTRIES, MAX_OPEN, MAX_TEXT, MAX_VALUES, tree

pytestmark = pytest.mark.embedded


def rows(html: str) -> int:
    return html.count('class="pair')


def test_keys_and_numbers_lead_to_each_value() -> None:
    html = tree({"order": {"lines": [{"sku": "A-12"}]}, "paid": False, "by": None, "none": {}})
    assert '<span class="key" dir="auto">sku</span> <span class="value" dir="auto">A-12</span>' in html
    assert '<span class="key" dir="auto">0</span> <span class="size">1 key</span>' in html
    for value in (">false<", ">null<", ">{}<"):
        assert value in html


def test_a_container_opens_and_closes_and_a_long_one_starts_closed() -> None:
    html = tree({"short": [1], "long": [1] * (MAX_OPEN + 1)})
    assert '<details open><summary class="pair list"><span class="key" dir="auto">short' in html
    assert '<details><summary class="pair list"><span class="key" dir="auto">long' in html


def test_hostile_text_is_text_in_keys_and_values() -> None:
    html = tree({"<b>\u202e": ["<img src=x>\u200b", 'https://x.example/"onclick="']})
    assert "<b>" not in html
    assert "<img" not in html
    assert html.count('class="control"') == 2
    assert "href" not in html


def test_a_link_shows_the_host_it_leads_to() -> None:
    html = tree({"see": "https://user@evil.example:8/x"})
    assert 'rel="noopener noreferrer nofollow"' in html
    assert "↗ evil.example" in html


def test_a_long_list_is_cut_and_says_how_much_is_left() -> None:
    html = tree({"numbers": list(range(30_000)), "after": 1})
    assert f"and {30_000 - MAX_ENTRIES:,} more, in the raw JSON" in html
    assert rows(html) == 2 + MAX_ENTRIES
    assert ">after<" in html


def test_the_whole_tree_is_cut_and_no_list_takes_its_neighbours_room() -> None:
    html = tree({f"k{number}": [[1, 2, 3]] * 100 for number in range(100)} | {"last": "shown"})
    assert MAX_VALUES <= rows(html) <= MAX_VALUES + 1
    assert ">shown<" in html
    assert "100, in the raw JSON" in html


def test_a_long_text_is_cut_too() -> None:
    html = tree({"text": "x" * 60_000})
    assert html.count("x") < MAX_TEXT + 100
    assert f"and {60_000 - MAX_TEXT:,} more characters, in the raw JSON" in html


@pytest.mark.parametrize(
    "context",
    [{"numbers": [number % 7 for number in range(30_000)]}, {f"key-{number}": number for number in range(4_000)}],
    ids=["list", "object"],
)
def test_a_page_with_the_largest_context_stays_small_and_its_raw_json_whole(
    world: World, ask: Any, context: dict[str, Any]
) -> None:
    row = ask(context=context)
    html = world.session("otto").get(f"/o/acme/interventions/{row.request_id}").content.decode()
    raw = html[html.index("<pre") : html.index("</pre>")]
    assert raw.count("\n") > 4_000
    assert len(html) < 700_000


def test_thirty_two_levels_are_shown_to_the_bottom(world: World, ask: Any) -> None:
    deep: Any = "bottom"
    for _ in range(31):
        deep = {"level": deep}
    html = world.session("otto").get(f"/o/acme/interventions/{ask(context=deep).request_id}").content.decode()
    assert html.count('class="pair object"') == 30
    assert '<span class="value" dir="auto">bottom</span>' in html
