"""The report on all organizations: the same figures in the API and in the back office, for superusers alone."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from conftest import PASSWORD, World, stored
from interventions import actions
from interventions.insight.report import report
from interventions.models import Intervention
from pilots import api_keys
from pilots.models import Pilot

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]


@pytest.fixture
def busy(world: World, ask: Any) -> None:
    for request_id in ("open", "old", "approved", "late"):
        ask(request_id=request_id)
    actions.approve(world.pilot("otto"), "approved", reason="fine")
    moment = timezone.now()
    rows = Intervention.across_organizations
    rows.filter(request_id="old").update(created_at=moment - timedelta(hours=5))
    rows.filter(request_id="late").update(created_at=moment - timedelta(hours=9), expires_at=moment)
    ask(key="globex-agent", request_id="theirs")
    api_keys.revoke(world.keys["reader"][0])


@pytest.fixture
def root(world: World) -> Client:
    return signed_in(Pilot.objects.create_superuser("local:root", PASSWORD))


def signed_in(pilot: Pilot) -> Client:
    client = Client()
    client.force_login(pilot, "django.contrib.auth.backends.ModelBackend")
    return client


def test_each_organization_is_a_line_of_figures(world: World, busy: None) -> None:
    acme, globex = report().lines
    assert (acme.members, acme.keys, globex.members, globex.keys) == (4, 1, 1, 1)
    assert (acme.total, acme.pending, globex.total, globex.pending) == (4, 2, 1, 1)
    assert acme.oldest_pending == stored("old").created_at
    assert acme.last_activity == stored("approved").action_timestamp


def test_an_organization_without_anything_has_a_line_too(world: World) -> None:
    line = report().lines[0]
    assert (line.total, line.pending, line.oldest_pending, line.last_activity) == (0, 0, None, None)


def test_both_doors_show_the_same(world: World, busy: None, root: Client) -> None:
    body = root.get("/api/organizations/report").json()
    assert [row["organization"] for row in body["organizations"]] == ["acme", "globex"]
    assert (
        body["organizations"][0] | {"pending_interventions": 2, "pilots": 4, "api_keys": 1} == body["organizations"][0]
    )
    assert body["totals"]["total_interventions"] == 5
    page = root.get("/admin/report/").content.decode().partition("module report")[2]
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr.*?</tr>", page, re.DOTALL)]
    rows = [cells for cells in rows if cells]
    assert rows[0][:7] == ["4", "2", "0", "1", "0", "0", "0"]
    assert rows[0][7:10] == ["5\xa0hours", "4", "1"]
    assert rows[2][:2] == ["5", "3"]


def test_more_organizations_cost_no_more_queries(world: World, busy: None, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(12):
        report()


def test_the_front_page_of_the_back_office_leads_there(root: Client) -> None:
    assert b'href="/admin/report/"' in root.get("/admin/").content
    page = root.get("/admin/report/")
    assert page.status_code == 200
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert not re.search(r"<[^>]+\s(?:on\w+|style)=|<style", page.content.decode())


def test_to_be_let_into_the_back_office_is_not_enough(world: World) -> None:
    ada = world.memberships["ada"].pilot
    ada.is_staff = True
    ada.save()
    assert signed_in(ada).get("/admin/report/").status_code == 403
    index = signed_in(ada).get("/admin/")
    assert index.status_code == 200
    assert b"/admin/report/" not in index.content


@pytest.mark.parametrize("name", ["ada", "otto", "vera", "gina"])
def test_nobody_else_gets_a_figure(world: World, busy: None, name: str) -> None:
    assert world.session(name).get("/admin/report/").status_code in (302, 403)
    assert world.session(name).get("/api/organizations/report").status_code == 403
    assert Client().get("/admin/report/").status_code == 302


def test_it_is_only_looked_at(root: Client) -> None:
    assert root.post("/admin/report/").status_code == 405
