"""What `make run` starts, as a newcomer meets it: real processes, from nothing to a decision the agent heard."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).resolve().parent.parent
# Generous: the machines that run tests are busy.
PATIENCE = 90

pytestmark = pytest.mark.long


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(var: Path, port: int) -> dict[str, str]:
    """A clean one: nothing is set but where to find programs, the port, and a folder instead of the repository's."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return kept | {"HOME": str(var), "VAR_DIR": str(var / "var"), "PORT": str(port)}


class Running:
    def __init__(self, process: subprocess.Popen[str], output: Path, url: str) -> None:
        self.process, self._output, self.url = process, output, url

    @property
    def said(self) -> str:
        return self._output.read_text()

    def wait_for(self, pattern: str) -> re.Match[str]:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if found := re.search(pattern, self.said):
                return found
            assert self.process.poll() is None, self.said
            time.sleep(0.1)
        raise AssertionError(f"{pattern!r} was not said:\n{self.said}")

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextmanager
def quickstart(folder: Path) -> Iterator[Running]:
    port, output = free_port(), folder / "output"
    with output.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "quickstart"],
            env=environment(folder, port),
            cwd=ROOT,
            stdout=file,
            stderr=subprocess.STDOUT,
            text=True,
        )
    try:
        yield Running(process, output, f"http://127.0.0.1:{port}")
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(PATIENCE)


def processes_of(folder: Path) -> list[str]:
    """Command lines of the processes that were started with this folder in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if str(folder).encode() in (entry / "environ").read_bytes():
                    found.append((entry / "cmdline").read_text())
            except OSError:
                continue  # it has ended, or is somebody else's
    return found


def headers_of(running: Running, name: str, password: str) -> dict[str, str]:
    answer = httpx.post(f"{running.url}/api/token", json={"pilot_id": f"local:{name}", "password": password})
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['access']}"}


def test_a_newcomer_sees_agents_ask_and_hear(tmp_path: Path) -> None:
    with quickstart(tmp_path) as running:
        found = running.wait_for(r"Chameleon is at (\S+)\nSign in as\n  ada +ADMIN +password: (.+)\n")
        assert found[1] == running.url
        headers = headers_of(running, "ada", found[2])
        request_id = running.wait_for(r"  (\S+-[0-9a-f]{8}) +asks: ")[1]
        path = f"{running.url}/api/interventions/{request_id}"
        asked = httpx.get(path, headers=headers).json()
        assert asked["status"] == "PENDING"
        answer: dict[str, Any] = {"action_reason": "Seen and checked."}
        if asked["response_schema"]:
            answer["response"] = {"vendor": asked["response_schema"]["properties"]["vendor"]["enum"][0]}
        pilots = ["ada", "otto"][: asked["approvals_required"]]
        for name in pilots:
            decided = httpx.post(f"{path}/approve", headers=headers_of(running, name, found[2]), json=answer)
        assert decided.json()["status"] == "APPROVED"
        running.wait_for(rf"{request_id} +hears after \d+ s: approved by local:")
        running.wait_for(rf"{request_id} +is done, and has reported it")
        assert httpx.get(path, headers=headers).json()["status"] == "COMPLETED"
        assert running.end(signal.SIGTERM) == 0
    assert processes_of(tmp_path) == []


def test_a_second_start_finds_what_was_there(tmp_path: Path) -> None:
    with quickstart(tmp_path) as running:
        running.wait_for("Chameleon is at")
        running.end(signal.SIGINT)
    with quickstart(tmp_path) as running:
        password = running.wait_for(r"vera +VIEWER +password: (.+)\n")[1]
        metrics = httpx.get(
            f"{running.url}/api/interventions/metrics", headers=headers_of(running, "vera", password)
        ).json()
        assert metrics["total_interventions"] >= 70
        running.end(signal.SIGINT)
    assert processes_of(tmp_path) == []


def test_a_port_in_use_is_said_at_once(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "manage.py", "quickstart"],
            env=environment(tmp_path, port),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert done.returncode == 1
    assert f"Port {port} cannot be used" in done.stderr
    assert "PORT=" in done.stderr
