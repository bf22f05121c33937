"""The application as a server sees it: static files before Django, and no token for a log to keep."""

import threading
from pathlib import Path
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator

from chameleon.asgi import application, django_application
from chameleon.middleware import NothingIsKept
from chameleon.static_files import static_files
from conftest import World
from interventions.tests.sockets import PATIENCE, Client, run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]


async def get(path: str, app: Any = application, **headers: str) -> tuple[int, dict[str, str], bytes]:
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"testserver"), *((name.encode(), text.encode()) for name, text in headers.items())],
    }
    browser = ApplicationCommunicator(app, scope)
    await browser.send_input({"type": "http.request", "body": b""})
    start = await browser.receive_output(PATIENCE)
    body = b""
    while True:
        part = await browser.receive_output(PATIENCE)
        body += part.get("body", b"")
        if not part.get("more_body"):
            break
    await browser.wait(PATIENCE)
    return start["status"], {key.decode().lower(): value.decode() for key, value in start["headers"]}, body


@pytest.mark.parametrize(
    ("path", "on_the_loop"), [("/health", False), ("/nowhere", False), ("/api/interventions/r-1/decision", True)]
)
def test_only_what_can_wait_is_reached_on_the_loop(
    path: str, on_the_loop: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = []
    monkeypatch.setattr(NothingIsKept, "before", lambda *_: threads.append(threading.get_ident()))

    async def test() -> None:
        await get(path, django_application)
        assert [thread == threading.get_ident() for thread in threads] == [on_the_loop]

    run(test)


@pytest.mark.parametrize("debug", [True, False])
def test_files_of_the_pages_are_there_without_collecting_them(debug: bool, settings: Any, tmp_path: Path) -> None:
    settings.DEBUG, settings.STATIC_ROOT = debug, tmp_path / "never made"
    app = static_files(django_application)

    async def test() -> None:
        for path in ("/static/css/base.css", "/static/admin/css/base.css"):
            status, headers, body = await get(path, app)
            assert (status, headers["x-content-type-options"]) == (200, "nosniff")
            assert headers["content-type"].startswith("text/css")
            assert "immutable" not in headers["cache-control"]
            assert body
        for path in ("/static/css/none.css", "/static/../manage.py", "/static/css/%2e%2e/%2e%2e/manage.py", "/static/"):
            status, _, _ = await get(path, app)
            assert status == 404, path
        assert (await get("/health", app))[0] == 200

    run(test)


def test_only_a_name_with_a_hash_may_be_kept_for_ever(settings: Any, tmp_path: Path) -> None:
    settings.DEBUG, settings.STATIC_ROOT = False, tmp_path
    (tmp_path / "css").mkdir()
    (tmp_path / "css" / "base.0123456789ab.css").write_text("collected")
    (tmp_path / "css" / "base.css").write_text("older than the clone")
    app = static_files(django_application)

    async def test() -> None:
        _, headers, body = await get("/static/css/base.0123456789ab.css", app)
        assert ("immutable" in headers["cache-control"], body) == (True, b"collected")
        _, headers, body = await get("/static/css/base.css", app)
        assert "immutable" not in headers["cache-control"]
        assert body != b"older than the clone"

    run(test)


def test_a_token_is_not_left_where_a_server_would_log_it(world: World) -> None:
    async def test() -> None:
        client = await Client(token=world.keys["agent"][1]).open()
        assert (await client.ask("ping"))["type"] == "pong"
        assert client.socket.scope["query_string"] == b""
        await client.leave()

    run(test)
