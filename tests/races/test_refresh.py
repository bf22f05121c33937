"""One sign-in, many at once: whoever asks in parallel gets the same successor, and no tab orphans another's family."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from conftest import PASSWORD, World
from pilots.models import AccessEvent, RefreshFamily
from pilots.tokens import REFRESH_COOKIE
from tests import servers
from tests.e2e import server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]

AT_ONCE = 20
PATIENCE = 30.0


@pytest.fixture(scope="module")
def address(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    with django_db_blocker.unblock(), server.running(servers.database_url()) as address:
        yield address


def together(count: int, call: Callable[[], httpx.Response]) -> list[httpx.Response]:
    """Their answers; they all start when the last of them is ready."""
    barrier = threading.Barrier(count)

    def start(_: int) -> httpx.Response:
        barrier.wait(PATIENCE)
        return call()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(start, range(count)))


def refresh(address: str, cookie: str) -> httpx.Response:
    return httpx.post(f"{address}/api/token/refresh", cookies={REFRESH_COOKIE: cookie}, timeout=PATIENCE)


def sign_in(address: str) -> httpx.Response:
    body = {"pilot_id": "local:otto", "password": PASSWORD}
    return httpx.post(f"{address}/api/token", json=body, timeout=PATIENCE)


def test_twenty_refreshes_at_once_leave_one_family_with_one_successor(address: str, world: World) -> None:
    first = sign_in(address).cookies[REFRESH_COOKIE]
    answers = together(AT_ONCE, lambda: refresh(address, first))
    assert {answer.status_code for answer in answers} == {200}
    (successor,) = {answer.cookies[REFRESH_COOKIE] for answer in answers}
    assert successor != first
    assert RefreshFamily.across_organizations.filter(revoked_at=None).count() == 1
    # The sign-in lives on, and every access token of the twenty speaks for it.
    for access in {answer.json()["access"] for answer in answers}:
        me = httpx.get(f"{address}/api/pilots/me", headers={"Authorization": f"Bearer {access}"}, timeout=PATIENCE)
        assert me.json()["pilot_id"] == "local:otto"
    assert refresh(address, successor).status_code == 200


def test_of_twenty_who_show_an_old_one_at_once_all_are_refused_and_one_is_told_of(address: str, world: World) -> None:
    first = sign_in(address).cookies[REFRESH_COOKIE]
    newest = first
    for _ in range(2):
        newest = refresh(address, newest).cookies[REFRESH_COOKIE]
    answers = together(AT_ONCE, lambda: refresh(address, first))
    assert {answer.status_code for answer in answers} == {401}
    assert [answer.json()["code"] for answer in answers].count("token_reused") == 1
    assert refresh(address, newest).status_code == 401
    assert AccessEvent.across_organizations.filter(type="token_reused").count() == 1


def test_tabs_that_ask_by_session_at_once_leave_one_family(address: str, world: World) -> None:
    cookies = {"sessionid": world.session("otto").cookies["sessionid"].value, "csrftoken": "c" * 32}
    headers = {"X-CSRFToken": "c" * 32, "X-Organization": "acme"}
    answers = together(
        8, lambda: httpx.post(f"{address}/api/token", cookies=cookies, headers=headers, timeout=PATIENCE)
    )
    assert {answer.status_code for answer in answers} == {200}
    assert RefreshFamily.across_organizations.filter(revoked_at=None).count() == 1
    alive = [answer for answer in answers if refresh(address, answer.cookies[REFRESH_COOKIE]).status_code == 200]
    assert len(alive) == 1
