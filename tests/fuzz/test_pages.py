"""Every page, asked with what no browser sends: no fault of ours, and what is refused changes nothing.

The pages come from the URL map, so a new one is asked too; a new form fails here until FORMS has its fields.
"""

import re
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.signals import got_request_exception
from django.db import transaction
from django.test import Client

from conftest import World
from interventions import actions
from interventions.content import draft_of
from tests.fuzz.hostile import NUL, TIMES, encoded, some
from tests.fuzz.tables import fingerprint, watched
from tests.test_access import SAMPLES, Route, _credentials, people, routes

pytestmark = pytest.mark.embedded
__all__ = ["people"]

FORM = "application/x-www-form-urlencoded"
# The fields of each form, with what is right in them.
FORMS: dict[str, dict[str, str]] = {
    "o/{slug}/bulk": {"verb": "reject", "selected": "open@1", "action_reason": "no", "confirmed": "1"},
    "o/{slug}/kill-switch": {"instance_id": "i", "reason": "x", "confirmation": "STOP"},
    "o/{slug}/interventions/{request_id}/decide": {
        "verdict": "approve",
        "version": "1",
        "content_hash": "",
        "action_reason": "x",
        **{f"answer-{number}": "x" for number in range(4)},
    },
    "o/{slug}/interventions/{request_id}/claim": {"take_over": "1"},
    "o/{slug}/interventions/{request_id}/renew": {},
    "o/{slug}/interventions/{request_id}/release": {},
    "o/{slug}/interventions/{request_id}/assign": {"pilot_id": "local:otto"},
    "o/{slug}/interventions/{request_id}/extend": {"more": "900"},
    "o/{slug}/interventions/{request_id}/comment": {"text": "x"},
    "o/{slug}/team/invite": {"email": "a@b.example", "role": "OPERATOR"},
    "o/{slug}/team/invitations/{invitation_id}/revoke": {},
    "o/{slug}/team/members/{pilot_id}/role": {"role": "ADMIN"},
    "o/{slug}/team/members/{pilot_id}/remove": {"confirmation": "STOP"},
    "o/{slug}/team/members/{pilot_id}/deactivate": {},
    "o/{slug}/team/members/{pilot_id}/reactivate": {},
    "o/{slug}/team/log/verify/{chain}": {"after": "0"},
    "o/{slug}/team/chat": {
        "kind": "slack",
        "name": "#on-call",
        "url": "https://127.0.0.1/hook",
        "lowest_priority": "high",
        "active": "on",
    },
    "o/{slug}/team/chat/{hook_id}/change": {"lowest_priority": "high", "active": "on"},
    "o/{slug}/team/chat/{hook_id}/test": {},
    "o/{slug}/team/chat/{hook_id}/remove": {},
    "o/{slug}/team/keys": {
        "name": "new",
        "scopes": "interventions:read",
        "uow_id_prefix": "u",
        "intervention_types": "resume",
        "lifetime": "90",
    },
    "o/{slug}/team/keys/{key_id}/rotate": {"overlap": "24"},
    "o/{slug}/team/keys/{key_id}/revoke": {"confirmation": "STOP"},
    "o/{slug}/team/settings": {
        "name": "Acme",
        "mfa_required_roles": "ADMIN",
        "canned_approve": "fine",
        "canned_reject": "no",
        "retention_days": "90",
    },
    "o/{slug}/settings/display": {"theme": "dark", "density": "compact", "timezone": "Asia/Tokyo"},
    "o/{slug}/settings": {"name": "Otto O.", "tag": "refunds", "tags_added": "fraud, payroll"},
    "o/{slug}/settings/keys": {"letters": "off", "key_mute": "q", "key_approve": "Ctrl+E"},
    "o/{slug}/settings/duty": {
        "on_duty": "on",
        "mon_from": "09:00",
        "mon_to": "17:00",
        "quiet_from": "22:00",
        "quiet_to": "07:00",
    },
    "o/{slug}/settings/notifications": {"mail_critical": "off", "push_high": "on", "digest_every": "hour"},
    "o/{slug}/settings/notifications/test": {"channel": "mail"},
    "o/{slug}/settings/devices": {"endpoint": "https://127.0.0.1/push", "p256dh": "x", "auth": "y"},
    "o/{slug}/settings/devices/seen": {"endpoint": "https://127.0.0.1/push"},
    "o/{slug}/settings/devices/{device_id}/test": {},
    "o/{slug}/settings/devices/{device_id}/remove": {},
    "push/moved": {"old": "https://127.0.0.1/push", "endpoint": "https://127.0.0.1/p", "p256dh": "x", "auth": "y"},
    "accounts/login/": {"login": "local:otto", "password": "wrong", "next": "/", "remember": "on"},
    "accounts/logout/": {"next": "/"},
    "accounts/reauthenticate/": {"password": "wrong", "next": "/"},
    "accounts/password/change/": {"oldpassword": "x", "password1": "y", "password2": "y"},
    "accounts/password/reset/": {"email": "a@b.example"},
    "accounts/password/reset/key/{uidb36}-{key}/": {"password1": "y", "password2": "y"},
    "accounts/sessions/": {"session": "1"},
    "accounts/2fa/authenticate/": {"code": "123456", "credential": "{}"},
    "accounts/2fa/reauthenticate/": {"code": "123456"},
    "accounts/2fa/recovery-codes/generate/": {},
    "accounts/2fa/totp/activate/": {"code": "123456"},
    "accounts/2fa/totp/deactivate/": {},
    "accounts/2fa/webauthn/add/": {"name": "x", "credential": "{}", "passwordless": "on"},
    "accounts/2fa/webauthn/keys/{pk}/edit/": {"name": "x"},
    "accounts/2fa/webauthn/keys/{pk}/remove/": {},
    "accounts/2fa/webauthn/login/": {"credential": "{}"},
    "accounts/2fa/webauthn/reauthenticate/": {"credential": "{}"},
    "accounts/3rdparty/": {"account": "1"},
    "accounts/3rdparty/signup/": {"username": "x", "email": "a@b.example"},
    "accounts/link/{token}": {},
    "invitations/{token}": {},
    "accounts/{provider_id}/login/": {"process": "login", "next": "/"},
    "accounts/oidc/{provider_id}/login/": {"process": "login", "next": "/"},
    "admin/password_change/": {"old_password": "x", "new_password1": "y", "new_password2": "y"},
    "admin/login/": {"username": "x", "password": "y", "next": "/"},
    "admin/jsi18n/": {},
    "admin/logout/": {},
}
# Pages that are read only, though some of them answer a form as they answer a look.
NO_FORM = re.compile(
    r"health|ready|metrics|offline|sw\.js|\{path\}"
    r"|o/\{slug\}/?(unclaimed|history(/export\.(csv|json))?|team|settings|settings/ringing|team/log)?"
    r"|o/\{slug\}/interventions/\{request_id\}(/related)?"
    r"|accounts/(again|done|inactive/|2fa/(recovery-codes/(download/)?|webauthn/)?)"
    r"|accounts/(password/reset/(key/)?done/|3rdparty/login/(cancelled|error)/|.*login/callback/)|"
)
QUERY = ("next", "q", "after", "before", "lane", "tab", "priority", "type", "tag", "role", "assignee", "besides", "p")
QUERY += ("last", "since", "until", "zone", "actor", "outcome", "history")
QUERY += ("o", "e", "_to_field", "_popup", "_changelist_filters", "code", "state", "error", "process", "pk__in")
HEADERS = ("Referer", "HX-Current-URL", "X-Pilot", "X-Position", "Accept-Language", "X-Forwarded-For", "Cookie")
# A wrong password or code is noted by design.
NOTED = {"accounts/": frozenset({"pilots_accessentry", "pilots_accesslogentry"})}


def pages() -> list[Route]:
    return [route for route in routes() if not route.is_api and not route.pattern.startswith("api/")]


def test_every_form_has_its_fields_here() -> None:
    posted = {route.pattern for route in pages() if route.method == "POST"}
    ours = {pattern for pattern in posted if not pattern.startswith("admin/")}
    assert sorted(pattern for pattern in ours - FORMS.keys() if not NO_FORM.fullmatch(pattern)) == []
    assert sorted(FORMS.keys() - posted) == []


class Asking:
    """Sends one request after the other, each undone before the next, and holds each answer against the rules."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.client.raise_request_exception = False
        self.before = fingerprint()
        self.faults: list[str] = []
        self.count = 0
        self._raised = ""

    def ask(self, route: Route, address: str, body: str = "", **headers: str) -> None:
        self.count += 1
        self._raised = ""
        cookies = self.client.cookies.copy()
        with transaction.atomic():
            with watched() as writes:
                answer = self.client.generic(route.method, address, body, FORM, headers=headers)
            if answer.status_code >= 500:
                self._fault(route, address, body, headers, f"{answer.status_code} {self._raised}")
            elif answer.status_code >= 400 and writes.seen:
                changed = {name for name, rows in fingerprint().items() if rows != self.before[name]}
                if changed:
                    self._fault(route, address, body, headers, f"{answer.status_code}, and changed {changed}")
            transaction.set_rollback(True)
        self.client.cookies = cookies

    def note(self, sender: Any, request: Any = None, **_: Any) -> None:
        self._raised = repr(sys.exc_info()[1])

    def _fault(self, route: Route, address: str, body: str, headers: dict[str, str], what: str) -> None:
        self.faults.append(f"{route.name}: {address[:90]} {body[:90]} {str(headers)[:90]} -> {what[:300]}")


@pytest.fixture
def asking(people: World) -> Iterator[Any]:
    made: list[Asking] = []
    schema = {
        "type": "object",
        "properties": {
            "a": {"type": "string"},
            "b": {"type": "integer"},
            "c": {"type": "number"},
            "d": {"type": "string", "format": "date-time"},
        },
    }
    draft = {"request_id": "asks", "uow_id": "u", "intervention_type": "clarification", "title": "x"}
    actions.create(people.key(), draft_of(draft | {"response_schema": schema}))

    def asking(caller: str) -> Asking:
        one = Asking(_credentials(people, caller)[1].client())
        got_request_exception.connect(one.note)
        made.append(one)
        return one

    yield asking
    for one in made:
        got_request_exception.disconnect(one.note)
        assert one.faults == [], f"{len(one.faults)} of {one.count}:\n" + "\n".join(one.faults)


def _addresses(route: Route) -> Iterator[str]:
    """The address with each of its names hostile in turn."""
    for place, name in enumerate(re.findall(r"\{(\w+)\}", route.pattern)):
        for raw in some(1, seed=len(route.pattern) + place, longest=10_000):
            yield "/" + route.pattern.format(**SAMPLES | {name: encoded(raw)})


def _bodies(fields: dict[str, str], seed: int, *, quick: bool = False) -> Iterator[str]:
    """The form with all of its fields hostile, with one of them, and with one twice and strange ones besides."""
    for raw in some(0 if quick else 2, seed):
        yield "&".join(f"{name}={encoded(raw)}" for name in fields)
    for place, name in enumerate(fields):
        others = urlencode({other: value for other, value in fields.items() if other != name})
        chosen = some(1, seed + place)
        for raw in [chosen[place % len(chosen)]] if quick and TIMES == 1 else (NUL, *chosen[-TIMES:]):
            yield f"{others}&{name}={encoded(raw)}"
    yield f"{urlencode(fields)}&{next(iter(fields), 'x')}=%00&%ff%00=%ff&&==&%zz=%"


def test_addresses(asking: Any) -> None:
    for caller in ("admin", "superuser"):
        one = asking(caller)
        for route in pages():
            if route.pattern.startswith("admin/") == (caller == "superuser"):
                for address in _addresses(route):
                    one.ask(route, address)


def test_forms(asking: Any) -> None:
    one = asking("admin")
    for route in pages():
        if route.method == "POST" and not route.pattern.startswith("admin/"):
            address = "/" + route.pattern.format(**SAMPLES | {"request_id": "asks"})
            for body in _bodies(FORMS.get(route.pattern, {}), seed=len(route.pattern)):
                one.ask(route, address, body)


def test_forms_of_the_back_office(asking: Any, people: World) -> None:
    """Their fields are read off the pages."""
    one = asking("superuser")
    pilot, organization = people.memberships["ada"].pilot, people.acme
    there = {"pilot": pilot.pk, "organization": organization.pk, "membership": people.memberships["ada"].pk}
    addresses = [f"/admin/pilots/{name}/{pk}/change/" for name, pk in there.items()]
    addresses += [f"/admin/pilots/{name}/add/" for name in ("pilot", "organization", "membership", "apikey")]
    addresses += [f"/admin/pilots/pilot/{pilot.pk}/password/", "/admin/pilots/invitation/add/"]
    for seed, address in enumerate(addresses):
        page = one.client.get(address).content.decode()
        names = re.findall(r'<(?:input|select|textarea)[^>]*? name="([a-z](?!srfm|nitial-)[^"]+)"', page)
        for body in _bodies(dict.fromkeys(sorted(set(names)), "1"), seed, quick=True):
            one.ask(Route("POST", address.strip("/"), is_api=False), address, body)


def test_queries_and_headers(asking: Any) -> None:
    for caller in ("admin", "superuser", "nobody"):
        one = asking(caller)
        for seed, route in enumerate(pages()):
            if route.method != "GET" or route.pattern.startswith("admin/") != (caller == "superuser"):
                continue
            for raw in some(1, seed)[:: 2 if TIMES == 1 else 1]:
                one.ask(route, f"{route.address}?" + "&".join(f"{name}={encoded(raw)}" for name in QUERY))
            text = some(1, seed, longest=10_000)[-1].decode("latin-1")
            one.ask(route, route.address, **dict.fromkeys(HEADERS, re.sub(r"[\r\n\x00]", "", text)))
