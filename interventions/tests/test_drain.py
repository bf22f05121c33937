"""A real server that is told to stop under load: no request fails, everybody is sent elsewhere, it exits with 0."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx
import orjson
import pytest
from django.conf import settings
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from conftest import DRAFT, World
from interventions import actions
from interventions.live.database import in_thread
from interventions.models import Event, Intervention
from interventions.tests.processes import Server, start
from interventions.tests.sockets import run

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]

BOTH = ["daphne", "uvicorn"]
PATIENCE = 30.0
DECISION = "/api/interventions/waits/decision"
# Of which a quarter is for taking leave.
DRAIN_SECONDS = 12
FAREWELL = DRAIN_SECONDS / 4


@contextmanager
def serving(kind: str, folder: Path, drain_seconds: int = DRAIN_SECONDS) -> Iterator[Server]:
    server = Server(kind, folder / f"{kind}.log", settings.REDIS_URL, DRAIN_SECONDS=str(drain_seconds))
    try:
        server.wait_until_ready()
        yield server
    finally:
        server.end()


@pytest.fixture(scope="module")
def staying(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server that clients find elsewhere."""
    with serving("daphne", tmp_path_factory.mktemp("staying"), 0) as server:
        yield server


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def unready(server: Server) -> bool:
    answer = httpx.get(f"{server.url}/ready")
    return (answer.status_code, answer.json()["status"]) == (503, "draining")


@dataclass
class Agents:
    """Programs that ask one server until it takes no more connections, then the other. Only then: whatever else fails
    is a request that has failed."""

    world: World
    going: Server
    staying: Server
    asked: list[str] = field(default_factory=list)
    asked_elsewhere: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(16))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop.set()
        self.pool.shutdown(wait=False)

    def ask(self, name: str) -> None:
        """In a loop, over a connection that is kept open as long as the server lets it."""
        with httpx.Client(headers=self.world.bearer("agent"), timeout=PATIENCE) as client:
            number, server = 0, self.going
            while not self.stop.is_set():
                try:
                    self._ask(client, server, f"{name}-{number}")
                    number += 1
                except httpx.ConnectError:
                    if server is self.staying:
                        raise
                    server = self.staying
                except httpx.HTTPError as error:
                    self.failures.append(repr(error))
                time.sleep(0.02)

    def _ask(self, client: httpx.Client, server: Server, request_id: str) -> None:
        answer = client.post(f"{server.url}/api/interventions", json=DRAFT | {"request_id": request_id})
        if answer.status_code != 201:
            self.failures.append(f"{answer.status_code} {answer.text}")
        (self.asked if server is self.going else self.asked_elsewhere).append(request_id)

    def wait(self, key: str, path: str, **query: Any) -> tuple[float, httpx.Response]:
        """A long poll: when it was answered, and what."""
        with httpx.Client(headers=self.world.bearer(key), timeout=PATIENCE) as client:
            answer = client.get(f"{self.going.url}{path}", params=query | {"wait": 25})
        return time.monotonic(), answer


@dataclass
class Following:
    """A program on a socket that comes back, elsewhere, with the last seq it saw."""

    seqs: list[int] = field(default_factory=list)
    is_open: bool = False
    closed: tuple[float, int | None] = (0.0, None)

    async def follow(self, server: Server, token: str) -> None:
        """Until the server closes."""
        async with connect(server.socket_address(token), max_queue=None) as connection:
            await connection.send(json.dumps({"type": "subscribe", "since": self.seqs[-1] if self.seqs else 0}))
            with suppress(ConnectionClosed):
                while True:
                    frame = orjson.loads(await connection.recv())
                    self.is_open |= frame["type"] == "subscribed"
                    if "seq" in frame:
                        self.seqs.append(frame["seq"])
            self.closed = (time.monotonic(), connection.close_code)


@dataclass
class Page:
    """An open page's socket."""

    is_open: bool = False
    closed: tuple[float, int | None] = (0.0, None)

    async def show(self, server: Server, cookie: str) -> None:
        """Until the server closes."""
        address, headers = f"{server.url.replace('http', 'ws')}/ws/o/acme/console", {"Cookie": cookie}
        async with connect(address, origin=server.url, additional_headers=headers, max_queue=None) as connection:
            await connection.recv()
            self.is_open = True
            await connection.wait_closed()
            self.closed = (time.monotonic(), connection.close_code)


def cookie_of(world: World, who: str) -> str:
    return f"{settings.SESSION_COOKIE_NAME}={world.session(who).cookies[settings.SESSION_COOKIE_NAME].value}"


def head(world: World) -> int:
    return Event.across_organizations.filter(organization=world.acme).count()


def drain_command(folder: Path, *arguments: str) -> tuple[int, str]:
    """`manage.py drain` for the server of this folder: its exit code, and what it says."""
    log = folder / "command.log"
    code = start(["manage.py", "drain", *arguments], log, settings.REDIS_URL).wait(PATIENCE)
    return code, log.read_text()


def tell(server: Server, folder: Path, how: str) -> int:
    """Has the server drain and waits until it is gone; returns its exit code."""
    if how == "SIGTERM":
        server.ask_to_stop()
    else:
        assert drain_command(folder)[0] == 0
    return server.exit_code(PATIENCE)


@pytest.mark.parametrize(("kind", "how"), [("daphne", "SIGTERM"), ("daphne", "drain"), ("uvicorn", "SIGTERM")])
def test_a_server_under_load_goes_and_nobody_notices(
    world: World, ask, staying: Server, tmp_path: Path, kind: str, how: str
) -> None:
    token, cookie, count = world.keys["reader"][1], cookie_of(world, "otto"), 12
    ask(request_id="waits")
    following, pages = [Following() for _ in range(count)], [Page() for _ in range(count)]

    async def test() -> None:
        with serving(kind, tmp_path) as going, Agents(world, going, staying) as agents:
            pool = agents.pool
            asking = [pool.submit(agents.ask, f"agent-{number}") for number in range(3)]
            decisions = [pool.submit(agents.wait, "agent", DECISION) for _ in range(5)]
            quiet = [pool.submit(agents.wait, "globex-agent", "/api/events", after=0) for _ in range(5)]
            sockets = [*following, *pages]
            running = [asyncio.create_task(each.follow(going, token)) for each in following]
            running += [asyncio.create_task(each.show(going, cookie)) for each in pages]
            while not (all(each.is_open for each in sockets) and len(agents.asked) > 10):
                await asyncio.sleep(0.05)
            assert not any(each.done() for each in (*asking, *decisions, *quiet, *running))

            assert await asyncio.to_thread(tell, going, tmp_path, how) == 0, going.said
            ended = time.monotonic()

            async with asyncio.timeout(PATIENCE):
                await asyncio.gather(*running)
            closes = [each.closed for each in sockets]
            assert {code for _, code in closes} == {1012}
            assert_spread([at for at, _ in closes])
            began = min(at for at, _ in closes)
            for poll in decisions:
                at, answer = poll.result()
                assert (answer.status_code, answer.json()["status"]) == (200, "PENDING")
                assert at - began < FAREWELL / 2, "a long poll was not answered at once"
            for poll in quiet:
                at, answer = poll.result()
                assert (answer.status_code, answer.json()["results"]) == (200, [])
                assert at - began < FAREWELL / 2, "a long poll was not answered at once"
            assert FAREWELL < ended - began < DRAIN_SECONDS + 5

            await asyncio.sleep(0.5)
            agents.stop.set()
            for each in asking:
                each.result()
            assert agents.failures == []
            assert agents.asked_elsewhere, "nobody asked the server that stays"

        # What they missed in between is told by the one that stays.
        await in_thread(actions.approve, world.pilot("otto"), "waits")
        _, answer = await asyncio.to_thread(Agents(world, staying, staying).wait, "agent", DECISION)
        assert answer.json()["status"] == "APPROVED"
        last = await in_thread(head, world)
        again = [asyncio.create_task(each.follow(staying, token)) for each in following]
        async with asyncio.timeout(PATIENCE):
            while any(each.seqs[-1] < last for each in following):
                await asyncio.sleep(0.05)
        for task in again:
            task.cancel()
        await asyncio.gather(*again, return_exceptions=True)
        assert all(each.seqs == list(range(1, each.seqs[-1] + 1)) for each in following)
        stored = await in_thread(
            lambda: set(Intervention.objects.for_caller(world.key()).values_list("request_id", flat=True))
        )
        assert stored == {"waits", *agents.asked, *agents.asked_elsewhere}

    run(test)


def assert_spread(times: list[float]) -> None:
    """Over most of the time there is, and never many in one moment."""
    times = sorted(times)
    assert times[-1] - times[0] > FAREWELL / 2
    tenth = FAREWELL / 10
    assert max(sum(at <= other < at + tenth for other in times) for at in times) <= len(times) / 3


def begin_to_ask(server: Server, bearer: dict[str, str], request_id: str) -> tuple[socket.socket, bytes]:
    """The head of a request and half of its body; and the other half."""
    body = orjson.dumps(DRAFT | {"request_id": request_id})
    head = f"POST /api/interventions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {bearer['Authorization']}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
    connection.sendall(head.encode() + body[: len(body) // 2])
    return connection, body[len(body) // 2 :]


def takes_connections(server: Server) -> bool:
    with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", server.port)):
        return True
    return False


@pytest.mark.parametrize("kind", BOTH)
def test_a_request_that_is_still_coming_in_is_waited_for(world: World, tmp_path: Path, kind: str) -> None:
    with serving(kind, tmp_path) as going:
        connection, rest = begin_to_ask(going, world.bearer("agent"), "slow")
        with connection:
            going.ask_to_stop()
            until(lambda: not takes_connections(going))
            time.sleep(1)
            connection.sendall(rest)
            answer = connection.makefile("rb").read()
        assert answer.startswith(b"HTTP/1.1 201 ")
        assert b"connection: close" in answer.lower()
        assert going.exit_code(PATIENCE) == 0
    assert Intervention.objects.for_caller(world.key()).filter(request_id="slow").exists()


@pytest.mark.parametrize("kind", BOTH)
def test_a_request_that_never_ends_does_not_keep_a_server_for_ever(world: World, tmp_path: Path, kind: str) -> None:
    with serving(kind, tmp_path, drain_seconds=2) as going:
        connection, _ = begin_to_ask(going, world.bearer("agent"), "never")
        with connection:
            going.ask_to_stop()
            assert going.exit_code(PATIENCE) == 0


@pytest.mark.parametrize("kind", BOTH)
def test_who_comes_meanwhile_is_served_and_sent_elsewhere(world: World, ask, tmp_path: Path, kind: str) -> None:
    ask(request_id="waits")
    with serving(kind, tmp_path, drain_seconds=120) as going, httpx.Client(headers=world.bearer("agent")) as agent:
        going.ask_to_stop()
        until(lambda: unready(going))
        health = agent.get(f"{going.url}/health")
        assert (health.status_code, health.headers["Connection"]) == (200, "close")
        began = time.monotonic()
        answer = agent.get(f"{going.url}{DECISION}", params={"wait": 60}, timeout=PATIENCE)
        assert (answer.status_code, answer.json()["status"]) == (200, "PENDING")
        # Not so quickly that who repeats it asks without pause.
        assert time.monotonic() - began > 0.5

        async def test() -> None:
            with pytest.raises(InvalidStatus) as refusal:
                await connect(going.socket_address(world.keys["agent"][1]))
            assert refusal.value.response.status_code == 503

        run(test)
        # The second signal.
        going.ask_to_stop()
        going.exit_code(PATIENCE)


def test_the_command_tells_of_each_server_and_of_those_that_stay(world: World, tmp_path: Path) -> None:
    code, said = drain_command(tmp_path)
    assert (code, "No server of this installation runs" in said) == (1, True)
    with serving("daphne", tmp_path, drain_seconds=120) as slow, serving("uvicorn", tmp_path, drain_seconds=4) as quick:
        code, said = drain_command(tmp_path, "--pid", str(quick.pid), "--json")
        assert (code, [each["pid"] for each in json.loads(said)["drained"]]) == (0, [quick.pid])
        assert quick.exit_code(PATIENCE) == 0
        code, said = drain_command(tmp_path, "--timeout", "0.5")
        assert (code, f"{slow.pid} drains" in said, "Still running after 0.5 s" in said) == (1, True, True)
        until(lambda: unready(slow))


def test_the_worker_ends_with_its_server_and_by_itself(tmp_path: Path) -> None:
    embedded = {
        "DJANGO_SETTINGS_MODULE": "chameleon.settings",
        "DATABASE_URL": f"sqlite:///{tmp_path}/embedded.sqlite3",
    }
    assert start(["manage.py", "migrate"], tmp_path / "migrate.log", "", **embedded).wait(2 * PATIENCE) == 0
    server = Server("daphne", tmp_path / "server.log", "", **embedded, DRAIN_SECONDS="2")
    worker = start(["manage.py", "run_worker"], tmp_path / "worker.log", "", **embedded)
    try:
        server.wait_until_ready()
        until(lambda: "the worker has started" in (tmp_path / "worker.log").read_text())
        server.ask_to_stop()
        worker.terminate()
        assert (server.exit_code(PATIENCE), worker.wait(PATIENCE)) == (0, 0)
    finally:
        server.end()
        worker.kill()
    for log in ("server.log", "worker.log"):
        assert "the worker has stopped" in (tmp_path / log).read_text()
