"""The product as it runs in production, in real processes to do a fault to: PostgreSQL, Redis, servers, worker.

Nothing is tuned for speed here: what the database says is committed is on disk, or a fault would prove nothing.
"""

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "services"))

# Found only now; they are programs of the tests, which run before anything is installed.
import postgresql  # noqa: E402
import programs  # noqa: E402
import redis_server  # noqa: E402

DURABLE = postgresql.SETTINGS | {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
START_SECONDS = 60
SERVERS = {
    "daphne": ["-m", "daphne", "-b", "127.0.0.1", "-p", "{port}", "{application}"],
    "uvicorn": ["-m", "uvicorn", "--port", "{port}", "--log-level", "warning", "{application}"],
}
APPLICATION = "chameleon.asgi:application"


def find(name: str) -> Path:
    program = programs.find(name)
    if program is None:
        raise SystemExit(f"{name} is not on this machine; `make faults` and `make bench` get it first.")
    return program


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


class Process:
    """One that can be killed and started again at the same address."""

    def __init__(self, arguments: Sequence[str], environment: dict[str, str], log: Path) -> None:
        self._arguments, self._environment, self._log = arguments, environment, log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, **environment: str) -> None:
        """From now on with these variables too."""
        self._environment = self._environment | environment
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, *self._arguments], cwd=ROOT, env=self._environment, stdout=output, stderr=output
            )

    def kill(self) -> None:
        self.end(signal.SIGKILL)

    def end(self, by: signal.Signals = signal.SIGTERM) -> int | None:
        """Its exit code; None where it was not running."""
        if self._process is None:
            return None
        with suppress(ProcessLookupError):
            self._process.send_signal(by)
        try:
            return self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()
        finally:
            self._process = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "not started"  # noqa: S101
        return self._process.pid

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def said(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""


class Server(Process):
    def __init__(self, kind: str, environment: dict[str, str], log: Path, application: str = APPLICATION) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        arguments = [part.format(port=self.port, application=application) for part in SERVERS[kind]]
        super().__init__(arguments, environment, log)

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.runs:
            with suppress(OSError), urlopen(f"{self.address}/ready", timeout=5):  # noqa: S310
                return
            time.sleep(0.02)
        raise RuntimeError(f"a server did not get ready:\n{self.said()[-2000:]}")


class Cluster:
    """Entered, it runs `servers` servers of one kind and a worker on a PostgreSQL and a Redis of its own.

    `tuned` are settings of PostgreSQL on top of the durable ones, `granted` what its superuser says before it serves.
    """

    def __init__(
        self,
        *,
        servers: int = 2,
        kind: str = "daphne",
        worker: bool = True,
        tuned: Mapping[str, str] | None = None,
        granted: Sequence[str] = (),
    ) -> None:
        self._stack = ExitStack()
        self._postgresql, self._granted = DURABLE | (tuned or {}), granted
        self._count, self._kind, self._has_worker = servers, kind, worker
        self.servers: list[Server] = []

    def __enter__(self) -> "Cluster":
        try:
            self._begin()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _begin(self) -> None:
        self._database = postgresql.prepare(self._stack, find("postgresql"), self._postgresql)
        if self._granted:
            postgresql.as_superuser(self._database, "chameleon", *self._granted)
        self._redis = redis_server.prepare(self._stack, find("redis-server"))
        self.start_database()
        self.start_redis()
        self.environment = os.environ | self._settings()
        os.environ.update(self._settings())
        self.manage("migrate", "-v0")
        self.logs = logs = postgresql.servers.folder(self._stack, "logs")
        self.servers = [self._add_server(logs / f"server-{number}") for number in range(self._count)]
        self.worker = self.add_worker("worker")
        if self._has_worker:
            self.worker.start()
        for server in self.servers:
            server.wait_until_ready()

    def _settings(self) -> dict[str, str]:
        given = {"DATABASE_URL": self._database.url, "REDIS_URL": self._redis.url, "DEBUG": "off"}
        given |= {"DJANGO_SETTINGS_MODULE": "chameleon.settings", "SECRET_KEY": "bench-only-" + "0" * 50}
        given |= {"ALLOWED_HOSTS": "127.0.0.1,testserver", "SECURE_SSL_REDIRECT": "off"}
        return given | {"SESSION_COOKIE_SECURE": "off", "API_RATE_LIMIT": "0"} | {"ACCESS_TOKEN_MINUTES": "600"}

    def _add_server(self, log: Path) -> Server:
        server = Server(self._kind, self.environment, log)
        server.start()
        self._stack.callback(server.end, signal.SIGKILL)
        return server

    def add_worker(self, name: str) -> Process:
        """One that is not started yet; several may run."""
        worker = Process(["manage.py", "run_worker"], self.environment, self.logs / name)
        self._stack.callback(worker.end)
        return worker

    def manage(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)  # noqa: S603

    def start_database(self) -> None:
        self._postgres = postgresql.launch(self._stack, self._database)

    def stop_database(self) -> None:
        """At once, as in a crash: what is under way is lost, what was committed is replayed at the next start."""
        self._postgres.send_signal(signal.SIGQUIT)
        self._postgres.wait()

    @property
    def database_pid(self) -> int:
        return self._postgres.pid

    def start_redis(self) -> None:
        self._redis_process = redis_server.launch(self._stack, self._redis)

    def stop_redis(self) -> None:
        self._redis_process.kill()
        self._redis_process.wait()

    @property
    def addresses(self) -> list[str]:
        return [server.address for server in self.servers]

    @property
    def redis_url(self) -> str:
        return self._redis.url


def django() -> Any:
    """The product's own code on the cluster's database, in this process: call it once the cluster is up."""
    import django as framework  # noqa: PLC0415 -- its settings are known only now

    framework.setup()
    # A line for each request of a load would hide what it found.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    return framework
