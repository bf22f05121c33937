"""How is everything started for a trial on one's own machine, and stopped so that no process is left?"""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import httpx
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from interventions import demo
from interventions.demo import Demo

HOST = "127.0.0.1"
SECRET_FILE = "secret.key"  # noqa: S105 -- its name
# Seconds: for the server to answer at first, and to end its work when it is told to stop.
PATIENCE = 60
FAREWELL = 8

type Say = Callable[[str], None]


class NotPossible(Exception):
    """Why the trial cannot start, and what to do."""


class Trial:
    """A server and the simulated agents as children of this process."""

    def __init__(self, port: int, say: Say) -> None:
        self._port = port
        self._say = say
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._stopping = False

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._port}"

    def run(self) -> int:
        """Until a signal comes or the server ends; returns the exit code."""
        _require_free(self._port)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)
        try:
            migrate()
            self._start("server", *self._daphne())
            # While the server loads: its start is most of what one waits for.
            made = demo.set_up("acme", "Acme")
            if not self._answers():
                return self._outcome()
            if not settings.WORKER_IN_SERVER:
                self._start("worker", "manage.py", "run_worker")
            if made.is_demonstration:
                _, key = demo.agents_key(made.organization)
                self._start("agents", "manage.py", "simulate", "--url", self.url, CHAMELEON_API_KEY=key)
            self._greet(made)
            self._watch()
            return self._outcome()
        finally:
            self._end_all()

    def _daphne(self) -> list[str]:
        return ["-m", "daphne", "-v", "0", "-b", HOST, "-p", str(self._port), "chameleon.asgi:application"]

    def _start(self, name: str, *arguments: str, **variables: str) -> None:
        if self._stopping:
            return
        # There is no other server to send anybody to: it stops at once.
        given = {"SECRET_KEY": secret_key(), "PYTHONUNBUFFERED": "1", "DRAIN_SECONDS": "0"}
        environment = os.environ | given | variables
        # A group of their own: Ctrl-C at the terminal reaches this process alone, which then stops them in order.
        self._children[name] = subprocess.Popen(  # noqa: S603 -- this very Python and this very repository
            [sys.executable, *arguments], env=environment, cwd=settings.BASE_DIR, process_group=0
        )

    def _answers(self) -> bool:
        """True once the server does; False where it ended or a signal came first."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and not self._stopping and self._children["server"].poll() is None:
            try:
                if httpx.get(f"{self.url}/health", timeout=1, trust_env=False).is_success:
                    return True
            except httpx.TransportError:
                time.sleep(0.1)
        return False

    def _watch(self) -> None:
        agents = self._children.get("agents")
        while not self._stopping and self._children["server"].poll() is None:
            if agents is not None and agents.poll() is not None:
                self._say("The simulated agents have ended; the server goes on.")
                agents = None
            time.sleep(0.2)

    def _outcome(self) -> int:
        if self._stopping:
            return 0
        self._say("The server has ended by itself; what it said last stands above.")
        return 1

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _end_all(self) -> None:
        """The agents first, so that they do not speak of a server that is going."""
        for name in ("agents", "worker", "server"):
            child = self._children.get(name)
            if child is None or child.poll() is not None:
                continue
            child.terminate()
            try:
                child.wait(FAREWELL)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def _greet(self, made: Demo) -> None:
        lines = ["", f"Chameleon is at {self.url}", "Sign in as"]
        for person in made.people:
            row = person.membership
            name = row.pilot.pilot_id.removeprefix("local:")
            password = f"password: {person.password}" if person.password else "password as you set it"
            lines.append(f"  {name:8} {row.role:9} {password}")
        at_work = "The simulated agents are at work." if "agents" in self._children else "No agents: acme is at work."
        self._say("\n".join([*lines, f"{at_work} Ctrl-C stops everything.", ""]))


def migrate() -> None:
    """Makes or mends the tables; where there is nothing to do it takes no second."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", verbosity=0)


def secret_key() -> str:
    """The one of the environment, else one that is kept beside the data: sign-ins outlive a restart."""
    if given := os.environ.get("SECRET_KEY"):
        return given
    path: Path = settings.VAR_DIR / SECRET_FILE
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48))
    return path.read_text().strip()


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        # As the server itself will: a port that only remembers old connections is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise NotPossible(
                f"Port {port} cannot be used ({error.strerror}): stop what uses it, or take another: PORT=8001 make run"
            ) from error
