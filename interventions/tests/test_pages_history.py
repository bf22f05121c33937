"""The history page: what is in it, how its address narrows it, what it refuses, and what it costs."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client

from conftest import World, stored
from interventions import actions, cursors, history, history_export
from interventions.history_filters import HistoryFilters
from interventions.models import Intervention

pytestmark = pytest.mark.embedded

PART = {"HX-Request": "true"}


def page(client: Client, query: str = "", **headers: str) -> str:
    answer = client.get(f"/o/acme/history?{query}", headers=headers)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def titles(client: Client, query: str = "") -> list[str]:
    return re.findall(r"</span> ([^<]+)</a></?", re.sub(r"\s+<", "<", page(client, query)))


def decide_at(request_id: str, moment: datetime) -> None:
    row = stored(request_id)
    Intervention.across_organizations.filter(pk=row.pk).update(
        action_timestamp=moment, created_at=moment - timedelta(minutes=5), expires_at=None
    )


@pytest.fixture
def some(world: World, ask: Any) -> None:
    otto, olga = world.pilot("otto"), world.pilot("olga")
    actions.approve(olga, ask(request_id="leeds", title="Pay Leeds", tags=["finance", "eu"]).request_id)
    actions.reject(otto, ask(request_id="cork", title="Pay Cork", tags=["finance"]).request_id, reason="No.")
    actions.cancel(world.key(), ask(request_id="gone", title="Gone", description="the dog").request_id, reason=None)
    twice = ask(request_id="twice", title="Twice", intervention_type="resume", approvals_required=2)
    actions.approve(otto, twice.request_id)
    actions.approve(olga, twice.request_id)
    actions.complete(world.key(), "leeds", outcome={"paid": True})
    ask(title="Still open")
    for number, request_id in enumerate(("leeds", "cork", "gone", "twice")):
        decide_at(request_id, datetime(2026, 3, 1 + number, 23, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["Twice", "Gone", "Pay Cork", "Pay Leeds"]),
        ("outcome=approved", ["Twice", "Pay Leeds"]),
        ("outcome=completed", ["Pay Leeds"]),
        ("outcome=rejected", ["Pay Cork"]),
        ("outcome=cancelled", ["Gone"]),
        ("outcome=expired", []),
        ("actor=local:otto", ["Twice", "Pay Cork"]),
        ("actor=local:olga", ["Twice", "Pay Leeds"]),
        ("type=resume", ["Twice"]),
        ("tag=finance", ["Pay Cork", "Pay Leeds"]),
        ("q=PAY", ["Pay Cork", "Pay Leeds"]),
        ("q=cork+pay", ["Pay Cork"]),
        ("q=dog", ["Gone"]),
        ("since=2026-03-02&until=2026-03-03", ["Gone", "Pay Cork"]),
        # Half past eleven in UTC is the next day in Berlin.
        ("since=2026-03-03&until=2026-03-03&zone=Europe/Berlin", ["Pay Cork"]),
        ("since=2026-03-04", ["Twice"]),
        ("until=2026-03-01", ["Pay Leeds"]),
        ("last=24h", []),
        ("tag=finance&outcome=rejected&actor=local:otto", ["Pay Cork"]),
    ],
)
def test_the_address_narrows_the_list(world: World, some: None, query: str, expected: list[str]) -> None:
    assert titles(world.session("vera"), query) == expected


def test_another_organizations_decisions_are_never_among_them(world: World, some: None) -> None:
    gina = world.session("gina")
    html = gina.get("/o/globex/history?q=pay").content.decode()
    assert "Pay Cork" not in html
    assert "finance" not in html
    for path in ("history", "history/export.csv", "history/export.json", "interventions/cork?history="):
        assert gina.get(f"/o/acme/{path}").status_code == 404
    assert gina.get("/o/globex/interventions/cork?history=").status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        "since=yesterday",
        "since=20260301",
        "since=2026-02-30",
        "since=0001-01-01",
        "until=9999-12-31",
        "since=2026-03-04&until=2026-03-01",
        "since=2026-03-04&zone=../../etc/passwd",
        "outcome=APPROVED",
        "type=bomb",
        "last=1y",
        "q=" + "x" * 256,
        "tag=%E2%80%AEx",
        "actor=" + "<script>" * 100,
    ],
)
@pytest.mark.parametrize("path", ["history", "history/export.csv"])
def test_what_cannot_be_meant_is_said_and_nothing_is_shown(world: World, some: None, path: str, query: str) -> None:
    answer = world.session("otto").get(f"/o/acme/{path}?{query}")
    html = answer.content.decode()
    assert answer.status_code == 422
    assert "This cannot be looked for" in html
    assert 'aria-invalid="true"' in html or "zone" in query or "last" in query
    assert "Pay Cork" not in html
    assert "<script>" * 2 not in html


@pytest.mark.parametrize("position", ["junk", "", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_made_up_position_leads_to_the_beginning(world: World, some: None, position: str) -> None:
    after = position
    if "T" in position:
        after = cursors.encode("decided", [position, 1])  # type: ignore[list-item]
    answer = world.session("otto").get(f"/o/acme/history?{urlencode({'tag': 'finance', 'after': after})}", follow=True)
    assert answer.status_code == 200
    assert answer.redirect_chain[-1][0] == "/o/acme/history?tag=finance"


def test_an_address_becomes_short(world: World) -> None:
    answer = world.session("otto").get("/o/acme/history?q=&since=&until=&zone=UTC&outcome=rejected&tag=")
    assert answer["Location"] == "/o/acme/history?outcome=rejected"


def test_no_nul_reaches_the_database(world: World, some: None) -> None:
    otto = world.session("otto")
    assert otto.get("/o/acme/history?q=%00").status_code == 400
    assert otto.get("/o/acme/interventions/cork?history=q%3D%2500").status_code == 200


def test_how_long_it_took_is_counted_from_the_first_claim(world: World, ask: Any, clock: Any) -> None:
    for name in ("otto", "olga"):
        request_id = "slow"
        if name == "otto":
            ask(request_id=request_id, title="Slow", expires_in_seconds=None)
        clock.forward(seconds=90)
        actions.claim(world.pilot(name), request_id, take_over=True)
    clock.forward(minutes=10)
    actions.reject(world.pilot("olga"), request_id, reason="No.")
    html = page(world.session("otto"))
    assert re.findall(r'data-label="To \w+">([^<]+)<', html) == ["1:30", "13:00"]


def test_pages_go_on_by_position_also_among_equal_moments(
    world: World, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "HISTORY_PAGE", 3)
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    for number in range(8):
        row = ask(request_id=f"r{number}", title=f"N{number}", tags=["x"])
        actions.approve(world.pilot("otto"), row.request_id)
        decide_at(row.request_id, moment)
    otto, query, seen = world.session("otto"), "tag=x", []
    while query:
        html = page(otto, query)
        assert "<b>8</b> decided" in html
        seen += re.findall(r'data-request-id="(r\d)"', html)
        following = re.search(r'rel="next"\s+href="/o/acme/history\?([^"]+)"', html)
        query = following[1].replace("&amp;", "&") if following else ""
    assert seen == [f"r{number}" for number in reversed(range(8))]


def test_a_search_looks_at_so_many_says_how_far_back_and_goes_on(
    world: World, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "GLANCE", 2)
    monkeypatch.setattr(history, "LOOK", 3)
    for number in range(7):
        row, verdict = ask(request_id=f"r{number}", tags=["x"]), "reject" if number in (0, 6) else "approve"
        actions.decide(world.pilot("otto"), row.request_id, verdict, reason="Why not.")
        decide_at(row.request_id, datetime(2026, 3, 1 + number, tzinfo=UTC))
    otto, query, seen = world.session("otto"), "outcome=rejected", []
    while query:
        html = page(otto, query)
        assert "<b>1+</b> decided" in html
        said = re.search(r"Searched back to <time[^>]*>([^<]+)<", html)
        seen.append([*re.findall(r'data-request-id="(r\d)"', html), said[1] if said else "the end"])
        following = re.search(r'rel="next"\s+href="/o/acme/history\?([^"]+)"', html)
        query = following[1].replace("&amp;", "&") if following else ""
    assert seen == [["r6", "5 Mar 2026, 00:00 UTC"], ["2 Mar 2026, 00:00 UTC"], ["r0", "the end"]]
    assert "Nothing fits so far" in " ".join(page(otto, "outcome=expired").split())
    # What is not searched is not bounded, and a file is of all that fit, however many looks it takes.
    assert "Searched back" not in page(otto, "since=2026-03-01")
    whole = history_export.export(world.pilot("otto"), HistoryFilters(outcome="rejected"), "json")
    assert [row["request_id"] for row in json.loads(b"".join(whole))["results"]] == ["r6", "r0"]
    rejected = history_export.export(world.pilot("otto"), HistoryFilters(outcome="rejected"), "csv")
    lines = b"".join(rejected).decode().splitlines()
    assert len(lines) == 3
    # A neighbour that is too far to look for is none.
    html = otto.get("/o/acme/interventions/r6?history=outcome%3Drejected").content.decode()
    assert 'rel="next"' not in html


def test_a_glance_that_fills_the_page_is_all_that_is_counted(
    world: World, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, size in {"HISTORY_PAGE": 2, "GLANCE": 4, "LOOK": 6}.items():
        monkeypatch.setattr(history, name, size)
    for number in range(9):
        row, verdict = ask(request_id=f"r{number}"), "reject" if number % 4 == 0 else "approve"
        actions.decide(world.pilot("otto"), row.request_id, verdict, reason="Why not.")
        decide_at(row.request_id, datetime(2026, 3, 1 + number, tzinfo=UTC))
    otto = world.session("otto")
    html = page(otto, "outcome=approved")
    assert "<b>3+</b> decided" in html
    assert "Searched back" not in html
    # What leaves room on the page is looked for further.
    html = page(otto, "outcome=rejected")
    assert "<b>2+</b> decided" in html
    assert re.findall(r'data-request-id="(r\d)"', html) == ["r8", "r4"]
    assert "Searched back" in html


def test_more_lines_cost_no_more_queries(world: World, ask: Any) -> None:
    otto = world.session("otto")

    def add(count: int) -> None:
        for _ in range(count):
            request_id = ask(tags=["x"]).request_id
            actions.claim(world.pilot("otto"), request_id)
            actions.approve(world.pilot("otto"), request_id)

    add(2)
    page(otto)
    few, many = _Counter(), _Counter()
    with connection.execute_wrapper(few):
        page(otto)
    add(20)
    with connection.execute_wrapper(many):
        page(otto)
    assert few.count == many.count


class _Counter:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        self.count += 1
        return execute(sql, params, many, context)


def test_a_part_that_would_be_the_same_is_not_sent(world: World, some: None) -> None:
    otto = world.session("otto")
    html = page(otto, **PART)
    assert "<html" not in html
    seq, epoch = (html.split(f'data-{name}="')[1].split('"')[0] for name in ("seq", "epoch"))
    headers = PART | {"X-Position": f"{epoch}:{seq}"}
    assert otto.get("/o/acme/history", headers=headers).status_code == 204


def test_a_request_leads_back_to_the_history_it_was_opened_from(world: World, some: None) -> None:
    otto = world.session("otto")
    link = re.search(r'href="(/o/acme/interventions/cork\?[^"]+)"', page(otto, "tag=finance"))
    assert link
    html = otto.get(link[1]).content.decode()
    assert re.search(r'class="back"\s+href="/o/acme/history\?tag=finance"', html)
    assert re.search(r'rel="next"\s+href="/o/acme/interventions/leeds\?history=tag%3Dfinance"', html)
    assert 'rel="prev"' not in html


def test_the_way_back_leads_nowhere_else(world: World, some: None) -> None:
    html = world.session("otto").get("/o/acme/interventions/cork?history=//evil.example/?x").content.decode()
    assert re.search(r'class="back"\s+href="/o/acme/history\?', html)


def test_the_history_is_read_in_the_order_of_its_index(world: World, some: None) -> None:
    rows = history._decided(world.pilot("otto")).order_by("-action_timestamp", "-id")[:51]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Else it reads a table as small as this one as a whole.
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
            cursor.execute("SET LOCAL enable_sort = off")
            cursor.execute("SET LOCAL enable_incremental_sort = off")
        plan = rows.explain()
    assert "by_decision" in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan
