"""What helps to decide alike: which titles are alike, what is shown, to whom, and what it costs."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conftest import World
from interventions import actions, related
from interventions.models import Intervention
from interventions.similar import MAX_SIMILAR, likeness, most_alike, words_of
from pilots import api_keys
from pilots.caller import Caller
from pilots.limits import Limits

pytestmark = pytest.mark.embedded


def alike(one: str, other: str, tags: tuple[str, ...] = (), other_tags: tuple[str, ...] = ()) -> bool:
    return bool(most_alike(one, tags, [{"title": other, "tags": other_tags}]))


class TestLikeness:
    def test_of_words_counts_what_says_something(self) -> None:
        assert words_of("Which vendor is ABC Ltd? 3 match, of 18,244.90 €") == {"vendor", "abc", "ltd", "match"}

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("Invoice 50,000.00 EUR is over the agent's limit", "Invoice 1,200 EUR is over the limit"),
            ("Refund order 490592?", "Refund order 12?"),
            ("Which vendor is “ABC Ltd”?", "Which vendor is it?"),
            ("ÉTÉ à Paris", "été à PARIS"),
        ],
    )
    def test_of_the_same_matter_with_other_numbers(self, one: str, other: str) -> None:
        assert alike(one, other)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("Delete 48,200 inactive customer records", "Refund 9,835.50 for customer order 490592"),
            ("What is it to be?", "Which is it to be?"),
            ("12345", "12345"),
            ("", ""),
            ("Release the refund batch", "Release notes for the new billing service in production"),
        ],
    )
    def test_does_not_make_nonsense_alike(self, one: str, other: str) -> None:
        assert not alike(one, other)

    def test_grows_with_shared_tags_which_alone_do_for_the_same_tags(self) -> None:
        plain = likeness("Refund a batch", ["refunds"], "Refund an order", [])
        assert likeness("Refund a batch", ["refunds"], "Refund an order", ["refunds"]) > plain
        assert alike("Quite another thing", "Something else", ("a", "b"), ("b", "a"))
        assert not alike("Quite another thing", "Something else", ("a", "b", "c"), ("c", "d"))

    def test_puts_the_most_alike_first_and_the_newer_of_equals(self) -> None:
        titles = ["Refund two", "Refund batch", "Refund three"] + ["Refund other"] * 9
        rows = [{"title": title, "tags": [], "at": at} for at, title in enumerate(titles)]
        found = most_alike("Refund batch", [], rows)
        assert [row["at"] for row in found] == [1, 0, 2, 3, 4]
        assert len(found) == MAX_SIMILAR


def page(world: World, row: Intervention, name: str = "otto", **headers: str) -> str:
    answer = world.session(name).get(f"/o/acme/interventions/{row.request_id}/related", headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def test_earlier_ones_of_the_unit_of_work_are_shown_whatever_became_of_them(world: World, ask: Any) -> None:
    olga = world.pilot("olga")
    actions.reject(olga, ask(title="First <b>", uow_id="u-7").request_id, reason="Not like this \u202e")
    actions.cancel(world.key(), ask(title="Second", uow_id="u-7").request_id, reason=None)
    ask(title="Third", uow_id="u-7")
    ask(title="Elsewhere", uow_id="u-8")
    row = ask(title="The one", uow_id="u-7")
    ask(title="Later", uow_id="u-7")
    html = page(world, row, **{"HX-Request": "true"})
    places = [html.index(word) for word in ("Third", "Second", "First &lt;b&gt;")]
    assert places == sorted(places)
    for word in ("pending", "cancelled", "rejected", ">olga</bdi>", "Not like this", "U+202E"):
        assert word in html
    for word in ("Elsewhere", "Later", "The one", "<html"):
        assert word not in html


def test_similar_decisions_show_verdict_reason_and_who(world: World, ask: Any) -> None:
    olga = world.pilot("olga")
    actions.approve(olga, ask(title="Refund order 12?", uow_id="a").request_id, reason="Small sum.")
    actions.reject(olga, ask(title="Refund order 13?", uow_id="b").request_id, reason="Twice already.")
    actions.cancel(world.key(), ask(title="Refund order 14?", uow_id="c").request_id, reason="Gone")
    ask(title="Refund order 15?", uow_id="d")
    kind = {"intervention_type": "resume"}
    actions.approve(olga, ask(title="Refund order 16?", uow_id="e", **kind).request_id)
    actions.approve(olga, ask(title="Deploy the new billing service", uow_id="f").request_id)
    html = page(world, ask(title="Refund order 17?", uow_id="g"))
    assert "<html" in html
    assert html.index("order 13") < html.index("order 12")
    for word in ("Small sum.", "Twice already.", "approved", "rejected", ">olga</bdi>"):
        assert word in html
    for word in ("order 14", "order 15", "order 16", "Deploy"):
        assert word not in html


def test_one_that_came_before_is_not_told_twice(world: World, ask: Any) -> None:
    actions.approve(world.pilot("olga"), ask(title="Refund order 12?").request_id)
    assert page(world, ask(title="Refund order 13?")).count("Refund order 12?") == 1


def test_where_there_is_nothing_it_says_so(world: World, ask: Any) -> None:
    assert "Nothing earlier of this unit of work" in page(world, ask())


def test_nobody_is_shown_another_organizations(world: World, ask: Any) -> None:
    other = ask(key="globex-agent", title="Refund order 12?")
    actions.approve(world.pilot("gina"), other.request_id, reason="Globex only")
    row = ask(title="Refund order 13?")
    assert "Refund order 12?" not in page(world, row)
    assert world.session("gina").get(f"/o/acme/interventions/{row.request_id}/related").status_code == 404
    assert world.session("gina").get(f"/o/globex/interventions/{row.request_id}/related").status_code == 404


def test_a_limited_key_learns_of_none_beyond_its_limits(world: World, ask: Any) -> None:
    actions.approve(world.pilot("olga"), ask(title="Refund order 12?", uow_id="mine-1").request_id)
    actions.approve(world.pilot("olga"), ask(title="Refund order 13?", uow_id="theirs-1").request_id)
    row = ask(title="Refund order 14?", uow_id="mine-2")
    key, _ = api_keys.make(world.acme, "narrow", ["interventions:read"], limits=Limits(uow_id_prefix="mine-"))
    found = related.similar(Caller.of_key(key), row, besides=[])
    assert [one["title"] for one in found] == ["Refund order 12?"]


def test_it_costs_the_same_however_much_there_is(world: World, ask: Any) -> None:
    olga, otto = world.pilot("olga"), world.session("otto")
    actions.approve(olga, ask(title="Refund order 0?", uow_id="u1").request_id)
    actions.approve(olga, ask(title="Refund order 0?", uow_id="u2").request_id)
    row = ask(title="Refund order 1?", uow_id="u1")

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            otto.get(f"/o/acme/interventions/{row.request_id}/related", headers={"HX-Request": "true"})
        return len(queries)

    # The first page of a session costs more.
    cost()
    first = cost()
    for number in range(12):
        actions.approve(olga, ask(title=f"Refund order {number}?", uow_id=f"u{number % 3}").request_id)
    row = ask(title="Refund order 99?", uow_id="u1")
    assert page(world, row).count('class="precedent"') > 6
    assert cost() == first


def test_the_latest_decisions_are_read_by_their_index(world: World, ask: Any) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL chooses by the size of the table")
    row = ask()
    with CaptureQueriesContext(connection) as queries:
        related.similar(world.pilot("otto"), row, besides=[])
    latest = next(query["sql"] for query in queries if "500" in query["sql"])
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {latest}")
        plan = str(cursor.fetchall())
    assert "by_decision" in plan
    assert "TEMP B-TREE" not in plan
