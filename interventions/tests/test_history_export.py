"""The history as a file: all that fits and nothing else, cells that no spreadsheet runs, step by step over ASGI."""

import csv
import io
import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.http import StreamingHttpResponse
from django.test import AsyncClient

from conftest import World
from interventions import actions, history_export
from interventions.history_filters import HistoryFilters
from pilots import access_log

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]


def download(world: World, path: str, name: str = "vera") -> tuple[Any, bytes]:
    """As a server of ASGI gives it: consumed on the loop, once the view has returned."""

    async def get() -> tuple[Any, bytes]:
        client = AsyncClient()
        client.cookies.load({key: value.value for key, value in session.items()})
        answer = await client.get(f"/o/acme/history/{path}")
        assert isinstance(answer, StreamingHttpResponse)
        return answer, b"".join([chunk async for chunk in answer])

    session = world.session(name).cookies
    return async_to_sync(get)()


def lines(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@pytest.fixture
def decided(world: World, ask: Any) -> None:
    otto = world.pilot("otto")
    for number in range(7):
        request_id = ask(request_id=f"r{number}", title=f"N{number}", tags=["a", "ä"]).request_id
        if number % 2:
            actions.claim(otto, request_id)
        actions.reject(otto, request_id, reason='No;\r\n"never", ever')
    theirs = ask(key="globex-agent", request_id="theirs", title="Theirs").request_id
    actions.reject(world.pilot("gina"), theirs, reason="No.")
    ask(title="Still open")


@pytest.mark.parametrize("step", [1, 2, 7, 200])
def test_all_that_fits_is_in_it_once_the_latest_first(
    world: World, decided: None, step: int, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    monkeypatch.setattr(history_export, "STEP", step)
    answer, content = download(world, "export.csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Cache-Control"] == "no-store"
    assert answer["Content-Disposition"].startswith('attachment; filename="acme-history-')
    rows = lines(content)
    assert [row["request_id"] for row in rows] == [f"r{number}" for number in reversed(range(7))]
    assert {row["action_reason"] for row in rows} == {'No;\r\n"never", ever'}
    assert [bool(row["seconds_to_claim"]) for row in rows] == [False, True] * 3 + [False]
    assert all(row["action_timestamp"].endswith("Z") and float(row["seconds_to_decide"]) >= 0 for row in rows)
    whole = json.loads(download(world, "export.json")[1])
    assert [row["request_id"] for row in whole["results"]] == [row["request_id"] for row in rows]
    assert (whole["count"], whole["organization"]) == (7, "acme")
    assert whole["results"][0]["decided_by"] == "local:otto"
    assert not [warning for warning in recwarn if "StreamingHttpResponse" in str(warning.message)]


def test_it_is_narrowed_as_the_page_is(world: World, decided: None) -> None:
    whole = json.loads(download(world, "export.json?q=N3&outcome=rejected")[1])
    assert [row["title"] for row in whole["results"]] == ["N3"]
    assert whole["narrowed_to"] == {"q": "N3", "outcome": "rejected"}
    empty = download(world, "export.json?outcome=expired")[1]
    assert json.loads(empty) | {"results": [], "count": 0} == json.loads(empty)
    assert lines(download(world, "export.csv?outcome=expired")[1]) == []


def test_that_it_was_exported_is_on_record(world: World, decided: None) -> None:
    download(world, "export.csv", "otto")
    event = access_log.newest(world.acme, 1)[0]
    assert (event.type, event.actor, event.data) == ("history_exported", "local:otto", {"form": "csv"})


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "＝1", "=cmd|' /C calc'!A0"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert history_export.cell(text) == f"'{text}"


@pytest.mark.parametrize("value", ["plain", "a=b", "'=1", "", None, -1, 2.5, True])
def test_other_cells_stay_as_they_are(value: object) -> None:
    assert history_export.cell(value) == value


def test_formulas_of_agents_and_pilots_are_texts_in_the_file(world: World, ask: Any) -> None:
    row = ask(request_id="f", title="=HYPERLINK(1)", uow_id="@u", description="-2+3")
    actions.reject(world.pilot("otto"), row.request_id, reason="+1")
    line = lines(download(world, "export.csv")[1])[0]
    assert [line[name] for name in ("title", "uow_id", "description", "action_reason")] == [
        "'=HYPERLINK(1)",
        "'@u",
        "'-2+3",
        "'+1",
    ]


def test_a_step_is_read_when_the_one_before_is_taken(
    world: World, decided: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_export, "STEP", 2)
    read: list[str] = []
    told = history_export._told
    monkeypatch.setattr(history_export, "_told", lambda row: read.append(row.request_id) or told(row))
    chunks = history_export.export(world.pilot("otto"), HistoryFilters(), "json")
    assert (next(chunks)[:1], read) == (b"{", [])
    next(chunks)
    assert len(read) == 2
    next(chunks)
    assert len(read) == 4
