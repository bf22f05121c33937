"""The queue as its address narrows it: what is shown, what is counted, what comes before and after."""

import re
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from conftest import World
from interventions import actions
from interventions.facets import Facets
from interventions.lanes import LANE_PAGE
from interventions.models import Intervention
from pilots.models import Pilot

pytestmark = pytest.mark.embedded


def titles(client: Client, query: str = "") -> list[str]:
    html = client.get(f"/o/acme/?{query}").content.decode()
    return re.findall(r"</span> (.+?)</a>", html)


@pytest.fixture
def some(world: World, ask: Any) -> None:
    ask(title="Pay Leeds", priority="high", tags=["finance", "eu"], intervention_type="resume", uow_id="inv-1")
    ask(title="Pay Cork", priority="normal", tags=["finance"], uow_id="inv-2", description="The one with the dog")
    ask(title="Waive it", priority="normal", intervention_type="waive_violation", uow_id="gdpr-7")
    held = ask(title="Held", priority="low", tags=["Finance"])
    actions.claim(world.pilot("olga"), held.request_id)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["Pay Leeds", "Pay Cork", "Waive it", "Held"]),
        ("priority=normal", ["Pay Cork", "Waive it"]),
        ("type=resume", ["Pay Leeds"]),
        ("tag=finance", ["Pay Leeds", "Pay Cork"]),
        ("role=ADMIN", ["Waive it"]),
        ("assignee=local:olga", ["Held"]),
        ("tab=unclaimed&tag=finance&priority=high", ["Pay Leeds"]),
        ("q=pay", ["Pay Leeds", "Pay Cork"]),
        ("q=cork+pay", ["Pay Cork"]),
        ("q=DOG", ["Pay Cork"]),
        ("q=gdpr", ["Waive it"]),
        ("q=nothing-of-the-kind", []),
        ("q=100%25", []),
    ],
)
def test_the_address_narrows_the_list(world: World, some: None, query: str, expected: list[str]) -> None:
    assert titles(world.session("otto"), query) == expected


def test_my_expertise_is_each_pilots_own(world: World, some: None) -> None:
    otto = world.session("otto")
    assert 'name="expertise"' not in otto.get("/o/acme/").content.decode()
    assert "Choose tags" in otto.get("/o/acme/?expertise=mine").content.decode()
    Pilot.objects.filter(pilot_id="local:otto").update(expertise_tags=["eu", "Finance", "%", "'"])
    assert titles(otto, "expertise=mine") == ["Pay Leeds", "Held"]
    assert titles(otto, "expertise=mine&priority=low") == ["Held"]
    assert titles(otto, "expertise=yours") == ["Pay Leeds", "Pay Cork", "Waive it", "Held"]
    assert otto.get("/o/acme/unclaimed?expertise=mine&priority=low")["Location"].endswith(
        "?priority=low&expertise=mine"
    )
    assert 'data-expertise="[&quot;eu&quot;,&quot;Finance&quot;,&quot;%&quot;,&quot;&#x27;&quot;]"' in (
        otto.get("/o/acme/").content.decode()
    )
    for nonsense in ({"eu": 1}, "eu", [None, 7, ["eu"]], None):
        if nonsense is not None:
            Pilot.objects.filter(pilot_id="local:otto").update(expertise_tags=nonsense)
        assert titles(otto, "expertise=mine") == []


def test_what_no_browser_sends_is_refused(world: World) -> None:
    assert world.session("otto").get("/o/acme/?q=%00").status_code == 400


@pytest.mark.parametrize("query", ["type=bomb", "priority=CRITICAL", "role=VIEWER", "q=+++", "tag=" + "x" * 300])
def test_what_cannot_be_meant_narrows_nothing(world: World, some: None, query: str) -> None:
    assert len(titles(world.session("otto"), query)) == 4


def test_the_page_says_what_it_is_narrowed_to_and_offers_the_way_back(world: World, some: None) -> None:
    html = world.session("otto").get("/o/acme/?tab=mine&tag=gone&assignee=local:who&q=a%22b").content.decode()
    assert '<option value="gone" selected>' in html
    assert re.search(r'<option value="local:who"\s+selected>', html)
    assert 'value="a&quot;b"' in html
    assert re.search(r'class="clear"\s+href="/o/acme/\?tab=mine"', html)
    assert 'href="/o/acme/?tab=unclaimed&amp;tag=gone&amp;assignee=local%3Awho&amp;q=a%22b"' in html
    assert "Nothing fits" in html


def test_a_long_narrowed_lane_is_counted_and_goes_on(world: World, ask: Any) -> None:
    for number in range(LANE_PAGE + 3):
        ask(title=f"N{number:03}", tags=["x"])
        ask(title="Other")
    otto = world.session("otto")
    html = otto.get("/o/acme/?tag=x").content.decode()
    assert f'data-count="{LANE_PAGE + 3}"' in html
    more = html.split('href="/o/acme/?tag=x&amp;lane=normal&amp;after=')[1].split('"')[0]
    rest = otto.get(f"/o/acme/?tag=x&lane=normal&after={more}", headers={"HX-Request": "true"}).content.decode()
    assert re.findall(r"</span> (.+?)</a>", rest) == [f"N{n:03}" for n in range(LANE_PAGE, LANE_PAGE + 3)]


def test_another_organizations_requests_are_never_among_them(world: World, some: None) -> None:
    assert titles(world.session("gina")) == []
    html = world.session("gina").get("/o/globex/?q=pay").content.decode()
    assert "Pay" not in html
    assert "finance" not in html


def test_next_unclaimed_is_the_most_urgent_that_one_may_decide(world: World, some: None) -> None:
    otto, ada = world.session("otto"), world.session("ada")
    first = Intervention.across_organizations.get(title="Pay Leeds").request_id
    second = Intervention.across_organizations.get(title="Pay Cork").request_id
    waive = Intervention.across_organizations.get(title="Waive it").request_id
    assert otto.get("/o/acme/unclaimed")["Location"] == f"/o/acme/interventions/{first}"
    assert otto.get(f"/o/acme/unclaimed?besides={first}")["Location"] == f"/o/acme/interventions/{second}"
    assert otto.get("/o/acme/unclaimed?role=ADMIN")["Location"] == "/o/acme/?role=ADMIN"
    told = otto.get("/o/acme/unclaimed", headers={"HX-Request": "true"})
    assert (told.status_code, told["Location"]) == (204, f"/o/acme/interventions/{first}")
    assert ada.get("/o/acme/unclaimed?role=ADMIN")["Location"] == f"/o/acme/interventions/{waive}?role=ADMIN"


def test_a_request_knows_its_neighbours_in_the_list_it_was_opened_from(world: World, some: None) -> None:
    cork = Intervention.across_organizations.get(title="Pay Cork").request_id
    leeds = Intervention.across_organizations.get(title="Pay Leeds").request_id
    waive = Intervention.across_organizations.get(title="Waive it").request_id
    html = world.session("otto").get(f"/o/acme/interventions/{cork}").content.decode()
    assert re.search(rf'rel="prev"\s+href="/o/acme/interventions/{leeds}"', html)
    assert re.search(rf'rel="next"\s+href="/o/acme/interventions/{waive}"', html)
    html = world.session("otto").get(f"/o/acme/interventions/{cork}?tag=finance").content.decode()
    assert f'href="/o/acme/interventions/{leeds}?tag=finance"' in html
    assert 'rel="next"' not in html
    assert re.search(r'class="back"\s+href="/o/acme/\?tag=finance"', html)


@given(st.dictionaries(st.sampled_from(list(Facets.__slots__)), st.text(max_size=300)))
def test_an_address_read_and_written_again_is_the_same(query: dict[str, str]) -> None:
    facets = Facets.read(query)
    assert Facets.read(QueryDict(facets.query()).dict()) == facets
