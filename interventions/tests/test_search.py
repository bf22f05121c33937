"""What a search finds: words and their beginnings, in any order, however they are written; by index or row by row."""

import itertools
import re
from importlib import import_module
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import Api, World
from interventions import actions, search, search_index
from interventions.history_filters import HistoryFilters
from interventions.lifecycle import Type
from interventions.models import Intervention, SearchEntry
from interventions.store import DatabaseStore
from pilots.limits import Limits
from pilots.models import Organization
from pilots.tenancy import across, acting_in
from tests.corpus import TEXTS

pytestmark = pytest.mark.embedded

LIST = "/api/interventions"
# How a search is done is decided by how often the words stand in the requests there are.
WAYS = {
    "by the index": {},
    "by the index for what is uncommon": {"SAMPLE": 1, "SELDOM": 2.0, "UNCOMMON": 0.5},
    "row by row": {"MOST_LISTED": -1},
    "row by row, as a sample says": {"SAMPLE": 1, "SELDOM": 0.0},
}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in WAYS[request.param].items():
        monkeypatch.setattr(search_index, name, value)
    return str(request.param)


def found(program: Api, text: str, **filters: str) -> set[str]:
    return {row["request_id"] for row in program.get(LIST, q=text, **filters).json()["results"]}


@pytest.fixture
def some(world: World, ask: Any) -> None:
    ask(request_id="INV-2041", title="Pay the Invoice of Müller & Søn?", tags=["Überweisung", "tier 1"])
    ask(request_id="req-17:abc", uow_id="acme.example", description="Straße 5\nfür Ελλάδος ΟΔΟΣ, Киев; first/second")
    ask(request_id="plain", uow_id="UOW_9", title="请支付发票 🚀launch")
    ask(key="globex-agent", request_id="theirs", title="Pay the invoice of Müller")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("invoice", {"INV-2041"}),
        ("INV", {"INV-2041"}),
        ("muller pay", {"INV-2041"}),
        ("pay MÜLLER", {"INV-2041"}),
        ("søn", {"INV-2041"}),
        ("pay muller absent", set()),
        ("nvoice", set()),
        ("INV-2041", {"INV-2041"}),
        ("2041 inv", {"INV-2041"}),
        ("inv-20", {"INV-2041"}),
        ("uberweisung", {"INV-2041"}),
        ("tier", {"INV-2041"}),
        ("1", {"INV-2041"}),
        ("req-17:abc", {"req-17:abc"}),
        ("17", {"req-17:abc"}),
        ("acme.example", {"req-17:abc"}),
        ("example", {"req-17:abc"}),
        ("STRASSE", {"req-17:abc"}),
        ("ελλαδος οδος", {"req-17:abc"}),
        ("КИЕВ", {"req-17:abc"}),
        ("second first", {"req-17:abc"}),
        ("uow_9", {"plain"}),
        ("9", {"plain"}),
        ("发票", {"plain"}),
        ("🚀", {"plain"}),
        ("launch", {"plain"}),
        ("  ", {"INV-2041", "req-17:abc", "plain"}),
        ("%", set()),
        ("' & ! | ( ) : * \" \\", set()),
        ("uo", {"INV-2041", "plain"}),
        ("u", set()),
        ("pay & !invoice", {"INV-2041"}),
        ("NOT invoice", set()),
        ("inv*", {"INV-2041"}),
    ],
)
def test_words_are_found_however_they_are_written(
    api: Any, some: None, way: str, text: str, expected: set[str]
) -> None:
    assert found(api("agent"), text) == expected


def test_what_is_found_is_narrowed_and_in_order_like_any_list(api: Any, ask: Any, world: World, way: str) -> None:
    for number in range(7):
        ask(request_id=f"r-{number}", title="Pay Leeds" if number % 2 else "Pay Cork", tags=["x"] if number > 3 else [])
    actions.approve(world.pilot("otto"), "r-3")
    agent = api("agent")
    assert found(agent, "leeds", tag="x") == {"r-5"}
    assert found(agent, "leeds", status="APPROVED") == {"r-3"}
    answer = agent.get(LIST, q="pay", limit=3, ordering="-created_at").json()
    seen = [row["request_id"] for row in answer["results"]]
    while answer["next"]:
        answer = agent.get(answer["next"]).json()
        seen += [row["request_id"] for row in answer["results"]]
    assert seen == [f"r-{number}" for number in reversed(range(7))]


def test_a_limited_key_finds_what_is_inside(world: World, ask: Any, some: None, way: str) -> None:
    rows = Intervention.objects.for_caller(world.key())
    assert rows.holding("inv").count() == 1
    limited = world.key()
    limited = type(limited)(
        **{name: getattr(limited, name) for name in limited.__slots__} | {"limits": Limits("acme.")}
    )
    assert not Intervention.objects.for_caller(limited).holding("inv").exists()
    assert Intervention.objects.for_caller(limited).holding("straße").exists()


@pytest.mark.parametrize("name", TEXTS)
def test_no_text_is_a_fault(world: World, api: Any, some: None, name: str) -> None:
    otto, text = world.session("otto"), TEXTS[name]
    for path in ("/o/acme/", "/o/acme/history", "/o/acme/unclaimed", "/o/acme/interventions/plain"):
        assert otto.get(path, {"q": text}).status_code < 500
    assert api("agent").get(LIST, q=text).status_code < 500
    Intervention.objects.for_organization(world.acme.pk).holding(text * 300).count()


def test_a_text_of_64_kib_is_cut_to_what_can_be_meant(world: World, some: None, way: str) -> None:
    rows = Intervention.objects.for_organization(world.acme.pk)
    assert not rows.holding("x" * 65_536).exists()
    assert not rows.holding(" ".join(map(str, range(12_000)))).exists()
    assert rows.holding("inv " * 16_384).exists()


texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=80)
ids = st.text("abcXYZ019._:-", min_size=1, max_size=30)
numbers = itertools.count()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), title=texts.filter(str.strip), description=texts, tag=texts.map(lambda text: text[:50]), own=ids)
def test_a_request_is_found_by_each_of_its_words_and_by_their_beginnings(
    world: World, ask: Any, data: st.DataObject, title: str, description: str, tag: str, own: str
) -> None:
    row = ask(request_id=f"{next(numbers)}.{own}", title=title, description=description, tags=[tag])
    rows = Intervention.objects.for_organization(world.acme.pk)
    words = [word for text in (title, description, tag, own) for word in search.words_of(text)]
    for word in data.draw(st.lists(st.sampled_from(words), max_size=3)) if words else []:
        beginning = word[: data.draw(st.integers(min(2, len(word)), len(word)))]
        for text in (word, beginning, beginning.upper(), f"{word} {beginning}"):
            assert rows.holding(text).filter(pk=row.pk).exists(), text
    assert rows.holding(row.request_id).filter(pk=row.pk).exists()


@given(st.text())
def test_folding_is_done_once_and_for_all(text: str) -> None:
    words = search.words_of(text)
    assert [search.words_of(word) for word in words] == [[word] for word in words]
    assert not set("".join(words)) & set(" '\"\\&|!():*<>_\x00")


# The index follows the rows


def held(organization: Organization) -> int:
    """How many rows the database's own index of words tells of."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "SELECT count(*) FROM interventions_searchwords WHERE interventions_searchwords MATCH %s",
                [f'"{organization.pk}_uow"*'],
            )
            return int(cursor.fetchone()[0])
    return SearchEntry.objects.for_organization(organization.pk).count()


def test_what_pilots_begin_is_found_too(world: World) -> None:
    actions.command(world.pilot("ada"), Type.KILL_SWITCH, "engine-7", reason="smoke")
    assert Intervention.objects.for_organization(world.acme.pk).holding("kill engine").exists()


def test_what_is_removed_is_found_no_more(world: World, ask: Any, clock: Any) -> None:
    for request_id in ("old", "open"):
        ask(request_id=request_id)
    actions.approve(world.pilot("otto"), "old")
    assert held(world.acme) == 2
    clock.forward(days=91)
    assert DatabaseStore(world.acme).clear_archived(days=90) == 1
    assert held(world.acme) == 1
    rows = Intervention.objects.for_organization(world.acme.pk)
    assert [row.request_id for row in rows.holding("vendor")] == ["open"]


def test_what_was_asked_before_there_was_an_index_is_entered_with_it(world: World, some: None) -> None:
    entries = SearchEntry.objects.for_organization(world.acme.pk)
    entered = set(entries.values_list("intervention_id", "words"))
    entries.delete()
    assert held(world.acme) == 0
    with across():
        SearchEntry.across_organizations.all().delete()
        # As the models were then; a later migration may change them.
        then = MigrationLoader(connection).project_state(("interventions", "0007_search"))
        import_module("interventions.migrations.0007_search").enter(then.apps, None)
    assert set(entries.values_list("intervention_id", "words")) == entered
    assert Intervention.objects.for_organization(world.acme.pk).holding("invoice").exists()


def test_the_same_request_again_is_entered_once(world: World, ask: Any) -> None:
    assert ask(request_id="r").pk == ask(request_id="r").pk
    assert held(world.acme) == 1


# The history's looks end early where the index has listed all there is


def test_what_is_rare_is_found_however_long_ago(world: World, ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interventions.history.LOOK", 2)
    for number in range(6):
        row = ask(request_id=f"r{number}", title="Heron" if number == 0 else "Usual")
        actions.approve(world.pilot("otto"), row.request_id)
    html = world.session("otto").get("/o/acme/history?q=heron").content.decode()
    assert re.findall(r'data-request-id="(r\d)"', html) == ["r0"]
    assert "Searched back" not in html
    assert HistoryFilters(q="heron").looks


def test_what_everything_was_about_until_lately_is_not_listed(
    world: World, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite gives what it finds as it finds it")
    monkeypatch.setattr(search_index, "SAMPLE", 2)
    for number in range(8):
        ask(title="Usual" if number > 4 else "Heron")
    assert search_index.find(world.acme.pk, "heron").rows is None
    assert search_index.find(world.acme.pk, "nowhere").rows == []


# PostgreSQL's second wall


def test_the_index_shows_nobody_elses_rows_and_forgets_what_it_was_told(world: World, some: None) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has the first wall only")
    theirs = search_index.Sought(world.globex.pk, ("pay",)).for_postgresql

    def count(sql: str, *values: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {sql}", values)
            return cursor.fetchone()[0]

    for organization, its_own, of_them in ((world.acme, 3, 0), (world.globex, 1, 1)):
        with acting_in(organization.pk):
            found = "count(*) FROM interventions_found(%s::tsquery, %s::tsquery, 9)"
            assert count(found, theirs, theirs) == of_them
            assert count("current_setting('chameleon.searched', true)") in ("", None)
            assert count("count(*) FROM interventions_searchentry") == its_own
