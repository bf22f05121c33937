"""The world of the tests, by name: *acme* with Ada (admin), Otto and Olga (operators), Vera (viewer) and an agent's
key; *globex* with Gina (admin) and a key of its own."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client, TransactionTestCase

from interventions import actions
from interventions.content import draft_of
from interventions.models import Event, Intervention
from pilots import api_keys, database, known_keys, statements, tokens
from pilots.caller import Caller
from pilots.models import ApiKey, Membership, Organization, Pilot
from pilots.roles import Role
from pilots.sign_in import tries
from tests.emptying import empty_tables
from tests.stage import Stage

pytest_plugins = ["tests.provider.fixtures"]
PASSWORD = "correct horse battery"
END_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@dataclass
class World:
    acme: Organization
    globex: Organization
    memberships: dict[str, Membership] = field(default_factory=dict)
    keys: dict[str, tuple[ApiKey, str]] = field(default_factory=dict)

    def pilot(self, name: str) -> Caller:
        """Ada, Otto, Olga, Vera or Gina as the rules see them."""
        return Caller.of_pilot(self.memberships[name])

    def key(self, name: str = "agent") -> Caller:
        return Caller.of_key(self.keys[name][0])

    def bearer(self, name: str) -> dict[str, str]:
        """Headers that speak for a pilot by access token, or for a key."""
        text = self.keys[name][1] if name in self.keys else tokens.issue(self.memberships[name]).access
        return {"Authorization": f"Bearer {text}"}

    def session(self, name: str) -> Client:
        """A browser in which this pilot is signed in."""
        client = Client()
        client.force_login(self.memberships[name].pilot, "django.contrib.auth.backends.ModelBackend")
        return client


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits for itself or for browsers is begun first: at the end no worker is left alone with a long file."""
    items.sort(key=lambda item: [item.get_closest_marker(name) is None for name in ("long", "browser")])
    # These wait for other processes, which a busy machine may keep from running for longer than they wait. What fails
    # once is told of at the end (R); what fails twice has failed.
    for item in items:
        if any(item.get_closest_marker(name) for name in ("long", "browser")):
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A failure that was not repeated is a failure that nobody has explained yet: why stands here."""
    for report in terminalreporter.getreports("rerun"):
        terminalreporter.section(f"failed once: {report.nodeid}", red=True)
        terminalreporter.line(report.longreprtext)


@pytest.fixture(autouse=True, scope="session")
def _emptied_quickly() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty_tables)
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Threads that a test left to the interpreter keep their connections, and a database in use is not removed."""
    yield
    with django_db_blocker.unblock():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(END_OTHERS)


@pytest.fixture(autouse=True, scope="session")
def _no_server() -> None:
    """Some tests load the application, which limits the statements of its process; theirs take what they take."""
    statements.limit(0)


@pytest.fixture(autouse=True)
def _nobody_is_remembered() -> None:
    """Failed sign-ins are counted and keys are known for a second, and tests share names, addresses and keys."""
    known_keys.forget_all()
    cache.clear()
    tries._own.clear()


@pytest.fixture
def world(db: None, request: pytest.FixtureRequest) -> World:
    marker = request.node.get_closest_marker("django_db")
    # Servers live longer than a test that commits: to them it must be another organization each time, with a log of
    # its own.
    commits = marker is not None and marker.kwargs.get("transaction")
    return _make_world() if commits else _stage.set()


def _make_world() -> World:
    world = World(
        acme=Organization.objects.create(slug="acme", name="Acme"),
        globex=Organization.objects.create(slug="globex", name="Globex"),
    )
    people = {
        "ada": (world.acme, Role.ADMIN),
        "otto": (world.acme, Role.OPERATOR),
        "olga": (world.acme, Role.OPERATOR),
        "vera": (world.acme, Role.VIEWER),
        "gina": (world.globex, Role.ADMIN),
    }
    for name, (organization, role) in people.items():
        pilot = Pilot.objects.create_user(f"local:{name}", PASSWORD, name=name.capitalize())
        world.memberships[name] = Membership.objects.create(organization=organization, pilot=pilot, role=role.value)
    both = ["interventions:read", "interventions:write"]
    world.keys["agent"] = api_keys.make(world.acme, "agent", both)
    world.keys["reader"] = api_keys.make(world.acme, "reader", ["interventions:read"])
    world.keys["globex-agent"] = api_keys.make(world.globex, "globex-agent", both)
    return world


_stage = Stage(_make_world)


@dataclass
class Clock:
    """The database's clock, which a test may put forward: `clock.forward(minutes=11)`."""

    ahead: timedelta = timedelta()

    def forward(self, **by: float) -> None:
        self.ahead += timedelta(**by)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock, real_now = Clock(), database.now

    def now() -> datetime:
        return real_now() + clock.ahead

    monkeypatch.setattr(database, "now", now)
    return clock


def told(request_id: str) -> list[str]:
    """The types of a request's events, oldest first."""
    events = Event.across_organizations.filter(request_id=request_id).order_by("seq")
    return list(events.values_list("type", flat=True))


def stored(request_id: str) -> Intervention:
    """The row as it is now."""
    return Intervention.across_organizations.get(request_id=request_id)


DRAFT = {"uow_id": "uow-1", "intervention_type": "clarification", "title": "Which vendor is it?"}


@pytest.fixture
def ask(world: World) -> Any:
    """`ask(title="…", key="agent")` stores a request as the agent would and returns its row."""

    def ask(key: str = "agent", **fields: Any) -> Intervention:
        return actions.create(world.key(key), draft_of(DRAFT | fields)).row

    return ask


@dataclass
class Api:
    """A client program: JSON in, JSON out, credentials in headers."""

    headers: dict[str, str]
    client: Client = field(default_factory=Client)

    def get(self, path: str, **params: Any) -> Any:
        return self.client.get(path, params, headers=self.headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.client.post(
            path, {} if body is None else body, content_type="application/json", headers=self.headers | headers
        )

    def patch(self, path: str, body: Any) -> Any:
        return self.client.patch(path, body, content_type="application/json", headers=self.headers)


@pytest.fixture
def api(world: World) -> Any:
    """`api("otto")` or `api("agent")`: a program with that name's credentials; `api(None)` has none."""

    def api(name: str | None) -> Api:
        return Api(world.bearer(name) if name else {})

    return api
