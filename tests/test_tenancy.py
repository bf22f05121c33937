"""Organizations are walls: no model is read without naming whose rows, no address leads to another's."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.apps import apps
from django.db import models
from django.db.models import ProtectedError
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from conftest import DRAFT, Api, World
from interventions import actions
from interventions.content import draft_of
from interventions.models import Event, Intervention, Stream
from pilots.caller import Caller
from pilots.models import AccessChain, AccessEvent, Membership, Organization
from pilots.tenancy import ScopedQuerySet, UnscopedQueryError, Walled, across

pytestmark = pytest.mark.embedded

OURS = [model for app in ("pilots", "interventions") for model in apps.get_app_config(app).get_models()]
OWNED = [model for model in OURS if issubclass(model, Walled)]
# Models whose rows belong to no organization, with the reason.
OWNED_BY_NONE = {
    "Organization": "is the tenant itself",
    "Pilot": "a person, who may be in several organizations; Membership says in which",
    "SignInLink": "signs a person in, before any organization is chosen",
}
# Addresses that are not behind the wall, with the reason.
OPEN_ADDRESSES = {
    "": "leads to the organization last used",
    "(?P<path>interventions/[^/]+)": "leads to the organization last used",
    "health": "says whether the process lives",
    "ready": "says whether the database answers",
    "metrics": "figures of the process, for the operator alone",
    "invitations/<str:token>": "its token is what tells the organization",
    "api/token": "signs in",
    "api/token/refresh": "by its cookie",
    "api/token/revoke": "by its cookie",
    "api/pilots/me": "the asking pilot's own profile",
    "api/organizations/report": "for superusers, who stand above organizations",
    "sw.js": "the same for everybody",
    "offline": "the same for everybody",
    "api/schema": "the same for everybody",
    "api/docs": "the same for everybody",
    "api/redoc": "the same for everybody",
}
CANARY = "canary-7f3a"


# Models


def test_every_row_belongs_to_an_organization_or_there_is_a_reason() -> None:
    assert {model.__name__ for model in OURS if model not in OWNED} == set(OWNED_BY_NONE)


@pytest.mark.parametrize("model", OWNED, ids=lambda model: model.__name__)
def test_every_owned_model_is_read_through_the_scoped_manager(model: Any) -> None:
    assert issubclass(model.objects._queryset_class, ScopedQuerySet)
    # Django's own machinery uses the first manager; it must neither be the one that refuses nor the one that crosses.
    assert model._meta.default_manager is model.ambient
    field = model._meta.get_field("organization")
    # The access log has one of the installation's own, and is not lost with its organization.
    is_log = model in (AccessChain, AccessEvent)
    assert (field.null, field.remote_field.on_delete) == ((True, models.PROTECT) if is_log else (False, models.CASCADE))


READS: dict[str, Callable[[Any], Any]] = {
    "list": lambda rows: list(rows.all()),
    "filter": lambda rows: list(rows.filter(pk=1)),
    "first": lambda rows: rows.first(),
    "get": lambda rows: rows.get(pk=1),
    "count": lambda rows: rows.count(),
    "exists": lambda rows: rows.exists(),
    "iterator": lambda rows: list(rows.iterator()),
    "values": lambda rows: list(rows.values_list("pk")),
    "slice": lambda rows: list(rows.order_by("pk")[:1]),
    "aggregate": lambda rows: rows.aggregate(models.Count("pk")),
    "in_bulk": lambda rows: rows.in_bulk([1]),
    "contains": lambda rows: bool(rows.all()),
    "update": lambda rows: rows.update(organization=1),
    "delete": lambda rows: rows.filter(pk=1).delete(),
    "get_or_create": lambda rows: rows.get_or_create(pk=1),
    "latest": lambda rows: rows.latest("pk"),
    "exclude": lambda rows: list(rows.exclude(pk=1)),
    "union": lambda rows: list(rows.filter(pk=1).union(rows.filter(pk=2))),
    "async": lambda rows: async_to_sync(_read_async)(rows),
}


async def _read_async(rows: Any) -> list[Any]:
    return [row async for row in rows.all()]


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("model", OWNED, ids=lambda model: model.__name__)
def test_nothing_is_read_or_written_without_saying_whose(db: None, model: Any, read: str) -> None:
    with pytest.raises(UnscopedQueryError):
        READS[read](model.objects)


def test_what_is_scoped_stays_scoped_and_sees_its_own_only(world: World, ask: Any) -> None:
    ours, theirs = ask(), ask(key="globex-agent")
    rows = Intervention.objects.for_caller(world.key())
    assert set(rows.filter(priority=2).order_by("pk").exclude(status="EXPIRED")) == {ours}
    assert not rows.filter(pk=theirs.pk).exists()
    assert rows.filter(pk=theirs.pk).update(title="mine") == 0


# Addresses


def addresses() -> Iterator[str]:
    """Every address of ours as a pattern without its anchors; the admin and allauth see to theirs."""
    for pattern in walk(get_resolver().url_patterns):
        text = re.sub(r"^\^|/\?\$$|\$$", "", pattern)
        if not text.startswith(("admin/", "accounts/", "static/")):
            yield text


def walk(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[str]:
    for item in patterns:
        here = prefix + str(item.pattern)
        if isinstance(item, URLResolver):
            yield from walk(item.url_patterns, here)
        else:
            yield here


def filled(pattern: str) -> str:
    """The pattern as an address of acme's request `secret`."""
    values = {
        "slug": "acme",
        "request_id": "secret",
        "uow_id": CANARY,
        "guard_rule_id": "rule",
        "path": "interventions/secret",
    }
    text = re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", lambda found: values.get(found[1], "1"), pattern)
    text = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: values.get(found[1], "1"), text)
    return re.sub(r"\^|/\?|\$|\\Z|\(\?:|\)", "", text).rstrip("/") + ("/" if text.endswith("/") else "")


WALLED = sorted(pattern for pattern in set(addresses()) if pattern not in OPEN_ADDRESSES)
BODIES: list[dict[str, Any]] = [
    {},
    {"action_reason": "mine now"},
    {"take_over": True},
    {"pilot_id": "local:gina"},
    {"text": "mine now"},
    {"reason": "mine now"},
    {"expires_in_seconds": 60},
    {"outcome": {"mine": 1}},
    {"request_ids": ["secret"], "verdict": "reject", "action_reason": "mine now"},
]


@pytest.fixture
def secret(world: World) -> Intervention:
    """A request of acme's with a canary in each of its texts, and a history."""
    fields = {"request_id": "secret", "title": CANARY, "description": CANARY, "uow_id": CANARY, "tags": [CANARY]}
    asked = actions.create(world.key(), draft_of(DRAFT | fields | {"context": {CANARY: CANARY}}))
    actions.comment(world.pilot("otto"), "secret", text=CANARY)
    return asked.row


def acmes(world: World) -> Any:
    """Everything of acme's that somebody could change."""
    rows = [list(model.objects.for_organization(world.acme.pk).values()) for model in (Intervention, Event, Stream)]  # type: ignore[attr-defined]
    return str(rows)


def test_open_addresses_are_still_there() -> None:
    planned = {"metrics", "api/schema", "api/docs", "api/redoc"}
    assert set(OPEN_ADDRESSES) - planned <= set(addresses())


@pytest.mark.parametrize("who", ["gina", "globex-agent"])
@pytest.mark.parametrize("pattern", [pattern for pattern in WALLED if not pattern.startswith("o/")])
def test_no_program_of_another_organization_gets_through(
    world: World, secret: Intervention, pattern: str, who: str
) -> None:
    before, api, path = acmes(world), Api(world.bearer(who)), "/" + filled(pattern)
    answers = [api.get(path, wait=0), api.get(path), *(api.post(path, body) for body in BODIES), api.patch(path, {})]
    for answer in answers:
        # An address that a caller filled with the canary may be named in a refusal; nothing else of acme's may.
        assert CANARY not in answer.content.decode().replace(path, "") or CANARY in path, (path, answer.content)
        if "secret" in path:
            assert answer.status_code in (400, 403, 404, 405), (path, answer.status_code)
    assert acmes(world) == before


@pytest.mark.parametrize("pattern", [pattern for pattern in WALLED if pattern.startswith("o/")])
def test_no_page_of_another_organization_opens(world: World, secret: Intervention, pattern: str) -> None:
    before, browser, path = acmes(world), world.session("gina"), "/" + filled(pattern)
    for answer in (browser.get(path), browser.post(path, {"text": "mine", "verdict": "approve", "version": "1"})):
        assert answer.status_code in (302, 404, 405), path
        assert CANARY not in answer.content.decode()
    assert acmes(world) == before


@pytest.mark.parametrize("pattern", WALLED)
def test_nobody_gets_through_without_credentials(world: World, secret: Intervention, pattern: str) -> None:
    before, path = acmes(world), "/" + filled(pattern)
    for answer in (Client().get(path), Client().post(path, {}, content_type="application/json")):
        assert answer.status_code in (301, 302, 401, 404, 405), (path, answer.status_code)
        assert CANARY not in answer.content.decode().replace(path, "") or CANARY in path
    assert acmes(world) == before


def test_a_session_cannot_name_an_organization_it_is_not_in(world: World, secret: Intervention) -> None:
    for path in ("/api/interventions", "/api/interventions/secret", "/api/events", "/api/interventions/metrics"):
        answer = world.session("gina").get(path, headers={"X-Organization": "acme"})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_lists_figures_and_logs_hold_only_ones_own(world: World, secret: Intervention) -> None:
    theirs = Api(world.bearer("globex-agent"))
    for path in ("", "/pending", "/metrics"):
        answer = theirs.get(f"/api/interventions{path}")
        assert (answer.status_code, CANARY in answer.content.decode()) == (200, False)
    assert theirs.get("/api/interventions", q=CANARY).json()["results"] == []
    assert theirs.get("/api/events").json()["results"] == []
    assert theirs.get("/api/interventions/metrics").json()["total_interventions"] == 0


def test_who_is_in_both_acts_in_the_one_the_token_names(world: World, secret: Intervention) -> None:
    membership = Membership.objects.create(
        organization=world.acme, pilot=world.memberships["gina"].pilot, role="VIEWER"
    )
    world.memberships["gina in acme"] = membership
    here, there = Api(world.bearer("gina in acme")), Api(world.bearer("gina"))
    assert here.get("/api/interventions/secret").status_code == 200
    assert there.get("/api/interventions/secret").status_code == 404
    # Admin over there, viewer here.
    assert here.post("/api/interventions/secret/approve").status_code == 403


def test_removing_an_organization_takes_all_of_its_rows(world: World, secret: Intervention) -> None:
    kept = actions.create(Caller.of_key(world.keys["globex-agent"][0]), draft_of(DRAFT)).row
    with across(), pytest.raises(ProtectedError):
        world.acme.delete()
    # Its access log stays until somebody means that too.
    for log in (AccessEvent, AccessChain):
        log.objects.for_organization(world.acme.pk).delete()
    with across():
        Organization.objects.get(slug="acme").delete()
    assert [row.pk for row in Intervention.across_organizations.all()] == [kept.pk]
    for model in OWNED:
        assert not model.across_organizations.filter(organization_id=world.acme.pk).exists()
