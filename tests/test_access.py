"""Every route of the URL map, asked by every kind of caller, against the checked-in table tests/access_table.txt.

A route without a row fails, and so does a row without a route. `make access-table` writes the table anew: read the
difference before it is committed, for it is what everybody may do.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from conftest import DRAFT, World, stored
from interventions import actions
from interventions.content import draft_of
from pilots import api_keys
from pilots.models import Membership, Pilot

pytestmark = [pytest.mark.long, pytest.mark.embedded]

TABLE = Path(__file__).with_name("access_table.txt")
WRITE_ANEW = "WRITE_ACCESS_TABLE"

# Column by column: nobody; Acme's three roles; Gina, ADMIN of another organization, with her own token and then with
# her session while she names Acme; keys by scope; a superuser who is in no organization.
CALLERS = ["nobody", "viewer", "operator", "admin", "foreign", "intruder"]
CALLERS += ["key:write", "key:read", "key:events", "key:metrics", "superuser"]
PILOTS = {"viewer": "vera", "operator": "otto", "admin": "ada", "foreign": "gina", "intruder": "gina"}

# What stands in an address where the route has a name for it.
SAMPLES = {
    "slug": "acme",
    "request_id": "open",
    "uow_id": "uow-1",
    "guard_rule_id": "rule",
    "path": "interventions/open",
    "token": "unknown",
    # Nobody: what a number stands for differs from database to database.
    "object_id": "0",
    "app_label": "pilots",
    "content_type_id": "1",
    "id": "0",
    "url": "nowhere",
    "key": "unknown",
    "uidb36": "1",
    "provider": "github",
    "provider_id": "corp",
    "pk": "0",
    "key_id": "unknown",
    "invitation_id": "0",
    "device_id": "0",
    "hook_id": "0",
    "membership_id": "0",
    "pilot_id": "local:olga",
    "chain": "access",
}
# What is sent, so that a caller who may does not fail for another reason. Only where an empty form would not do.
BODIES: dict[str, dict[str, Any]] = {
    "POST api/interventions": DRAFT,
    "POST api/interventions/batch": {"interventions": [DRAFT]},
    "POST api/interventions/decide": {"request_ids": ["open"], "verdict": "approve"},
    "POST api/interventions/{request_id}/assign": {"pilot_id": "local:otto"},
    "POST api/interventions/{request_id}/comment": {"text": "x"},
    "POST api/interventions/{request_id}/extend": {"expires_in_seconds": 5},
    "POST api/interventions/{request_id}/reject": {"action_reason": "x"},
    "POST api/interventions/{request_id}/complete": {"outcome": {}},
    "POST pilot/kill-switch": {"instance_id": "i", "reason": "x"},
    "POST pilot/clarification/{uow_id}": {"text": "x"},
    "POST pilot/waive/{uow_id}/{guard_rule_id}": {"reason": "x"},
    "POST pilot/cancel/{uow_id}": {"reason": "x"},
    "POST api/token": {"pilot_id": "local:otto", "password": "wrong"},
    "POST o/{slug}/interventions/{request_id}/comment": {"text": "x"},
    "POST o/{slug}/interventions/{request_id}/assign": {"pilot_id": "local:otto"},
    "POST o/{slug}/interventions/{request_id}/extend": {"more": "900"},
    "POST o/{slug}/kill-switch": {"instance_id": "i", "reason": "x", "word": "i"},
    "POST o/{slug}/interventions/{request_id}/decide": {"verdict": "approve", "version": 1},
}
DECIDE = "POST o/{slug}/interventions/{request_id}/decide"
# Whatever the answers, it is asked at once.
QUERIES = {"GET api/interventions/{request_id}/decision": {"wait": 0}, "GET api/events": {"wait": 0}}
# The request asked about, where it is not the open one.
OTHERS = {
    "POST api/interventions/{request_id}/complete": "approved",
    "POST api/interventions/{request_id}/release": "claimed",
}


@dataclass(frozen=True)
class Route:
    """One method of one address; `name` is how the table calls it."""

    method: str
    pattern: str
    is_api: bool

    @property
    def name(self) -> str:
        return f"{self.method} {self.pattern or '/'}"

    @property
    def address(self) -> str:
        samples = SAMPLES | ({"request_id": OTHERS[self.name]} if self.name in OTHERS else {})
        return "/" + self.pattern.format(**samples)


def routes() -> list[Route]:
    return sorted(set(_routes(get_resolver())), key=lambda route: (route.pattern, route.method))


def _routes(resolver: URLResolver, before: str = "") -> Iterator[Route]:
    for entry in resolver.url_patterns:
        pattern = before + _readable(str(entry.pattern))
        if isinstance(entry, URLResolver):
            yield from _routes(entry, pattern)
        elif isinstance(entry, URLPattern):
            shown = getattr(entry.callback, "cls", None)
            methods = [name for name in ("get", "post", "patch", "put", "delete") if hasattr(shown, name)]
            for method in methods or ["get", "post"]:
                yield Route(method.upper(), pattern, is_api=shown is not None)


def _readable(pattern: str) -> str:
    """`^api/interventions/(?P<request_id>[…])/?$` as api/interventions/{request_id}, `o/<slug:slug>` as o/{slug}."""
    text = re.sub(r"\(\?P<(\w+)>(?:\[(?:\\.|[^\]])*\]|\\.|[^()\[\]])*\)", r"{\1}", pattern)
    text = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", text)
    return text.removeprefix("^").removesuffix("$").removesuffix(r"\Z").removesuffix("/?").replace("\\", "")


@pytest.fixture
def people(world: World) -> World:
    """Acme with an open request, one that Otto has claimed and one that is approved; and keys of narrow scopes."""
    for name in ("events", "metrics"):
        world.keys[name] = api_keys.make(world.acme, name, [f"{name}:read"])
    for request_id in ("open", "claimed", "approved"):
        actions.create(world.key(), draft_of(DRAFT | {"request_id": request_id}))
    actions.claim(world.pilot("otto"), "claimed")
    actions.approve(world.pilot("otto"), "approved")
    # Nobody is anywhere by another way than by what the column says.
    assert Membership.across_organizations.filter(pilot__pilot_id="local:gina").count() == 1
    Pilot.objects.create_superuser("local:root", "x")
    return world


def test_everybody_may_do_what_the_table_says_and_no_more(people: World) -> None:
    credentials = {caller: _credentials(people, caller) for caller in CALLERS}
    BODIES[DECIDE]["content_hash"] = stored("open").content_hash
    observed = {route.name: [_status(route, credentials[caller]) for caller in CALLERS] for route in routes()}
    if os.environ.get(WRITE_ANEW):
        TABLE.write_text(_text(observed))
    expected = _table()
    assert sorted(observed) == sorted(expected), "a route without a row, or a row without a route"
    wrong = {name: (expected[name], codes) for name, codes in observed.items() if expected[name] != codes}
    assert wrong == {}, "route: (as the table says, as it is)"


def test_nobody_gets_into_an_organization_without_being_in_it() -> None:
    """Read off the table itself, so that writing it anew cannot let a hole pass unseen."""
    for name, codes in _table().items():
        of = dict(zip(CALLERS, codes, strict=True))
        if "{slug}" in name:
            assert of["nobody"] in (302, 401, 405), name
            assert {of["foreign"], of["intruder"]} <= {404, 405}, name
        if name.split()[1].startswith(("api/interventions", "api/events", "pilot/")):
            assert of["nobody"] == 401, name
            assert of["intruder"] == 404, name
            if "{request_id}" in name:
                assert of["foreign"] in (403, 404), name


@dataclass(frozen=True)
class Credentials:
    """What a caller shows: to the API a token where there is one, to pages the session."""

    cookies: dict[str, str]
    headers: dict[str, str]
    address: str

    def client(self) -> Client:
        client = Client(REMOTE_ADDR=self.address)
        client.cookies.load(self.cookies)
        return client


def _credentials(world: World, caller: str) -> tuple[Credentials, Credentials]:
    """For the API and for pages."""
    address = f"10.0.0.{CALLERS.index(caller)}"
    nothing: dict[str, str] = {}
    if caller == "nobody":
        return (Credentials(nothing, nothing, address),) * 2
    if caller.startswith("key:"):
        names = {"key:write": "agent", "key:read": "reader", "key:events": "events", "key:metrics": "metrics"}
        return (Credentials(nothing, world.bearer(names[caller]), address),) * 2
    if caller == "superuser":
        client = Client()
        client.force_login(Pilot.objects.get(pilot_id="local:root"), "django.contrib.auth.backends.ModelBackend")
        return (Credentials(_cookies(client), nothing, address),) * 2
    who = PILOTS[caller]
    session = _cookies(world.session(who))
    if caller == "intruder":
        return (Credentials(session, {"X-Organization": "acme"}, address),) * 2
    return Credentials(nothing, world.bearer(who), address), Credentials(session, nothing, address)


def _cookies(client: Client) -> dict[str, str]:
    return {name: morsel.value for name, morsel in client.cookies.items()}


def _status(route: Route, shown: tuple[Credentials, Credentials]) -> int:
    credentials = shown[0 if route.is_api else 1]
    sent = QUERIES.get(route.name, {}) if route.method == "GET" else BODIES.get(route.name, {})
    kind = {"content_type": "application/json"} if route.is_api and route.method != "GET" else {}
    # What one caller has done is undone before the next one asks.
    with transaction.atomic():
        ask = getattr(credentials.client(), route.method.lower())
        answer = ask(route.address, sent, headers=credentials.headers, **kind)
        transaction.set_rollback(True)
    return int(answer.status_code)


def _text(rows: dict[str, list[int]]) -> str:
    width = max(map(len, rows)) + 2
    head = "#".ljust(width) + " ".join(caller.rjust(11) for caller in CALLERS)
    lines = [name.ljust(width) + " ".join(str(code).rjust(11) for code in codes) for name, codes in rows.items()]
    return "\n".join([head, *lines]) + "\n"


def _table() -> dict[str, list[int]]:
    lines = [line for line in TABLE.read_text().splitlines() if line and not line.startswith("#")]
    parts = [line.rsplit(maxsplit=len(CALLERS)) for line in lines]
    return {name.strip(): [int(code) for code in codes] for name, *codes in parts}
