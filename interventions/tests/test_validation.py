"""How a validation counts, repeats, judges and looks at what is stored."""

import json
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from asgiref.sync import async_to_sync
from django.core.management import CommandError, call_command

from conftest import World
from interventions import actions
from interventions.models import Event, Intervention
from interventions.validation import access, line, report
from interventions.validation.histogram import ERROR, LEAST_SECONDS, MOST_SECONDS, Histogram
from interventions.validation.line import Answer, Failed, Line
from interventions.validation.plan import Plan
from interventions.validation.record import EXPIRY, KEPT, STEPS, Record, Story
from interventions.validation.watch import Watch
from pilots import api_keys, database
from pilots.errors import NotAuthenticated
from pilots.memberships import memberships_of

pytestmark = pytest.mark.embedded


def test_a_quantile_is_off_by_one_per_cent_at_most() -> None:
    random = Random(5)  # noqa: S311
    times = sorted(random.lognormvariate(-3, 2) for _ in range(5000))
    histogram = Histogram()
    for each in times:
        histogram.add(each)
    for share in (0.5, 0.95, 0.99):
        exact = times[int(share * len(times)) - 1]
        assert histogram.quantile(share) == pytest.approx(exact, rel=ERROR * 1.01)
    assert (histogram.count, histogram.most, histogram.quantile(1.0)) == (
        5000,
        times[-1],
        pytest.approx(times[-1], rel=ERROR),
    )


@pytest.mark.parametrize("seconds", [-1.0, 0.0, LEAST_SECONDS, MOST_SECONDS, 1e9])
def test_whatever_it_took_is_counted(seconds: float) -> None:
    histogram = Histogram()
    assert histogram.quantile(0.95) is None
    histogram.add(seconds)
    found = histogram.quantile(0.95)
    assert found is not None
    assert found <= MOST_SECONDS * (1 + ERROR)


@pytest.fixture
def paused(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made: time passes by them alone."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(line.asyncio, "sleep", sleep)
    monkeypatch.setattr(line, "monotonic", lambda: sum(pauses))
    return pauses


def called(
    *answers: httpx.Response | Exception, urls: tuple[str, ...] = ("http://one", "http://two")
) -> tuple[Answer, list[str]]:
    """What a call gives where servers answer so, the last one for ever; and which were asked."""
    asked: list[str] = []
    left = list(answers)

    def serve(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def run() -> Answer:
        way = Line(urls, "chm_x", httpx.MockTransport(serve))
        try:
            return await way.call("GET", "/api/interventions/pending")
        finally:
            await way.close()

    return async_to_sync(run)(), asked


def test_what_is_answered_at_once_counts_so(paused: list[float]) -> None:
    answer, asked = called(httpx.Response(200, json=[]))
    assert (answer.document, answer.at_once, asked, paused) == ([], True, ["one"], [])


def test_a_call_is_repeated_at_the_next_server_after_the_time_it_is_told(paused: list[float]) -> None:
    away = httpx.Response(503, headers={"Retry-After": "3"}, json={})
    answer, asked = called(away, httpx.ConnectError("refused"), httpx.Response(200, json=[]))
    assert (answer.at_once, asked, paused) == (False, ["one", "two", "one"], [3.0, 0.2])
    assert answer.seconds == pytest.approx(3.2)


@pytest.mark.parametrize("trouble", [httpx.ConnectError("refused"), httpx.Response(503), httpx.Response(429)])
def test_repetition_ends(paused: list[float], trouble: Any) -> None:
    with pytest.raises(Failed, match=r"GET /api/interventions/pending: .* for \d\d s"):
        called(trouble)
    assert line.PATIENCE_SECONDS - line.LONGEST_PAUSE <= sum(paused) <= line.PATIENCE_SECONDS


@pytest.mark.parametrize("answer", [httpx.Response(500, json={"code": "internal"}), httpx.Response(200, text="<p>")])
def test_a_defect_is_not_asked_again(paused: list[float], answer: httpx.Response) -> None:
    with pytest.raises(Failed):
        called(answer)
    assert paused == []


def plan(tmp_path: Path = Path("/tmp"), **fields: Any) -> Plan:  # noqa: S108 -- nothing is written there
    given: dict[str, Any] = {"seconds": 86400.0, "urls": ["http://one"], "organization": None, "interval": 2.0}
    given |= {"target": 0.999, "p95": 0.2, "expiry": 1.0, "report": tmp_path / "report.md"}
    return Plan(**given | fields)


def judged(record: Record, watch: Watch | None = None, state: str = "finished") -> report.Document:
    facts = {"state": state, "organization": "validation", "begun": "2026-11-29T15:00:00+00:00", "seconds": 86400.0}
    return report.document(plan(), record, watch or Watch(is_whole=True), **facts)


def recorded(passed: int, failed: int = 0, seconds: float = 0.01) -> Record:
    record = Record()
    for _ in range(passed):
        record.passed("create", seconds, at_once=True)
    for _ in range(failed):
        record.failed("create", "503 for 30 s")
    return record


def test_the_budget_of_a_day_is_86_seconds() -> None:
    told = judged(recorded(9995, 5))
    assert told["passed"]
    budget = told["availability"]["budget"]
    assert (budget["operations"], budget["spent"], budget["seconds"]) == pytest.approx((10.0, 0.5, 86.4))
    assert "10.0 of 10000 operations (as much as 86.4 s), 5 failed: 50% is spent" in report.page(told)


@pytest.mark.parametrize(
    ("record", "watch", "why"),
    [
        (recorded(9989, 11), None, "availability 99.890 % is below 99.900 %: 11 of 10000 operations failed"),
        (recorded(100, seconds=0.25), None, "p95 of create, 250 ms, is above 200 ms"),
        (Record(), None, "nothing was probed"),
        (recorded(1), Watch(is_whole=True, count=1, findings=["acme: I1"]), "1 findings in what is stored"),
        (recorded(1), Watch(), "what is stored could not be checked at the end"),
    ],
)
def test_what_makes_it_fail(record: Record, watch: Watch | None, why: str) -> None:
    told = judged(record, watch)
    assert (told["passed"], told["failed_because"]) == (False, [why])
    assert f"- {why}" in report.page(told)


def test_an_expiry_that_is_marked_late_makes_it_fail() -> None:
    record = recorded(1)
    record.passed(EXPIRY, 1.5, at_once=True)
    assert judged(record)["failed_because"] == ["of 100 expiries 95 are marked within 1.50 s, and not within 1 s"]


def test_an_answer_that_contradicts_the_record_makes_it_fail() -> None:
    record = recorded(1)
    record.broke("I5 validation-1: its agent was told otherwise")
    assert judged(record)["failed_because"] == ["1 answers contradict what was acknowledged"]


def test_what_was_stopped_has_not_passed() -> None:
    told = judged(recorded(1), state="stopped")
    assert (told["passed"], told["failed_because"]) == (False, [])


def test_each_step_counts_once_whatever_happens() -> None:
    record = Record()
    story = Story(record)
    story.passed("create", 0.1, at_once=True)
    story.failed("pending", "404")
    story.close("decide")
    assert {name: record.steps[name].done for name in STEPS} == dict.fromkeys(STEPS, 1)
    assert sum(record.steps[name].failed for name in STEPS) == len(STEPS) - 1


def test_memory_is_bounded() -> None:
    record = recorded(0, KEPT * 3)
    for number in range(KEPT * 3):
        record.broke(f"I5 {number}")
    told = judged(record)
    assert (len(told["failures"]), len(told["broken"]["examples"]), told["broken"]["count"]) == (KEPT, KEPT, KEPT * 3)


def test_both_files_are_written_whole(tmp_path: Path) -> None:
    at = plan(tmp_path / "new" / "folder")
    at.check()
    for state in ("running", "finished"):
        report.write(at, judged(recorded(1), state=state))
        assert json.loads(at.document.read_text())["state"] == state
    assert at.report.read_text().startswith("# Validation of http://one\n\n**passed**: finished after 24.0 h of 24.0 h")
    assert sorted(path.name for path in at.report.parent.iterdir()) == ["report.json", "report.md"]


def test_a_look_finds_what_was_changed_since_and_the_end_what_was_before(world: World, ask: Any) -> None:
    ask(request_id="before")
    watch = Watch()
    watch.begin()
    event = Event.objects.for_organization(world.acme.pk).get(request_id="before")
    event.data["title"] = "Another"
    event.save()
    row = ask(request_id="meanwhile")
    actions.approve(world.pilot("otto"), "meanwhile", reason="fine")
    watch.look()
    assert (watch.findings, watch.entries, watch.looks) == ([], 2, 1)
    ask(request_id="later")
    Intervention.across_organizations.filter(pk=row.pk).update(title="Another")
    actions.complete(world.key(), "meanwhile", outcome=None)
    watch.look()
    watch.look()
    assert {text.partition(" meanwhile")[0] for text in watch.findings} == {"acme: content", "acme: I12"}
    watch.finish(lambda: False)
    assert watch.is_whole
    assert any("acme, record: I10 at seq 1" in text for text in watch.findings)


def test_the_end_can_be_cut_short(world: World) -> None:
    watch = Watch()
    watch.finish(lambda: True)
    assert not watch.is_whole


def test_what_it_works_with_ends_and_begins_again(world: World) -> None:
    for _ in range(2):
        holding = access.begin(None, 60)
        assert api_keys.match(holding.key_text).organization.slug == "validation"
        assert access.pilots_token(holding).membership.role == "OPERATOR"
        # Also where nothing is left that could revoke it.
        assert holding.key.expires_at is not None
        assert holding.key.expires_at <= database.now() + timedelta(seconds=60) + access.OVERTIME
        access.end(holding)
        access.end(holding)
        with pytest.raises(NotAuthenticated):
            api_keys.match(holding.key_text)
        assert not memberships_of(holding.membership.pilot)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--hours", "0"], "--hours or --minutes"),
        (["--minutes", "nan"], "--hours or --minutes"),
        (["--hours", "1e9"], "7 days"),
        (["--minutes", "1", "--interval", "0"], "--interval"),
        (["--minutes", "1", "--availability", "100"], "--availability"),
        (["--minutes", "1", "--p95", "nan"], "--p95"),
        (["--minutes", "1", "--expiry", "-1"], "--expiry"),
        (["--minutes", "1", "--url", "example.com"], "--url"),
        (["--minutes", "1", "--report", "report.txt"], "--report must end in .md"),
        (["--minutes", "1", "--report", "/dev/null/report.md"], "--report cannot be written"),
        (["--minutes", "x"], "invalid float value"),
        ([], "one of the arguments --hours --minutes is required"),
        (["--hours", "1", "--minutes", "1"], "not allowed with argument"),
    ],
)
def test_what_cannot_be_meant_is_refused(words: list[str], why: str) -> None:
    with pytest.raises(CommandError, match=why):
        call_command("validate", *words)
