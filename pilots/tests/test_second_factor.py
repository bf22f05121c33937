"""The second factor: set up, asked for at every door, required by role, each code good for one sign-in."""

import io
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.core.management import call_command
from django.db import connections
from django.test import Client

from conftest import PASSWORD, World
from pilots.errors import NotAuthenticated
from pilots.models import AccessEvent, Pilot
from pilots.sign_in import sealing, second_factor, tries

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]


def code_of(secret: str, steps: int = 0) -> str:
    """What the app shows now, or so many half minutes later."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def enrol(world: World, who: str) -> str:
    """Gives the pilot an authenticator app; returns its secret."""
    secret = generate_totp_secret()
    TOTP.activate(world.memberships[who].pilot, secret)
    return secret


def token(**body: str) -> Any:
    body = {"pilot_id": "local:otto", "password": PASSWORD} | body
    return Client().post("/api/token", body, content_type="application/json")


def ask_admins(world: World) -> None:
    world.acme.settings = {"mfa_required_roles": ["ADMIN"]}
    world.acme.save()


# Programs


def test_a_password_alone_is_not_enough_over_the_api(world: World) -> None:
    secret = enrol(world, "otto")
    assert (token().status_code, token().json()["code"]) == (401, "code_required")
    wrong = token(code="000000" if code_of(secret) != "000000" else "000001")
    assert (wrong.status_code, wrong.json()["code"]) == (401, "invalid_code")
    assert token(code=code_of(secret)).status_code == 200


def test_a_wrong_password_does_not_tell_that_there_is_a_second_factor(world: World) -> None:
    enrol(world, "otto")
    assert token(password="wrong").json()["code"] == "invalid_credentials"


def test_a_code_works_once_even_before_its_half_minute_is_over(world: World) -> None:
    secret = enrol(world, "otto")
    code = code_of(secret)
    assert [token(code=code).status_code for _ in range(2)] == [200, 401]
    assert token(code=code_of(secret, 1)).status_code == 200
    # One that was shown before the last one used is over too.
    assert token(code=code).json()["code"] == "invalid_code"


def test_a_code_may_be_half_a_minute_off_and_no_more(world: World) -> None:
    secret = enrol(world, "otto")
    with time_machine.travel(1_800_000_010, tick=False):
        codes = [code_of(secret, steps) for steps in (-2, 2, -1, 0, 1)]
        assert [token(code=code).status_code for code in codes] == [401, 401, 200, 200, 200]


def test_a_recovery_code_stands_in_once(world: World) -> None:
    enrol(world, "otto")
    codes = RecoveryCodes.activate(world.memberships["otto"].pilot).generate_codes()
    spoken = f"{codes[0][:4]} {codes[0][4:]}"
    assert [token(code=spoken).status_code for _ in range(2)] == [200, 401]
    assert token(code=codes[1]).status_code == 200


def test_ten_wrong_codes_are_enough_from_wherever_they_come(world: World) -> None:
    secret = enrol(world, "otto")
    otto = world.memberships["otto"].pilot
    for number in range(tries.LIMIT):
        with pytest.raises(NotAuthenticated):
            second_factor.check_code(otto, "no code", f"192.0.2.{number}", through="token")
    refused = token(code=code_of(secret))
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert int(refused["Retry-After"]) > 0


def test_the_secrets_lie_sealed(world: World, settings: Any) -> None:
    secret = enrol(world, "otto")
    RecoveryCodes.activate(world.memberships["otto"].pilot)
    kept = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in kept
    seeds = [row.data.get("seed") for row in Authenticator.objects.filter(type="recovery_codes")]
    assert all(seed.startswith("gAAAA") for seed in seeds)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another" * 8, [settings.SECRET_KEY]
    assert token(code=code_of(secret)).status_code == 200
    # Used once, it is sealed with the new key, and the old one may go.
    settings.SECRET_KEY_FALLBACKS = []
    row = Authenticator.objects.get(type="totp")
    assert sealing.unseal(row.data["secret"]) == secret


def test_a_secret_that_cannot_be_read_opens_nothing_and_breaks_nothing(world: World, settings: Any) -> None:
    secret = enrol(world, "otto")
    settings.SECRET_KEY = "another" * 8
    assert token(code=code_of(secret)).json()["code"] == "invalid_code"


# Pages


def sign_in(client: Client, name: str = "otto", password: str = PASSWORD, **more: str) -> Any:
    return client.post("/accounts/login/", {"login": name, "password": password} | more)


def test_the_page_asks_for_the_code_after_the_password(world: World) -> None:
    secret, client = enrol(world, "otto"), Client()
    assert sign_in(client, next="/o/acme/")["Location"] == "/accounts/2fa/authenticate/"
    assert client.get("/o/acme/").status_code == 302
    assert client.get("/api/pilots/me").status_code == 401
    page = client.get("/accounts/2fa/authenticate/").content.decode()
    assert "One more step" in page
    wrong = client.post("/accounts/2fa/authenticate/", {"code": "nonsense"})
    assert (wrong.status_code, "wrong, or was used before" in wrong.content.decode()) == (200, True)
    done = client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    assert (done.status_code, done["Location"]) == (302, "/o/acme/")
    assert client.get("/o/acme/").status_code == 200


def test_wrong_codes_on_the_page_end_in_a_429(world: World) -> None:
    enrol(world, "otto")
    client = Client()
    sign_in(client)
    statuses = [
        client.post("/accounts/2fa/authenticate/", {"code": "nonsense"}).status_code for _ in range(tries.LIMIT + 1)
    ]
    assert statuses == [200] * 10 + [429]


@pytest.mark.django_db(transaction=True)
def test_an_app_is_set_up_on_the_page_and_ends_what_never_showed_it(world: World) -> None:
    elsewhere, client = world.session("otto"), Client()
    program = token().json()["access"]
    sign_in(client)
    again = client.get("/accounts/2fa/totp/activate/")
    assert again["Location"].startswith("/accounts/reauthenticate/?next=")
    client.post(again["Location"], {"password": PASSWORD})
    page = client.get("/accounts/2fa/totp/activate/")
    secret = page.context["form"].secret
    assert secret[:4] in page.content.decode()
    done = client.post("/accounts/2fa/totp/activate/", {"code": code_of(secret)})
    assert done["Location"] == "/accounts/2fa/recovery-codes/"
    codes = client.get("/accounts/2fa/recovery-codes/").context["unused_codes"]
    assert len(codes) == 10
    assert codes[0] not in client.get("/accounts/2fa/recovery-codes/").content.decode()
    assert client.get("/o/acme/").status_code == 200
    assert elsewhere.get("/o/acme/").status_code == 302
    assert Client().get("/api/pilots/me", headers={"Authorization": f"Bearer {program}"}).status_code == 401
    # What proved the app right is used up.
    assert token(code=code_of(secret)).json()["code"] == "invalid_code"
    event = AccessEvent.across_organizations.filter(organization=world.acme, type="second_factor_added").get()
    assert (event.actor, event.data) == ("local:otto", {"kind": "totp"})


@pytest.mark.parametrize("path", ["totp/activate/", "recovery-codes/generate/", "webauthn/add/"])
def test_what_guards_the_account_asks_once_more_who_it_is(world: World, path: str) -> None:
    client = Client()
    sign_in(client)
    assert "reauthenticate" in client.get(f"/accounts/2fa/{path}")["Location"]


def test_removing_it_is_told_to_the_log(world: World) -> None:
    secret, client = enrol(world, "otto"), Client()
    sign_in(client)
    client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert client.post("/accounts/2fa/totp/deactivate/")["Location"] == "/accounts/2fa/"
    assert not second_factor.is_enrolled(world.memberships["otto"].pilot)
    assert AccessEvent.across_organizations.filter(organization=world.acme, type="second_factor_removed").count() == 1


# Required by role


def test_a_role_that_needs_one_is_led_to_where_it_is_set_up(world: World) -> None:
    ask_admins(world)
    admin = world.session("ada")
    for path in ("/o/acme/", "/o/acme/team", "/o/acme/settings", "/o/acme/interventions/x"):
        assert admin.get(path)["Location"] == "/accounts/2fa/", path
    assert admin.post("/o/acme/kill-switch", {"instance_id": "x", "reason": "y"})["Location"] == "/accounts/2fa/"
    assert "Acme" in admin.get("/accounts/2fa/").content.decode()
    assert world.session("otto").get("/o/acme/").status_code == 200
    enrol(world, "ada")
    assert admin.get("/o/acme/").status_code == 200


def test_a_role_that_needs_one_gets_nothing_from_the_api(world: World) -> None:
    bearer = world.bearer("ada")
    ask_admins(world)
    answers = [
        world.session("ada").get("/api/interventions"),
        world.session("ada").post("/api/token", content_type="application/json"),
        token(pilot_id="local:ada"),
        Client().get("/api/interventions", headers=bearer),
        Client().get("/api/events", headers=bearer),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (403, "second_factor_required")
    ] * len(answers)
    assert token().status_code == 200
    assert Client().get("/api/interventions", headers=world.bearer("agent")).status_code == 200
    enrol(world, "ada")
    assert Client().get("/api/interventions", headers=bearer).status_code == 200


def test_another_organizations_wish_concerns_only_itself(world: World) -> None:
    ask_admins(world)
    assert world.session("gina").get("/o/globex/").status_code == 200


# The operator


def test_the_operators_link_asks_for_the_second_factor_too(world: World) -> None:
    out = io.StringIO()
    call_command("create_admin", "local:ada", "--link", "--org", "acme", stdout=out, stderr=io.StringIO())
    secret, path = enrol(world, "ada"), "/" + out.getvalue().strip().split("/", 3)[3]
    client = Client()
    assert client.post(path)["Location"] == "/accounts/2fa/authenticate/"
    assert client.get("/o/acme/").status_code == 302
    client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    assert client.get("/o/acme/").status_code == 200


def test_an_operator_takes_away_what_was_lost(world: World) -> None:
    enrol(world, "otto")
    client, out = world.session("otto"), io.StringIO()
    call_command("reset_second_factor", "local:otto", stdout=out)
    assert "no second factor any more" in out.getvalue()
    assert client.get("/o/acme/").status_code == 302
    assert token().status_code == 200
    assert AccessEvent.across_organizations.filter(type="second_factor_removed", actor="system").count() == 1


def test_the_back_office_asks_superusers_where_the_operator_wishes(world: World, settings: Any) -> None:
    Pilot.objects.filter(pilot_id="local:ada").update(is_staff=True, is_superuser=True)
    client = world.session("ada")
    assert client.get("/admin/").status_code == 200
    settings.ADMIN_SECOND_FACTOR = True
    assert client.get("/admin/", follow=True).redirect_chain[-1][0] == "/accounts/2fa/"
    enrol(world, "ada")
    assert client.get("/admin/").status_code == 200


def test_the_back_office_has_no_sign_in_of_its_own(world: World) -> None:
    Pilot.objects.filter(pilot_id="local:ada").update(is_staff=True, is_superuser=True)
    secret, client = enrol(world, "ada"), Client()
    shown = client.get("/admin/", follow=True)
    assert shown.redirect_chain[-1][0].startswith("/accounts/login/?next=")
    client.post("/admin/login/", {"username": "local:ada", "password": PASSWORD})
    assert client.get("/admin/").status_code == 302
    client.post(shown.redirect_chain[-1][0], {"login": "ada", "password": PASSWORD, "next": "/admin/"})
    client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    assert client.get("/admin/").status_code == 200
    assert client.get("/admin/password_change/")["Location"] == "/accounts/password/change/"
    assert world.session("otto").get("/admin/login/").status_code == 403


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["app", "recovery"])
def test_of_many_who_show_one_code_at_once_one_gets_in(world: World, kind: str) -> None:
    secret, otto = enrol(world, "otto"), world.memberships["otto"].pilot
    code = code_of(secret) if kind == "app" else RecoveryCodes.activate(otto).generate_codes()[0]

    def show(_number: int) -> bool:
        try:
            return bool(second_factor.check_code(otto, code, "192.0.2.1", through="token"))
        except NotAuthenticated:
            return False
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(show, range(6))) == 1
