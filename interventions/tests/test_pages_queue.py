"""The queue page: who sees it, what is in which lane, and what a part of it costs."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from conftest import World, stored
from interventions import actions
from interventions.lanes import LANE_PAGE
from interventions.models import Intervention
from pilots.models import Membership, Organization, Pilot

pytestmark = pytest.mark.embedded

PART = {"HX-Request": "true"}


def page(client: Client, path: str = "/o/acme/", **headers: str) -> str:
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def test_the_most_urgent_lane_comes_first_and_the_oldest_first_in_it(world: World, ask: Any) -> None:
    titles = [("Old", "normal"), ("Grave", "critical"), ("New", "normal")]
    for title, priority in titles:
        ask(title=title, priority=priority)
    html = page(world.session("otto"))
    assert html.index("Grave") < html.index("Old") < html.index("New")


def test_what_is_decided_or_past_its_time_is_not_there(world: World, ask: Any) -> None:
    actions.reject(world.pilot("otto"), ask(title="Decided").request_id, reason="No.")
    late = ask(title="Too late")
    Intervention.across_organizations.filter(pk=late.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    html = page(world.session("otto"))
    assert "Decided" not in html
    assert "Too late" not in html


def test_tabs_show_what_is_mine_and_what_is_nobodys(world: World, ask: Any) -> None:
    actions.claim(world.pilot("otto"), ask(title="Held by Otto").request_id)
    ask(title="Held by nobody")
    otto = world.session("otto")
    mine, unclaimed = page(otto, "/o/acme/?tab=mine"), page(otto, "/o/acme/?tab=unclaimed")
    assert "Held by Otto" in mine
    assert "Held by nobody" not in mine
    assert "Held by nobody" in unclaimed
    assert "Held by Otto" not in unclaimed


def test_a_long_lane_goes_on_where_the_page_ends(world: World, ask: Any) -> None:
    for number in range(LANE_PAGE + 2):
        ask(title=f"Number {number:03}")
    otto = world.session("otto")
    html = page(otto)
    assert f"Number {LANE_PAGE - 1:03}" in html
    assert f"Number {LANE_PAGE:03}" not in html
    assert f'data-count="{LANE_PAGE + 2}"' in html
    more = html.split('href="/o/acme/?lane=normal&amp;after=')[1].split('"')[0]
    rest = page(otto, f"/o/acme/?tab=all&lane=normal&after={more}", **PART)
    assert rest.count('class="card"') == 2
    assert f"Number {LANE_PAGE + 1:03}" in rest
    assert "<html" not in rest
    assert "<html" in page(otto, f"/o/acme/?tab=all&lane=normal&after={more}")


@pytest.mark.parametrize("query", ["lane=normal&after=junk", "lane=junk&after=", "after=x", "tab=junk"])
def test_a_made_up_address_leads_back_to_the_queue(world: World, query: str) -> None:
    answer = world.session("otto").get(f"/o/acme/?{query}", follow=True)
    assert answer.status_code == 200


def test_twenty_cards_cost_as_many_queries_as_ten(
    world: World, ask: Any, django_assert_num_queries: Any, django_assert_max_num_queries: Any
) -> None:
    otto = world.session("otto")
    for _ in range(10):
        ask()
    page(otto)
    with django_assert_max_num_queries(40) as ten:
        page(otto)
    for _ in range(10):
        ask()
    with django_assert_num_queries(len(ten)):
        page(otto)


def test_a_part_that_would_be_the_same_is_not_sent(world: World, ask: Any) -> None:
    otto = world.session("otto")
    ask()
    html = page(otto, **PART)
    seq, epoch = (html.split(f'data-{name}="')[1].split('"')[0] for name in ("seq", "epoch"))
    headers = PART | {"X-Position": f"{epoch}:{seq}"}
    assert otto.get("/o/acme/", headers=headers).status_code == 204
    ask()
    assert otto.get("/o/acme/", headers=headers).status_code == 200


def test_the_tiles_count_what_is_there(world: World, ask: Any) -> None:
    ask(priority="critical", expires_in_seconds=60)
    ask(priority="high")
    actions.claim(world.pilot("otto"), ask(priority="high").request_id)
    actions.approve(world.pilot("otto"), ask().request_id)
    actions.reject(world.pilot("otto"), ask().request_id, reason="No.")
    html = page(world.session("otto"))
    for fact in ('data-critical="1"', 'data-high="2"', 'data-normal="0"', "{&quot;local:otto&quot;:1}"):
        assert fact in html
    assert "1 <small>/ 1</small>" in html


def test_a_new_organization_is_told_how_to_connect_an_agent(world: World, ask: Any) -> None:
    otto = world.session("otto")
    assert "Connect your first agent" in page(otto)
    actions.reject(world.pilot("otto"), ask().request_id, reason="No.")
    html = page(otto)
    assert "Nothing waiting" in html
    assert "Last decision" in html


def test_a_stranger_is_sent_to_sign_in_and_back(client: Client, world: World) -> None:
    answer = client.get("/o/acme/?tab=mine")
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/?next=/o/acme/%3Ftab%3Dmine")


def test_an_ended_session_is_told_to_the_page_that_is_open(client: Client, world: World) -> None:
    """Nothing to show: the page has a dialog for it."""
    answer = client.get("/o/acme/", headers=PART)
    assert (answer.status_code, answer.content) == (401, b"")


def test_a_page_that_somebody_else_opened_does_nothing_in_ones_name(world: World, ask: Any) -> None:
    request_id = ask().request_id
    headers = PART | {"X-Pilot": "local:otto"}
    path = f"/o/acme/interventions/{request_id}/claim"
    assert world.session("olga").post(path, headers=headers).status_code == 401
    assert stored(request_id).status == "PENDING"
    assert world.session("otto").post(path, headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/o/globex/", "/o/nowhere/", "/o/globex/interventions/x"])
def test_another_organization_is_not_there(world: World, path: str) -> None:
    answer = world.session("otto").get(path)
    assert answer.status_code == 404
    assert b"Nothing here" in answer.content


def test_no_page_may_be_kept(world: World, ask: Any) -> None:
    request_id = ask().request_id
    for path in ("/o/acme/", f"/o/acme/interventions/{request_id}"):
        answer = world.session("otto").get(path)
        assert answer["Cache-Control"] == "no-store"
        assert "HX-Request" in answer["Vary"]


def test_the_start_leads_to_the_organization_last_used(world: World) -> None:
    Membership.objects.create(organization=world.globex, pilot=world.memberships["otto"].pilot)
    otto = world.session("otto")
    assert otto.get("/")["Location"] == "/o/acme/"
    otto.get("/o/globex/")
    assert otto.get("/")["Location"] == "/o/globex/"
    assert otto.get("/interventions/req-1?tab=mine")["Location"] == "/o/globex/interventions/req-1?tab=mine"
    assert otto.get("/o/acme")["Location"] == "/o/acme/"


def test_whoever_is_in_no_organization_is_told_so(db: None) -> None:
    client = Client()
    client.force_login(Pilot.objects.create_user("local:nina", "x" * 12), "django.contrib.auth.backends.ModelBackend")
    answer = client.get("/")
    assert answer.status_code == 403
    assert b"local:nina" in answer.content


def test_the_switcher_names_only_ones_own_organizations(world: World) -> None:
    Organization.objects.create(slug="third", name="The third")
    Membership.objects.create(organization=world.globex, pilot=world.memberships["otto"].pilot)
    html = page(world.session("otto"))
    assert 'href="/o/globex/"' in html
    assert "The third" not in html
