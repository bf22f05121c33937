"""The pages for what went wrong: designed, of the right status, and there also when hardly anything else is."""

import re
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.views.defaults import server_error
from environs import ValidationError

from chameleon import feedback
from conftest import World

FEEDBACK = "https://desk.example.com/new?from=console"


def forged(_world: World) -> Any:
    return Client(enforce_csrf_checks=True).post("/accounts/login/", {"login": "ada"})


def unanswered(world: World) -> Any:
    with patch("interventions.history.history_page", side_effect=OperationalError("canceling statement")):
        return world.session("ada").get("/o/acme/history")


PAGES: dict[str, tuple[Callable[[World], Any], int, str]] = {
    "nothing": (lambda world: world.session("ada").get("/o/nowhere/"), 404, "Nothing to be seen here"),
    "refused": (lambda world: world.session("vera").get("/o/acme/team"), 403, "You may not do this"),
    "forged": (forged, 403, "Please send that once more"),
    "unreadable": (lambda world: world.session("ada").get("/o/acme/?q=%00"), 400, "That cannot be read"),
    "unanswered": (unanswered, 503, "Try again in a moment"),
    "broken": (lambda _world: server_error(RequestFactory().get("/")), 500, "Something broke on our side"),
}


def text_of(answer: HttpResponse) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


@pytest.mark.embedded
@pytest.mark.parametrize("name", PAGES)
def test_what_went_wrong_is_said_on_a_page_that_leads_on(world: World, settings: Any, name: str) -> None:
    ask, status, heading = PAGES[name]
    answer = ask(world)
    text = text_of(answer)
    assert answer.status_code == status
    assert f"<h1> {heading} </h1>" in text
    assert 'href="/">Back to the queue</a>' in text
    assert f"Error {status}" in text
    assert "Send feedback" not in text
    assert "style=" not in text
    assert "<script>" not in text
    settings.FEEDBACK_URL = FEEDBACK
    assert f'href="{FEEDBACK}" target="_blank" rel="noopener noreferrer">Send feedback</a>' in text_of(ask(world))


def test_what_broke_is_said_without_database_session_and_context() -> None:
    """Without its mark a test has no database: whoever asked it would fail here."""
    answer = server_error(RequestFactory().get("/"))
    assert "Something broke on our side" in text_of(answer)


@pytest.mark.embedded
def test_a_page_says_when_to_ask_again(world: World) -> None:
    answer = unanswered(world)
    assert answer["Retry-After"] == "1"
    assert "what its timeline does not show was not done" in text_of(answer)


@pytest.mark.embedded
def test_a_refusal_says_what_is_needed_and_who_asked(world: World) -> None:
    text = text_of(world.session("vera").get("/o/acme/team"))
    assert "This needs the role ADMIN; yours is VIEWER." in text
    assert "local:vera" in text


@pytest.mark.embedded
def test_the_account_menu_leads_to_feedback_where_there_is_an_address(world: World, settings: Any) -> None:
    assert "Send feedback" not in text_of(world.session("otto").get("/o/acme/"))
    settings.FEEDBACK_URL = "mailto:desk@example.com"
    assert 'href="mailto:desk@example.com" >Send feedback</a>' in text_of(world.session("otto").get("/o/acme/"))


@pytest.mark.parametrize("address", ["", "mailto:desk@example.com", FEEDBACK])
def test_feedback_goes_by_mail_or_to_a_page(address: str) -> None:
    feedback.leads_there(address)


@pytest.mark.parametrize("address", ["javascript:alert(1)", "http://desk.example.com", "mailto:", "https://", "desk"])
def test_feedback_leads_nowhere_else(address: str) -> None:
    with pytest.raises(ValidationError):
        feedback.leads_there(address)
