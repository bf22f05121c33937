"""A log is read by people and programs: no request can forge a line in it, and no line opens a door."""

import io
import logging

import pytest
from daphne.access import AccessLogGenerator
from django.test import Client

from chameleon.log_lines import OneLine, safe
from chameleon.on_daphne import install
from conftest import World
from pilots import tokens

SECRETS = {
    "GET /accounts/link/k3y-of-a-link": "k3y-of-a-link",
    "GET /invitations/k3y-of-it?next=/": "k3y-of-it",
    "key chm_Ab12Cd34Ef56_0123456789abcdefghijklmnopqrstuvwxyzAB is gone": "0123456789abcdef",
    "/callback/?code=abc123&state=xyz789": "abc123",
    "state=xyz789 was forged": "xyz789",
    "token eyJhbGciOiJI.eyJzdWIiOiI.c2lnbmF0dXJl": "c2lnbmF0dXJl",
}


@pytest.mark.parametrize(("line", "secret"), SECRETS.items())
def test_secrets_are_struck_out(line: str, secret: str) -> None:
    assert secret not in safe(line)


def test_what_is_no_secret_stays() -> None:
    line = "GET /o/acme/interventions/chm-1 200 invitations sent to code review"
    assert safe(line) == line


@pytest.mark.parametrize("control", ["\n", "\r\n", "\x1b[2K", "\x85", "\u2028", "\x00"])
def test_a_line_stays_one_line(control: str) -> None:
    text = safe(f"GET /a{control}2026-01-01 INFO all is well")
    assert len(text.splitlines()) == 1
    assert control not in text


def test_an_exceptions_text_cannot_begin_a_line_either() -> None:
    try:
        raise ValueError("wrong\n2026-01-01 INFO all is well")
    except ValueError as error:
        record = logging.LogRecord("a", logging.ERROR, __file__, 1, "failed", (), (type(error), error, None))
    first, *others = OneLine("%(message)s").format(record).splitlines()
    assert first == "failed"
    assert all(line.startswith("  ") for line in others)


def test_requests_of_a_session_leave_no_key_in_the_log(world: World) -> None:
    written, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(written)
    handler.setFormatter(OneLine("%(levelname)s %(message)s"))
    root.addHandler(handler)
    key, access = world.keys["agent"][1], tokens.issue(world.memberships["otto"]).access
    try:
        client = Client()
        client.get("/accounts/link/a-token-of-mine")
        client.get(f"/nowhere/{key}%0AINFO all is well")
        client.get("/api/interventions", headers={"Authorization": f"Bearer {access}x"})
        client.get("/api/interventions", headers={"X-API-Key": key[:-1]})
    finally:
        root.removeHandler(handler)
    log = written.getvalue()
    assert "Gone: /accounts/link/…" in log
    assert not any(line.startswith("INFO all") for line in log.splitlines())
    assert not [secret for secret in ("a-token-of-mine", key, access) if secret in log]


def test_the_servers_own_access_log_holds_to_it() -> None:
    install(lambda _host: None)
    written = io.StringIO()
    details = {"client": "10.0.0.1:1", "method": "GET", "path": "/accounts/link/abc\nINFO", "status": 200, "size": 1}
    AccessLogGenerator(written)("http", "complete", details)
    assert "/accounts/link/…" in written.getvalue()
    assert len(written.getvalue().splitlines()) == 1
