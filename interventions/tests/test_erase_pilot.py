"""Forgetting a person: nothing of them is left in any table, and the record holds, adds up and verifies as before."""

import io
import json
from dataclasses import replace
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from conftest import PASSWORD, World, stored, told
from interventions import actions, audits, invariants
from interventions.insight import metrics
from interventions.live import standing
from interventions.live.sockets import UNAUTHENTICATED
from interventions.management.commands import erase_pilot
from interventions.models import Approval, Event, Intervention
from pilots import access_log, invitations
from pilots import actions as actions_of_pilots
from pilots.access_log import Party
from pilots.caller import Caller
from pilots.models import AccessEvent, ApiKey, Invitation, Membership, Organization, Pilot, RefreshFamily
from pilots.roles import Role
from pilots.sign_in import links
from pilots.tenancy import across

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]

LOGIN, NAME, EMAIL, UID = "github:canary-hedwig", "Hedwig Canary-Oehme", "hedwig@canary.example", "canary-4711"
SECOND_EMAIL = "second@canary-hedwig.example"
CANARIES = ("canary-hedwig", "Canary-Oehme", "hedwig@canary", UID)
WORDS = "because the canary sang"


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erase_pilot, "NOTICE_SECONDS", 0)


@pytest.fixture
def hedwig(world: World, ask: Any) -> Caller:
    """Somebody with an account at a provider who has done all that a pilot can do, in acme and in globex."""
    pilot = Pilot.objects.create_user(
        LOGIN,
        PASSWORD,
        name=NAME,
        email=EMAIL,
        oauth_provider="github",
        oauth_id=UID,
        expertise_tags=["canary-hedwig"],
        working_hours={"mon": [UID]},
        notifications={"to": EMAIL},
        timezone="Antarctica/Troll",
    )
    world.memberships["hedwig"] = actions_of_pilots.join(pilot, world.acme, Role.ADMIN)[0]
    actions_of_pilots.join(pilot, world.globex, Role.OPERATOR)
    SocialAccount.objects.create(user=pilot, provider="github", uid=UID, extra_data={"login": "canary-hedwig"})
    EmailAddress.objects.create(user=pilot, email=EMAIL, verified=True, primary=True)
    second = {"issuer": "https://accounts.google.com", "email": SECOND_EMAIL, "email_verified": True}
    SocialAccount.objects.create(user=pilot, provider="google", uid="canary-4712", extra_data=second)
    Authenticator.objects.create(user=pilot, type="totp", data={"secret": UID})
    caller = world.pilot("hedwig")
    _sign_in(world, pilot)
    _decide(world, caller, ask)
    ApiKey.across_organizations.filter(name="reader").update(created_by=LOGIN)
    Invitation.objects.create(
        organization=world.globex, email=EMAIL.upper(), digest="x", invited_by=pilot, expires_at=pilot.created_at
    )
    _, token = invitations.invite(world.globex, Role.ADMIN, email=SECOND_EMAIL)
    invitations.accept(token, pilot)
    root = Client()
    root.force_login(
        Pilot.objects.create_superuser("local:root", PASSWORD), "django.contrib.auth.backends.ModelBackend"
    )
    form = {"name": NAME, "email": EMAIL, "timezone": "UTC", "expertise_tags": "[]", "working_hours": "{}"}
    form |= {"notifications": "{}", "is_active": "on"}
    form |= {f"memberships-{name}": "0" for name in ("TOTAL_FORMS", "INITIAL_FORMS", "MIN_NUM_FORMS")}
    assert root.post(f"/admin/pilots/pilot/{pilot.pk}/change/", form).status_code == 302
    return caller


def _sign_in(world: World, pilot: Pilot) -> None:
    browser = world.session("hedwig")
    browser.get("/o/acme/")
    browser.post("/api/token", content_type="application/json", headers={"X-Organization": "acme"})
    # Only half signed in: the second factor is missing.
    assert Client().post("/accounts/login/", {"login": LOGIN, "password": PASSWORD}).status_code == 302
    wrong = {"pilot_id": LOGIN, "password": "wrong"}
    Client().post("/api/token", wrong, content_type="application/json", REMOTE_ADDR="203.0.113.77")
    links.make(pilot)
    access_log.record(
        "invited",
        Party.of(world.memberships["ada"].pilot),
        Party(EMAIL, "invitation:1"),
        organization=world.globex,
        data={"email": EMAIL.upper(), "name": NAME, "role": "OPERATOR"},
    )


def _decide(world: World, caller: Caller, ask: Any) -> None:
    for request_id in ("claimed", "approved", "rejected", "quorum", "assigned", "taken", "open"):
        ask(request_id=request_id, approvals_required=3 if request_id == "quorum" else 1)
    actions.claim(caller, "claimed")
    actions.approve(caller, "approved", reason=WORDS)
    actions.reject(caller, "rejected", reason=WORDS)
    actions.comment(caller, "rejected", text=WORDS)
    actions.approve(caller, "quorum", reason=WORDS)
    actions.approve(world.pilot("olga"), "quorum", reason="fine")
    actions.assign(world.pilot("ada"), "assigned", pilot_id=LOGIN)
    actions.claim(caller, "taken")
    actions.claim(world.pilot("otto"), "taken", take_over=True)
    actions.approve(world.pilot("otto"), "taken", reason="mine")


def run(*words: str) -> str:
    out = io.StringIO()
    call_command("erase_pilot", *words, stdout=out)
    return out.getvalue()


def everything_stored() -> str:
    """Every value of every column of every table; sessions as who can read them sees them."""
    found = [f"django_session: {row.get_decoded()}" for row in Session.objects.all()]
    with across(), connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608 -- names of our own tables
            for row in cursor.fetchall():
                found.append(f"{table}: {row!r}")
    return "\n".join(found)


def where(*texts: str) -> list[str]:
    return [line for line in everything_stored().splitlines() if any(text.lower() in line.lower() for text in texts)]


def everything_holds() -> None:
    for organization in Organization.objects.all():
        assert invariants.check(organization.pk) == []
        assert {log: audit.findings for log, audit in audits.of(organization).items()} == {"record": [], "access": []}
    assert audits.of(None)["access"].findings == []


def test_no_trace_is_left_in_any_table(hedwig: Caller) -> None:
    everything_holds()
    assert len({line.partition(":")[0] for line in where(*CANARIES)}) > 8
    run(LOGIN, "--yes")
    assert where(*CANARIES, "203.0.113.77") == []
    everything_holds()


def test_the_record_and_the_figures_stay(world: World, hedwig: Caller) -> None:
    before, figures = Event.across_organizations.count(), metrics.snapshot(world.acme.pk)
    hashes = list(Event.across_organizations.order_by("pk").values_list("hash", flat=True))
    run(LOGIN, "--yes")
    neutral = f"erased:{hedwig.reference[:12]}"
    assert stored("approved").decided_by == stored("rejected").decided_by == neutral
    assert stored("approved").action_reason == WORDS
    assert {item.pilot_id for item in Approval.across_organizations.filter(intervention__request_id="quorum")} == {
        neutral,
        "local:olga",
    }
    after = metrics.snapshot(world.acme.pk)
    same = ("total_interventions", "approved_interventions", "rejected_interventions", "avg_resolution_time_seconds")
    assert {name: after[name] for name in same} == {name: figures[name] for name in same}
    assert {"pilot_id": neutral, "interventions": 2} in after["top_pilots"]
    # Two events tell that what was theirs is everybody's again; none of before has changed its hash.
    assert Event.across_organizations.count() == before + 2
    assert list(Event.across_organizations.order_by("pk").values_list("hash", flat=True))[:before] == hashes


def test_what_they_had_taken_on_is_everybodys_again(hedwig: Caller) -> None:
    run(LOGIN, "--yes")
    for request_id in ("claimed", "assigned"):
        assert (stored(request_id).status, stored(request_id).assigned_to) == ("PENDING", None)
        assert told(request_id)[-1] == "released"
    assert stored("taken").assigned_to == "local:otto"


def test_they_can_do_nothing_any_more(world: World, hedwig: Caller, api: Any) -> None:
    browser, program = world.session("hedwig"), api("hedwig")
    assert program.get("/api/interventions").status_code == 200
    run(LOGIN, "--yes")
    assert program.get("/api/interventions").status_code == 401
    assert browser.get("/o/acme/").status_code in (302, 404)
    assert not Client().login(pilot_id=f"erased:{hedwig.reference[:12]}", password=PASSWORD)
    assert not Membership.across_organizations.filter(pilot__opaque_id=hedwig.reference).exists()


def test_their_open_sockets_are_told_to_close(world: World, hedwig: Caller) -> None:
    """What the watchman finds at his next round, within seconds."""
    family = RefreshFamily.across_organizations.filter(pilot__pilot_id=LOGIN).latest("created_at")
    session = UserSession.objects.filter(user__pilot_id=LOGIN).latest("created_at").session_key
    # Their tags were taken away in the back office.
    hedwig = replace(hedwig, expertise=())
    open_sockets = [replace(hedwig, credential=f"family:{family.pk}"), replace(hedwig, credential=f"session:{session}")]
    assert list(standing.standing(open_sockets).values()) == open_sockets
    run(LOGIN, "--yes")
    assert set(standing.standing(open_sockets).values()) == {UNAUTHENTICATED}


def test_others_are_left_alone(world: World, hedwig: Caller) -> None:
    run(LOGIN, "--yes")
    assert world.session("ada").get("/o/acme/").status_code == 200
    assert stored("taken").decided_by == "local:otto"
    assert Pilot.objects.get(pilot_id="local:otto").name == "Otto"


def test_words_stay_unless_they_are_to_go_too(hedwig: Caller) -> None:
    run(LOGIN, "--yes", "--texts")
    assert where(*CANARIES, WORDS) == []
    assert stored("approved").action_reason == "[erased]"
    everything_holds()
    assert "mine" in stored("taken").action_reason  # type: ignore[operator]


def test_it_is_told_in_the_access_log_of_each_organization(world: World, hedwig: Caller) -> None:
    run(LOGIN, "--yes")
    for organization in (world.acme, world.globex):
        newest = access_log.newest(organization, 1)[0]
        assert (newest.type, newest.actor, newest.subject) == (
            "pilot_erased",
            "system",
            f"erased:{hedwig.reference[:12]}",
        )
    assert [row.type for row in access_log.newest(None, 50)].count("pilot_erased") <= 1


def test_roles_given_by_and_to_them_stay_on_record(world: World, hedwig: Caller) -> None:
    otto = world.memberships["otto"].pilot
    actions_of_pilots.set_role(otto, world.acme, Role.VIEWER, by=Party.of(Pilot.objects.get(pilot_id=LOGIN)))
    run(LOGIN, "--yes")
    rows = {row.type: row for row in access_log.newest(world.acme, 100)}
    assert (rows["role_changed"].actor, rows["role_changed"].data) == (
        f"erased:{hedwig.reference[:12]}",
        {"from": "OPERATOR", "to": "VIEWER"},
    )


def test_the_first_run_only_says_what_it_would_do(hedwig: Caller) -> None:
    before = everything_stored()
    said = run(LOGIN, "--dry-run")
    assert said.startswith("Would become erased:")
    assert "2 released" in said
    assert "acme, globex" in said
    assert everything_stored() == before


def test_repeating_it_changes_nothing(hedwig: Caller) -> None:
    run(LOGIN, "--yes")
    before = everything_stored()
    assert "nothing to do" in run(f"erased:{hedwig.reference[:12]}", "--yes")
    with pytest.raises(CommandError, match="There is no pilot"):
        run(LOGIN, "--yes")
    assert everything_stored() == before


def test_nothing_is_erased_unasked(hedwig: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    before = everything_stored()
    monkeypatch.setattr("sys.stdin", io.StringIO(LOGIN + "\n"))
    with pytest.raises(CommandError, match="--yes"):
        run(LOGIN)
    assert everything_stored() == before


def test_the_last_admin_stays_until_there_is_another(world: World) -> None:
    before = everything_stored()
    with pytest.raises(CommandError, match="only admin of globex"):
        run("local:gina", "--yes")
    assert everything_stored() == before
    run("local:gina", "--yes", "--force")
    assert not Pilot.objects.filter(pilot_id="local:gina").exists()
    everything_holds()


def test_a_second_person_in_the_same_events_can_be_forgotten_too(world: World, hedwig: Caller) -> None:
    run(LOGIN, "--yes")
    run("local:olga", "--yes", "--texts")
    run("local:otto", "--yes")
    assert where(*CANARIES, "local:olga", "local:otto", "fine") == []
    assert WORDS in str(stored("approved").action_reason)
    everything_holds()


def test_what_an_erasure_left_cannot_be_changed_unnoticed(world: World, hedwig: Caller) -> None:
    run(LOGIN, "--yes")
    event = Event.across_organizations.get(type="approved", request_id="approved")
    assert event.salt == ""
    Event.across_organizations.filter(pk=event.pk).update(data=event.data | {"action_reason": "never said"})
    assert [item.problem for item in audits.of(world.acme)["record"].findings] == [
        "what stands where a pilot was erased is not what the erasure left"
    ]


def test_nobody_empties_a_salt_and_says_it_was_an_erasure(world: World, hedwig: Caller) -> None:
    forged = Event.across_organizations.filter(type="approved", request_id="taken")
    forged.update(salt="", data={"action_reason": "never said"})
    assert audits.of(world.acme)["record"].findings
    with pytest.raises(CommandError, match="does not verify"):
        run(LOGIN, "--yes")
    entry = AccessEvent.across_organizations.filter(organization=world.globex).order_by("seq")[0]
    AccessEvent.across_organizations.filter(pk=entry.pk).update(salt="", data={"role": "ADMIN"})
    assert audits.of(world.globex)["access"].findings


def test_the_log_goes_on_after_an_erasure(world: World, hedwig: Caller, ask: Any) -> None:
    run(LOGIN, "--yes")
    actions.approve(world.pilot("otto"), "quorum", reason="fine")
    assert stored("quorum").status == "APPROVED"
    approvers = [item["pilot_id"] for item in Event.across_organizations.latest("seq").data["approvals"]]
    assert approvers == [f"erased:{hedwig.reference[:12]}", "local:olga", "local:otto"]
    everything_holds()


def test_what_was_noted_before_still_holds(world: World, hedwig: Caller) -> None:
    anchors = list(audits.heads([world.acme, world.globex, None]))
    run(LOGIN, "--yes")
    rows: dict[str, Organization | None] = {"acme": world.acme, "globex": world.globex, "*": None}
    assert [audits.held_against(anchor, rows[anchor.organization]) for anchor in anchors] == [None] * 5


def test_rows_of_strangers_with_a_name_alike_are_left(world: World, ask: Any) -> None:
    """A pilot called like a word, or like the beginning of another's id."""
    otto2 = actions_of_pilots.create_pilot("local:otto2", world.acme, Role.OPERATOR, name="APPROVED")
    ask(request_id="a", title="local:otto2")
    world.memberships["otto2"] = otto2.membership
    actions.approve(world.pilot("otto"), "a", reason="local:otto2")
    before = json.dumps(Event.across_organizations.get(type="approved").data)
    run("local:otto2", "--yes")
    assert json.dumps(Event.across_organizations.get(type="approved").data) == before
    assert Intervention.across_organizations.get(request_id="a").title == "local:otto2"
    everything_holds()
