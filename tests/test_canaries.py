"""Nothing of one organization reaches another: strings that only Globex has are looked for in all that Acme is told.

Globex is full of them: every text anybody could write there. Acme's people and keys ask every route, listen on both
sockets while Globex works, and everything is kept: bodies, headers, frames, what the server logged, what it cached.
"""

import logging
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from asgiref.sync import async_to_sync
from django.conf import settings
from django.core import mail
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from chameleon import private_targets
from conftest import DRAFT, Clock, World
from interventions import actions
from interventions.content import draft_of
from interventions.delivery import devices, hooks, outbox, sending
from interventions.lifecycle import Priority
from interventions.live.database import in_thread
from interventions.tests.sockets import connected, create, run
from interventions.tests.test_console_socket import console_of
from pilots import access_log, api_keys
from pilots.models import Invitation, Membership, Organization, Pilot
from tests import push_service
from tests.push_service import Browser
from tests.test_access import BODIES, QUERIES, SAMPLES, Route, routes

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True), pytest.mark.embedded]

CANARY = "c4narybird"
SLUG = "globex"


class Kept(logging.Handler):
    """Every line that any logger wrote."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture
def full(world: World, settings: Any) -> World:
    """Globex, with the canary in everything that somebody there could write."""
    Organization.objects.filter(slug=SLUG).update(name=f"{CANARY} Inc", settings={"email_domains": [f"{CANARY}.test"]})
    Pilot.objects.filter(pilot_id="local:gina").update(name=f"{CANARY} Gina", email=f"{CANARY}@globex.test")
    world.memberships["gina"].pilot.refresh_from_db()
    world.memberships["gina"].organization.refresh_from_db()
    world.globex.refresh_from_db()
    world.keys[CANARY] = api_keys.make(world.globex, CANARY, ["interventions:read", "interventions:write"])
    Invitation.objects.create(
        organization=world.globex,
        email=f"invited@{CANARY}.test",
        digest=CANARY,
        expires_at=timezone.now() + timedelta(days=1),
    )
    rule = hooks.Rule(Priority.LOW)
    settings.ALLOW_PRIVATE_TARGETS = private_targets.read("127.0.0.1")
    chat_hook = hooks.add(world.globex, "slack", CANARY, f"http://127.0.0.1:9999/{CANARY}", rule, by=access_log.SYSTEM)
    hooks.note(chat_hook, CANARY, good=False)
    subscription = Browser(f"http://127.0.0.1:9999/{CANARY}").posted
    devices.add(world.memberships["gina"].pilot, world.globex, CANARY, subscription, CANARY)
    gina = access_log.Party.of(world.memberships["gina"].pilot)
    access_log.record("signed_in", gina, gina, organization=world.globex, data={"address": CANARY})
    for request_id in ("open", f"{CANARY}-1", "approved"):
        actions.create(world.key(CANARY), draft_of(DRAFT | _texts(request_id)))
    work(world, "approved")
    actions.create(world.key(CANARY), draft_of(DRAFT | _texts("globexs-own")))
    # The same names in Acme, with texts of its own.
    for request_id in ("open", "claimed", "approved"):
        actions.create(world.key(), draft_of(DRAFT | {"request_id": request_id, "tags": ["finance"]}))
    return world


def _texts(request_id: str) -> dict[str, Any]:
    return {
        "request_id": request_id,
        "uow_id": f"{CANARY}-uow",
        "title": f"{CANARY} title",
        "description": f"{CANARY} description",
        "context": {CANARY: CANARY},
        "tags": [CANARY],
        "priority": "critical",
    }


def work(world: World, request_id: str) -> None:
    """All that can happen to a request, with the canary in every text."""
    gina = world.pilot("gina")
    actions.claim(gina, request_id)
    actions.comment(gina, request_id, text=f"{CANARY} comment")
    actions.approve(gina, request_id, reason=f"{CANARY} reason")
    actions.complete(world.key(CANARY), request_id, outcome={CANARY: CANARY})


@pytest.fixture
def log() -> Iterator[Kept]:
    kept, root = Kept(), logging.getLogger()
    level = root.level
    root.addHandler(kept)
    root.setLevel(logging.DEBUG)
    yield kept
    root.removeHandler(kept)
    root.setLevel(level)


def assert_clean(what: str, text: str) -> None:
    at = text.find(CANARY)
    assert at < 0, f"{what}: …{text[max(0, at - 200) : at + 200]}…"


def ask(route: Route, client: Client, headers: dict[str, str], address: str = "") -> str:
    sent = QUERIES.get(route.name, {}) if route.method == "GET" else BODIES.get(route.name, {})
    kind = {"content_type": "application/json"} if route.is_api and route.method != "GET" else {}
    answer = getattr(client, route.method.lower())(address or route.address, sent, headers=headers, **kind)
    body = async_to_sync(whole)(answer.streaming_content) if answer.streaming else answer.content
    return f"{answer.headers} {answer.cookies} {body.decode()}"


async def whole(parts: AsyncIterator[bytes]) -> bytes:
    return b"".join([part async for part in parts])


# What ends the session of the one who asks comes last.
def in_order() -> list[Route]:
    return sorted(routes(), key=lambda route: "logout" in route.pattern or "revoke" in route.pattern)


def test_globex_itself_sees_them(full: World) -> None:
    """Or else nothing here could fail."""
    page = full.session("gina").get(f"/o/{SLUG}/interventions/open")
    assert page.content.decode().count(CANARY) > 5
    for path in ("team/chat", "settings/devices"):
        assert CANARY in full.session("gina").get(f"/o/{SLUG}/{path}").text, path
    for path in ("/api/interventions", "/api/events", "/api/pilots/me"):
        assert CANARY in Client().get(path, headers=full.bearer("gina")).content.decode(), path


@pytest.mark.parametrize("who", ["ada", "agent"])
def test_no_answer_to_acme_holds_anything_of_globex(full: World, log: Kept, who: str) -> None:
    for route in in_order():
        if route.is_api or who == "agent":
            client, headers = Client(), full.bearer(who)
        else:
            client, headers = full.session(who), {}
        assert_clean(f"{route.name} as {who}", ask(route, client, headers))
    assert_clean("the log", "\n".join(log.lines))


def test_naming_what_is_globexs_tells_acme_nothing(full: World, log: Kept) -> None:
    """By its ids and its name: the answer does not say more than what was asked with."""
    for route in in_order():
        address = "/" + route.pattern.format(**SAMPLES | {"slug": SLUG, "request_id": "globexs-own"})
        client = full.session("ada")
        assert_clean(f"{route.name} of globex", ask(route, client, {}, address))
        assert_clean(f"{route.name} naming globex", ask(route, client, {"X-Organization": SLUG}))
    assert_clean("the log", "\n".join(log.lines))


def test_acmes_sockets_hear_nothing_of_what_happens_in_globex(full: World, log: Kept) -> None:
    async def test() -> None:
        async with (
            connected(full, "agent") as program,
            connected(full, "ada") as pilot,
            console_of(full, "ada") as page,
        ):
            for client in (program, pilot):
                await client.ask("subscribe", since=0)
            frames: list[Any] = []
            await create(full, CANARY, **_texts(f"{CANARY}-2"))
            await in_thread(work, full, f"{CANARY}-2")
            # What was to come has come, once Acme's own news has.
            mine = await create(full)
            for client in (program, pilot, page):
                told = await client.frame(lambda frame: _is_about(frame, mine))
                frames += [told, *client.frames]
            for client in (program, pilot):
                for message in ("get_pending", "get_metrics", "get_history"):
                    frames.append(await client.ask(message))
                for request_id in ("open", f"{CANARY}-2"):
                    answer = await client.ask("request_detail", request_id=request_id)
                    frames.append(answer if request_id == "open" else _without_the_name(answer))
            assert len(frames) > 20
            assert_clean("a frame", repr(frames))

    run(test)
    assert_clean("the log", "\n".join(line for line in log.lines if not line.startswith("(")))


def _is_about(frame: dict[str, Any], request_id: str) -> bool:
    return request_id in repr(frame)


def _without_the_name(answer: dict[str, Any]) -> dict[str, Any]:
    """The refusal may repeat the id that was asked for."""
    return {"refused": repr(answer).replace(f"{CANARY}-2", "")}


def test_a_mail_to_acme_holds_nothing_of_globex(full: World, log: Kept, clock: Clock, settings: Any) -> None:
    settings.EMAIL_URL = "smtp://localhost"
    for name in ("ada", "otto", "gina"):
        Pilot.objects.filter(pilot_id=f"local:{name}").update(email=f"{name}@mail.test")
    # The same pilot in both: what is mailed of one organization holds nothing of the other either.
    both = Pilot.objects.get(pilot_id="local:otto")
    Membership.objects.create(organization=full.globex, pilot=both, role="OPERATOR")
    for organization in (full.globex, full.acme):
        key = CANARY if organization == full.globex else "agent"
        actions.create(full.key(key), draft_of(DRAFT | {"priority": "critical", "title": f"{key} asks"}))
    outbox.read_on()
    clock.forward(seconds=3)
    sending.send_due()
    told = {
        name: [each for each in mail.outbox if each.to == [f"{name}@mail.test"]] for name in ("ada", "otto", "gina")
    }
    for message in [*told["ada"], *(each for each in told["otto"] if "/o/acme/" in each.body)]:
        assert_clean("a mail", str(message.message()))
    assert len(told["ada"]) == 1
    assert len(told["otto"]) == 2
    assert CANARY in str(told["gina"][0].body)
    assert_clean("the log", "\n".join(line for line in log.lines if not line.startswith("(")))


def test_a_push_to_acme_holds_nothing_of_globex(full: World, log: Kept, clock: Clock) -> None:
    both = Pilot.objects.get(pilot_id="local:otto")
    Membership.objects.create(organization=full.globex, pilot=both, role="OPERATOR")
    people = [("ada", full.acme), ("otto", full.acme), ("otto", full.globex), ("gina", full.globex)]
    with push_service.running() as service:
        for name, organization in people:
            browser = service.browser(f"{name}-{organization.slug}")
            pilot = Pilot.objects.get(pilot_id=f"local:{name}")
            devices.add(pilot, organization, f"session of {name}", browser.posted, "a desk")
        for key in (CANARY, "agent"):
            actions.create(full.key(key), draft_of(DRAFT | {"priority": "critical", "title": f"{key} asks"}))
        outbox.read_on()
        clock.forward(seconds=3)
        sending.send_due()
    told = {path.rpartition("/")[2]: repr(browser.told) for path, browser in service.browsers.items()}
    for name in ("ada-acme", "otto-acme"):
        assert "agent asks" in told[name]
        assert_clean(f"a push to {name}", told[name])
    for name in ("otto-globex", "gina-globex"):
        assert CANARY in told[name]
    assert service.wrong == []
    assert_clean("the log", "\n".join(line for line in log.lines if not line.startswith("(")))


def test_an_export_of_acme_holds_nothing_of_globex(full: World, tmp_path: Path) -> None:
    for slug in ("acme", SLUG):
        call_command("export_org", slug, output=str(tmp_path / slug), verbosity=0)
    assert_clean("the export", (tmp_path / "acme").read_text())
    assert (tmp_path / SLUG).read_text().count(CANARY) > 20


def test_what_is_cached_for_acme_holds_nothing_of_globex(full: World) -> None:
    for who in ("gina", "ada"):
        client = full.session(who)
        slug = full.memberships[who].organization.slug
        for path in (f"/o/{slug}/", f"/o/{slug}/interventions/open", "/api/interventions/metrics"):
            client.get(path)
    assert_clean("the cache", _cached())


def _cached() -> str:
    """Shared by all organizations, so it holds nobody's texts at all."""
    if settings.REDIS_URL:
        with redis.Redis.from_url(settings.REDIS_URL) as server:
            return repr([(key, server.dump(key)) for key in server.scan_iter(count=1000)])
    return repr(cache._cache)  # type: ignore[attr-defined]
