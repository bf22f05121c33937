"""No page and no route of the API asks the database more often because there is more to show."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from chameleon import private_targets
from conftest import World
from interventions import actions
from interventions.delivery import devices, hooks
from interventions.lifecycle import Priority
from interventions.models import Approval, Event, Intervention
from pilots import access_log, api_keys, invitations
from pilots import actions as pilots_actions
from pilots.models import AccessEvent, ApiKey, Invitation, Membership, Pilot
from pilots.roles import Role
from pilots.tenancy import across
from tests.push_service import Browser
from tests.test_access import QUERIES, SAMPLES, Route, routes

pytestmark = [pytest.mark.long, pytest.mark.embedded]

FEW, MANY = 3, 30
# Addresses beyond those of the routes: narrowed lists, and the back office's page of one row of each kind.
NARROWED = [
    "api/interventions?status=PENDING&tag=x&q=pay",
    "api/interventions?ordering=priority",
    "o/acme/?q=pay&tag=x",
]
NARROWED += ["o/acme/history?q=pay", "o/acme/history?actor=local:ada&outcome=approved", "o/acme/?expertise=mine"]
NARROWED += ["o/acme/team?q=local", "o/acme/team/log?type=key_created", "o/acme/interventions/open?history=q%3Dpay"]
NARROWED += ["o/acme/team/log/verify/record", "o/acme/unclaimed?q=pay"]
ROWS = [Approval, Event, Intervention, AccessEvent, ApiKey, Invitation, Membership, Pilot]


class Crowd:
    """Acme with more and more of everything that a page lists."""

    def __init__(self, world: World, ask: Callable[..., Any]) -> None:
        self._world, self._ask, self._size = world, ask, 0
        Pilot.objects.filter(pilot_id="local:ada").update(expertise_tags=["x"])
        Pilot.objects.create_superuser("local:root", "x")
        ask(request_id="open", approvals_required=3, tags=["x"], title="Pay?")

    def grow_to(self, size: int) -> None:
        for number in range(self._size, size):
            self._requests(number)
            self._people(number)
        self._size = size

    def _requests(self, number: int) -> None:
        ada, otto = self._world.pilot("ada"), self._world.pilot("otto")
        for priority in Priority:
            waiting = self._ask(priority=priority.word, title=f"Pay {number}?", tags=["x"], approvals_required=3)
            actions.approve(ada, waiting.request_id)
        row = self._ask(title=f"Pay {number} more?", tags=["x"], approvals_required=2)
        actions.claim(ada, row.request_id)
        actions.release(ada, row.request_id)
        actions.approve(ada, row.request_id)
        actions.approve(otto, row.request_id)
        held = self._ask(title=f"Held {number}")
        actions.claim(otto, held.request_id)
        actions.comment(ada, "open", text=f"{number}")

    def _people(self, number: int) -> None:
        acme, ada = self._world.acme, self._world.memberships["ada"].pilot
        member = pilots_actions.create_pilot(f"local:member-{number}", acme, Role.ADMIN).membership
        self._world.memberships[member.pilot.pilot_id] = member
        if number < FEW - 1:
            actions.approve(self._world.pilot(member.pilot.pilot_id), "open")
        api_keys.make(acme, f"key {number}", ["interventions:read"])
        invitations.invite(acme, Role.OPERATOR, by=ada)
        endpoint, device, rule = f"http://127.0.0.1:9999/{number}", f"device {number}", hooks.Rule(Priority.LOW)
        if number < devices.MOST:
            devices.add(ada, acme, f"session {number}", Browser(endpoint).posted, device)
        if number < hooks.MOST:
            hooks.add(acme, "slack", f"chat {number}", endpoint, rule, by=access_log.SYSTEM)
        # A session is listed once its page was seen.
        self._world.session("ada").get("/o/acme/settings")


def test_more_rows_cost_no_more_statements(
    world: World, ask: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What does not fit on a page is counted, in one statement more; here that is so from the beginning.
    for page in ("lanes.LANE_PAGE", "history.HISTORY_PAGE"):
        monkeypatch.setattr(f"interventions.{page}", 2)
    settings.ALLOW_PRIVATE_TARGETS = private_targets.read("127.0.0.1")
    crowd = Crowd(world, ask)
    clients = _clients(world)
    crowd.grow_to(FEW)
    addresses = _addresses()
    few = {address: _cost(clients, address) for address in addresses}
    crowd.grow_to(MANY)
    many = {address: _cost(clients, address) for address in addresses}
    assert {address: (few[address], many[address]) for address in addresses if many[address] > few[address]} == {}
    assert len(addresses) > 100


def _addresses() -> list[str]:
    asked = [_address(route) for route in routes() if route.method == "GET"]
    for model in ROWS:
        with across():
            row = model._base_manager.first()
        asked.append(f"/admin/{model._meta.app_label}/{model._meta.model_name}/{row.pk}/change/")
    return asked + [f"/{address}" for address in NARROWED]


def _address(route: Route) -> str:
    query = "&".join(f"{name}={value}" for name, value in QUERIES.get(route.name, {}).items())
    return "/" + route.pattern.format(**SAMPLES) + (f"?{query}" if query else "")


def _clients(world: World) -> dict[str, Client]:
    """By the beginning of an address: who asks there."""
    root = Client()
    root.force_login(Pilot.objects.get(pilot_id="local:root"), "django.contrib.auth.backends.ModelBackend")
    return {"/admin/": root, "/api/": Client(headers=world.bearer("ada")), "/": world.session("ada")}


def _cost(clients: dict[str, Client], address: str) -> int:
    """Of a second look: the first one of a session notes when it was seen, and fills what is remembered."""
    client = next(client for beginning, client in clients.items() if address.startswith(beginning))
    client.get(address)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(address)
    assert answer.status_code < 500, address
    return len(queries)
