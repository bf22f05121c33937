"""The simulated agents: what they ask is valid, no bad line stops them, and they act only on what they asked."""

from collections.abc import Callable
from random import Random
from typing import Any

import httpx
import pytest
from asgiref.sync import async_to_sync

from interventions.answers import check_answer
from interventions.content import content_hash as ours
from interventions.content import draft_of
from interventions.simulation import client, company
from interventions.simulation.agents import BadKey, Fleet
from interventions.simulation.client import Client, Refused, content_hash, differences

REQUEST = {"request_id": "r-1", "uow_id": "u-1", "intervention_type": "resume", "title": "Go on?"}
PROBLEM = {"code": "already_decided", "detail": "It was already rejected."}


def story(seed: int) -> Random:
    return Random(seed)  # noqa: S311


@pytest.fixture(autouse=True)
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made, without making them."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(client.asyncio, "sleep", sleep)
    return pauses


def talk(answers: list[Any], do: Callable[[Client], Any]) -> tuple[Any, list[httpx.Request], list[str]]:
    """What `do` returns against a server that gives these answers in turn, what it was sent, and what was said."""
    sent: list[httpx.Request] = []
    said: list[str] = []

    def serve(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def run() -> Any:
        async with Client("http://server", "chm_x", said.append, httpx.MockTransport(serve)) as connection:
            return await do(connection)

    return async_to_sync(run)(), sent, said


def standing(**fields: Any) -> httpx.Response:
    moment = "2026-11-22T10:00:00Z"
    values = {"created_at": moment, "action_timestamp": moment, "decided_by": "local:ada", "action_reason": None}
    values |= REQUEST | {"status": "APPROVED", "response": None, "content_hash": content_hash(REQUEST)}
    return httpx.Response(200, json=values | fields)


def test_whatever_the_company_asks_is_valid_and_can_be_answered() -> None:
    random = story(1)
    for kind in set(company.KINDS):
        for _ in range(50):
            matter = kind(random)
            draft = draft_of(matter.request)
            if draft.response_schema is not None:
                check_answer(draft.response_schema, matter.answer or {})


def test_the_agents_hash_is_the_servers() -> None:
    random = story(2)
    for _ in range(50):
        request = company.next_matter(random).request
        draft = draft_of(request)
        names = ("request_id", "uow_id", "intervention_type", "title", "description", "context", "response_schema")
        assert content_hash(request) == ours(**{name: getattr(draft, name) for name in names})


def test_a_lost_line_a_busy_and_a_broken_server_are_outlasted(waited: list[float]) -> None:
    answers = [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("silence"),
        httpx.Response(503, json={"detail": "restarting"}),
        httpx.Response(429, headers={"Retry-After": "7"}, json={"detail": "slow down"}),
        httpx.Response(502, text="<html>"),
        standing(),
    ]
    asked, sent, said = talk(answers, lambda connection: connection.ask(REQUEST))
    assert asked["request_id"] == "r-1"
    assert len(sent) == 6
    assert 7 in waited
    assert len(said) == 5


def test_what_asking_again_does_not_change_is_refused_at_once() -> None:
    refusal = httpx.Response(409, json=PROBLEM | {"intervention": {"status": "REJECTED"}})
    with pytest.raises(Refused, match="409 already_decided") as caught:
        talk([refusal], lambda connection: connection.complete("r-1", {}))
    assert caught.value.intervention == {"status": "REJECTED"}


def test_it_polls_until_there_is_a_decision() -> None:
    answers = [standing(status="PENDING"), standing(status="IN_PROGRESS"), standing(status="REJECTED")]
    decided, sent, _ = talk(answers, lambda connection: connection.decision("r-1"))
    assert decided["status"] == "REJECTED"
    assert {request.url.params["wait"] for request in sent} == {str(client.WAIT_SECONDS)}


@pytest.mark.parametrize("field", ["title", "description", "context", "response_schema", "intervention_type"])
def test_a_decision_on_something_else_is_noticed(field: str) -> None:
    other = {"context": {"a": 1}, "response_schema": {"type": "object"}}.get(field, "something else")
    assert differences(REQUEST, standing().json()) == []
    assert differences(REQUEST, standing(content_hash=content_hash(REQUEST | {field: other})).json()) == [
        "content_hash"
    ]


def attend(answers: list[Any], seed: int = 1) -> tuple[list[str], list[httpx.Request]]:
    matter = company.deployment(story(5))

    async def run(connection: Client) -> None:
        fleet = Fleet(connection, said.append, agents=1, rate=60, random=story(seed))
        await fleet.attend(matter)

    said: list[str] = []
    matter.request.clear()
    matter.request.update(REQUEST)
    _, sent, _ = talk(answers, run)
    return said, sent


def test_an_approved_matter_is_acted_on_and_reported() -> None:
    said, sent = attend([standing(status="PENDING"), standing(), standing(status="COMPLETED")])
    assert said[-1].endswith("is done, and has reported it")
    assert sent[-1].url.path == "/api/interventions/r-1/complete"


@pytest.mark.parametrize(
    "decision", [standing(status="REJECTED"), standing(status="EXPIRED"), standing(content_hash="0" * 64)]
)
def test_nothing_is_done_without_a_yes_to_what_was_asked(decision: httpx.Response) -> None:
    said, sent = attend([standing(status="PENDING"), decision])
    assert len(sent) == 2
    assert "done" not in said[-1]


def test_a_server_that_does_not_take_the_key_ends_it() -> None:
    refusal = httpx.Response(401, json={"code": "invalid_key", "detail": "This API key is not known."})

    async def run(connection: Client) -> None:
        await Fleet(connection, print, agents=1, rate=60, random=story(1)).run(matters=1)

    with pytest.raises(ExceptionGroup) as caught:
        talk([refusal], run)
    assert caught.group_contains(BadKey)


def test_one_refused_matter_does_not_stop_the_others() -> None:
    refusal = httpx.Response(400, json={"code": "invalid", "detail": "title: must not be empty"})
    answers = [refusal, refusal.__class__(410, json={"code": "log_truncated", "detail": "gone"})]

    async def run(connection: Client) -> None:
        await Fleet(connection, lambda _: None, agents=1, rate=6000, random=story(1)).run(matters=2)

    _, sent, _ = talk(answers, run)
    assert len(sent) == 2
