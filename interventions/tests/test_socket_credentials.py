"""Who may open a socket, from which page, and for how long it stays open."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

from conftest import World
from interventions.live import admission, standing
from interventions.live.database import in_thread
from interventions.live.layer import Breaker
from interventions.tests.sockets import Client, connected, create, run, until
from pilots import api_keys, deactivating, tokens
from pilots.errors import NotAuthenticated
from pilots.models import ApiKey, Membership, Organization, Pilot, RefreshFamily
from pilots.roles import Role

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]

HOST = "testserver"
REFUSALS = "socket-refusals:192.0.2.1"
OURS = f"http://{HOST}"


@pytest.fixture(autouse=True)
def _no_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    cache.delete(REFUSALS)
    admission._own.clear()
    monkeypatch.setattr(admission, "_breaker", Breaker())


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "RECHECK_SECONDS", 0.02)


async def opens(**given: Any) -> Any:
    """True where a program is let in, else the code of its refusal."""
    client = await Client(**given).open()
    await client.say("ping")
    message = await client.socket.receive_output(15)
    if message["type"] == "websocket.close":
        return message["code"]
    await client.leave()
    return True


async def cookie(world: World, who: str) -> str:
    browser = await in_thread(world.session, who)
    return f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"


def test_a_token_or_key_opens_from_anywhere(world: World) -> None:
    async def test() -> None:
        for who in ("otto", "vera", "agent", "reader"):
            bearer = await in_thread(world.bearer, who)
            token = bearer["Authorization"].removeprefix("Bearer ")
            for given in (
                {"token": token},
                {"headers": bearer},
                {"headers": {"X-API-Key": token}},
                {"token": token, "headers": {"Origin": "https://elsewhere.example"}},
            ):
                assert await opens(**given) is True, (who, given)

    run(test)


def test_no_or_bad_credentials_are_told_so(world: World) -> None:
    async def test() -> None:
        key = world.keys["agent"][1]
        for given in (
            {},
            {"token": "nonsense"},
            {"token": key[:-1]},
            {"token": "chm_\x00_x"},
            {"token": "a.b.c"},
            {"headers": {"Authorization": "Basic b3R0bzpwdw=="}},
            {"headers": {"Authorization": "Bearer"}},
            {"headers": {"Cookie": "sessionid=none; broken", "Origin": OURS, "Host": HOST}},
            {
                "headers": {
                    "Cookie": 'sessionid="\\000\\000\\000\\000\\000\\000\\000\\000"',
                    "Origin": OURS,
                    "Host": HOST,
                }
            },
        ):
            assert await opens(**given) == 4401, given

    run(test)


def test_an_expired_token_does_not_open_but_does_not_close_either(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test() -> None:
        headers = await in_thread(world.bearer, "otto")
        client = await Client(headers=headers).open()
        await client.ask("ping")
        monkeypatch.setattr(tokens.AccessToken, "check_exp", expired)
        assert await opens(headers=headers) == 4401
        assert (await client.ask("get_metrics"))["type"] == "metrics"
        await client.leave()

    run(test)


def expired(*_: object, **__: object) -> None:
    raise tokens.TokenError("expired")


def test_a_key_without_the_scope_to_read_is_forbidden(world: World) -> None:
    _, key = api_keys.make(world.acme, "writer", ["interventions:write", "metrics:read"])

    async def test() -> None:
        assert await opens(token=key) == 4403

    run(test)


def test_a_cookie_counts_only_from_our_own_pages(world: World, settings: Any) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://console.example", "https://*.trusted.example"]

    async def test() -> None:
        session = {"Cookie": await cookie(world, "otto"), "Host": HOST}
        for origin in (OURS, "https://console.example", "https://eu.trusted.example"):
            assert await opens(headers=session | {"Origin": origin}) is True, origin
        for origin in (
            "http://elsewhere.example",
            f"http://{HOST}.elsewhere.example",
            f"http://{HOST}:81",
            "http://console.example",
            "https://trusted.example.elsewhere",
            "http://[",
            "null",
            "",
        ):
            assert await opens(headers=session | {"Origin": origin}) == 4401, origin
        assert await opens(headers=session) == 4401
        # Whoever makes a name of theirs lead to this machine is not this host.
        assert await opens(headers=session | {"Host": "rebound.example", "Origin": "http://rebound.example"}) == 4401

    run(test)


def test_a_cookie_of_a_pilot_in_several_organizations_needs_one_named(world: World) -> None:
    Membership.objects.create(organization=world.globex, pilot=world.memberships["otto"].pilot, role=Role.VIEWER.value)

    async def test() -> None:
        headers = {"Cookie": await cookie(world, "otto"), "Host": HOST, "Origin": OURS}
        assert await opens(headers=headers) == 4403
        assert await opens(headers=headers, organization="globex") is True
        assert await opens(headers=headers, organization="initech") == 4403

    run(test)


def test_a_pilot_in_no_organization_is_forbidden(world: World) -> None:
    headers = world.bearer("otto")
    world.memberships["otto"].delete()

    async def test() -> None:
        assert await opens(headers=headers) == 4403
        assert await opens(headers={"Cookie": await cookie(world, "otto"), "Host": HOST, "Origin": OURS}) == 4403

    run(test)


def end_family() -> None:
    families = RefreshFamily.across_organizations.filter(pilot__pilot_id="local:otto")
    families.update(revoked_at=timezone.now())


def deactivate() -> None:
    Pilot.objects.filter(pilot_id="local:otto").update(is_active=False)


def dismiss() -> None:
    Membership.across_organizations.filter(pilot__pilot_id="local:otto").delete()


def shut_out() -> None:
    otto = Pilot.objects.get(pilot_id="local:otto")
    deactivating.deactivate(otto, Organization.objects.get(slug="acme"))


@pytest.mark.parametrize(
    ("ending", "code"), [(end_family, 4401), (deactivate, 4401), (dismiss, 4403), (shut_out, 4401)]
)
def test_an_open_socket_ends_with_its_pilots_right(world: World, ending: Callable[[], None], code: int) -> None:
    async def test() -> None:
        async with connected(world, "vera") as other:
            client = await Client(headers=await in_thread(world.bearer, "otto")).open()
            await client.ask("ping")
            await in_thread(ending)
            assert await client.closed() == code
            await client.leave()
            assert (await other.ask("ping"))["type"] == "pong"

    run(test)


def test_an_open_socket_ends_with_its_session(world: World) -> None:
    async def test() -> None:
        browser = await in_thread(world.session, "otto")
        session = f"sessionid={browser.cookies['sessionid'].value}"
        client = await Client(headers={"Cookie": session, "Host": HOST, "Origin": OURS}).open()
        await client.ask("ping")
        await in_thread(browser.logout)
        assert await client.closed() == 4401
        await client.leave()

    run(test)


def test_an_open_socket_ends_seven_days_after_the_sign_in(world: World) -> None:
    async def test() -> None:
        browser = await in_thread(world.session, "otto")
        pair = await in_thread(tokens.issue, world.memberships["otto"], browser.cookies["sessionid"].value)
        page = {"Cookie": f"sessionid={browser.cookies['sessionid'].value}", "Host": HOST, "Origin": OURS}
        clients = [await Client(headers=page).open(), await Client(token=pair.access).open()]
        for client in clients:
            await client.ask("ping")
        with time_machine.travel(timezone.now() + timedelta(days=7, seconds=5)):
            assert [await client.closed() for client in clients] == [4401, 4401]
        for client in clients:
            await client.leave()

    run(test)


def test_a_socket_needs_the_second_factor_that_its_role_needs(world: World) -> None:
    def ask_for_it() -> None:
        world.acme.settings = {"mfa_required_roles": ["OPERATOR"]}
        world.acme.save()

    async def test() -> None:
        bearer = await in_thread(world.bearer, "otto")
        page = {"Cookie": await cookie(world, "otto"), "Host": HOST, "Origin": OURS}
        clients = [await Client(headers=page).open(), await Client(headers=bearer).open()]
        for client in clients:
            await client.ask("ping")
        await in_thread(ask_for_it)
        assert [await client.closed() for client in clients] == [4403, 4403]
        for client in clients:
            await client.leave()
        assert await opens(headers=page) == 4403
        assert await opens(headers=bearer) == 4403
        assert await opens(headers=await in_thread(world.bearer, "vera")) is True
        await in_thread(TOTP.activate, world.memberships["otto"].pilot, generate_totp_secret())
        assert await opens(headers=page) is True
        assert await opens(headers=bearer) is True

    run(test)


def test_a_new_password_ends_the_sockets_of_the_old_one(world: World) -> None:
    def change() -> None:
        pilot = world.memberships["otto"].pilot
        pilot.set_password("another long enough one")
        pilot.save()

    async def test() -> None:
        client = await Client(headers={"Cookie": await cookie(world, "otto"), "Host": HOST, "Origin": OURS}).open()
        await client.ask("ping")
        await in_thread(change)
        assert await client.closed() == 4401
        await client.leave()

    run(test)


def test_a_refresh_token_used_again_ends_the_sockets_of_its_tokens_and_of_its_session(world: World) -> None:
    async def test() -> None:
        browser = await in_thread(world.session, "otto")
        session = browser.cookies[settings.SESSION_COOKIE_NAME].value
        first = await in_thread(tokens.issue, world.memberships["otto"], session)
        by_token = await Client(token=first.access).open()
        headers = {"Host": HOST, "Origin": OURS, "Cookie": f"{settings.SESSION_COOKIE_NAME}={session}"}
        page = await Client("/ws/o/acme/console", headers).open()
        second = await in_thread(tokens.rotate, first.refresh)
        await in_thread(tokens.rotate, second.refresh)
        with pytest.raises(NotAuthenticated):
            await in_thread(tokens.rotate, first.refresh)
        assert [await by_token.closed(), await page.closed()] == [4401, 4401]
        await by_token.leave()
        await page.leave()

    run(test)


def test_an_open_socket_ends_with_its_key(world: World) -> None:
    async def test() -> None:
        client = await Client(token=world.keys["agent"][1]).open()
        await client.ask("ping")
        await in_thread(ApiKey.across_organizations.filter(name="agent").update, revoked_at=timezone.now())
        assert await client.closed() == 4401
        await client.leave()

    run(test)


def test_a_rotated_keys_socket_stays_for_the_overlap_and_ends_with_it(world: World) -> None:
    async def test() -> None:
        row, old = world.keys["agent"]
        client = await Client(token=old).open()
        new, text = await in_thread(api_keys.rotate, row)
        other = await Client(token=text).open()
        for each in (client, other):
            assert (await each.ask("subscribe"))["type"] == "subscribed"
        await in_thread(api_keys.rotate, new)
        assert await client.closed() == 4401
        assert (await other.ask("ping"))["type"] == "pong"
        await client.leave()
        await other.leave()

    run(test)


def test_a_role_taken_away_counts_on_the_open_socket(world: World) -> None:
    async def test() -> None:
        request_id = await create(world)
        async with connected(world, "otto") as client:
            assert (await client.ask("action", request_id=request_id, action="claim"))["type"] == "action_result"
            members = Membership.across_organizations.filter(pilot__pilot_id="local:otto")
            await in_thread(members.update, role=Role.VIEWER.value)
            reply = await client.ask("action", request_id=request_id, action="claim")
            while reply["type"] == "action_result":
                reply = await client.ask("action", request_id=request_id, action="claim")
            assert reply["error"]["code"] == "FORBIDDEN"

    run(test)


def test_sockets_stay_open_while_their_credentials_cannot_be_checked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def fail(callers: object) -> None:
        asked.append(callers)
        raise ConnectionError("gone")

    monkeypatch.setattr(standing, "standing", fail)

    async def test() -> None:
        async with connected(world, "otto") as client:
            await until(lambda: len(asked) >= 3)
            assert (await client.ask("get_history"))["type"] == "history"

    run(test)


def test_an_address_refused_too_often_waits_until_the_minute_is_over(world: World) -> None:
    async def test() -> None:
        for _ in range(admission.MAX_REFUSALS):
            assert await opens(token="nonsense", client="192.0.2.1") == 4401
        turned_away = Client(token=world.keys["agent"][1], client="192.0.2.1")
        answer = await turned_away.handshake()
        assert (answer["type"], answer["status"]) == ("websocket.http.response.start", 429)
        assert (b"retry-after", b"60") in answer["headers"]
        assert await opens(token=world.keys["agent"][1], client="192.0.2.2") is True
        await in_thread(cache.delete, REFUSALS)
        assert await opens(token=world.keys["agent"][1], client="192.0.2.1") is True

    run(test)


def test_a_server_that_cannot_answer_with_a_status_refuses_the_handshake(world: World) -> None:
    async def test() -> None:
        for _ in range(admission.MAX_REFUSALS):
            await opens(token="nonsense", client="192.0.2.1")
        accepted, _ = await Client(token=world.keys["agent"][1], client="192.0.2.1").socket.connect()
        assert not accepted

    run(test)


def test_without_its_cache_a_process_counts_refusals_by_itself(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ConnectionError("no Redis")

    for name in ("get", "add", "incr"):
        monkeypatch.setattr(admission.cache, name, fail)

    async def test() -> None:
        for _ in range(admission.MAX_REFUSALS):
            assert await opens(token=world.keys["agent"][1], client="192.0.2.1") is True
            assert await opens(token="nonsense", client="192.0.2.1") == 4401
        answer = await Client(token=world.keys["agent"][1], client="192.0.2.1").handshake()
        assert answer["status"] == 429

    run(test)
