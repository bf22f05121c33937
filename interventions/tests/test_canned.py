"""Reasons that stand ready: an organization's own, what is wrong with a list, and where they are offered."""

from typing import Any

import pytest

from conftest import World
from interventions import canned
from pilots.actions import change_settings
from pilots.errors import InvalidInput
from pilots.models import AccessEvent

pytestmark = pytest.mark.embedded


def test_everybody_starts_with_some_for_each_verdict() -> None:
    for verdict, reasons in canned.reasons_of({}).items():
        assert 0 < len(canned.read(verdict, "\n".join(reasons))) <= canned.MAX_REASONS


def test_an_organizations_own_count_also_where_there_are_none() -> None:
    own = canned.reasons_of({"canned_reasons": {"approve": ["Fine"], "reject": []}})
    assert own == {"approve": ["Fine"], "reject": []}


@pytest.mark.parametrize("stored", [None, "x", 7, {"approve": "x", "reject": [1, None, {}]}, ["x"]])
def test_whatever_is_stored_the_page_gets_texts(stored: Any) -> None:
    for reasons in canned.reasons_of({"canned_reasons": stored}).values():
        assert all(isinstance(reason, str) for reason in reasons)


def test_lines_are_trimmed_and_said_once() -> None:
    assert canned.read("reject", " No. \r\n\n\tNever\u2028No.\n") == ["No.", "Never"]


def test_what_is_too_much_is_named() -> None:
    with pytest.raises(InvalidInput, match="At most 12") as error:
        canned.read("reject", "\n".join(map(str, range(13))))
    assert list(error.value.errors or {}) == ["reject"]
    with pytest.raises(InvalidInput, match="Reason 2 has 201 characters"):
        canned.read("approve", "fine\n" + "x" * 201)
    assert len(canned.read("approve", "x" * 200)[0]) == 200


def settings(**more: str) -> dict[str, str]:
    return {"name": "Acme", "approve": "Fine.\nGo on <b>", "reject": "Never."} | more


def test_an_admin_sets_them_on_record_and_a_pilot_is_offered_them(world: World, ask: Any) -> None:
    ada, row = world.session("ada"), ask()
    assert ada.post("/o/acme/team/settings", settings()).status_code == 302
    page = ada.get("/o/acme/team/settings").content.decode()
    assert "Fine.\nGo on &lt;b&gt;</textarea>" in page
    (event,) = AccessEvent.across_organizations.filter(type="settings_changed", data__has_key="canned_reasons")
    assert event.data["canned_reasons"]["to"] == {"approve": ["Fine.", "Go on <b>"], "reject": ["Never."]}
    page = world.session("otto").get(f"/o/acme/interventions/{row.request_id}").content.decode()
    assert "Go on &lt;b&gt;</button>" in page
    assert page.count("data-canned") == 3


def test_what_equals_the_first_ones_is_not_stored(world: World) -> None:
    texts = {verdict: "\n".join(reasons) for verdict, reasons in canned.reasons_of({}).items()}
    change_settings(world.acme, {"canned_reasons": {"approve": ["Fine."], "reject": []}})
    assert world.session("ada").post("/o/acme/team/settings", {"name": "Acme"} | texts).status_code == 302
    world.acme.refresh_from_db()
    assert "canned_reasons" not in world.acme.settings


def test_a_list_that_is_too_long_is_shown_again_and_nothing_is_saved(world: World) -> None:
    many = "\n".join(f"Reason {number}" for number in range(13))
    form = settings(name="New name", reject=many, approve="x" * 201)
    answer = world.session("ada").post("/o/acme/team/settings", form)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'id="approve-error"' in page
    assert 'id="reject-error"' in page
    assert "Reason 12</textarea>" in page
    world.acme.refresh_from_db()
    assert (world.acme.name, world.acme.settings) == ("Acme", {})


def test_a_form_without_them_leaves_them_as_they_are(world: World) -> None:
    change_settings(world.acme, {"canned_reasons": {"approve": ["Fine."], "reject": []}})
    world.session("ada").post("/o/acme/team/settings", {"name": "Acme", "approve": ""})
    world.acme.refresh_from_db()
    assert world.acme.settings["canned_reasons"] == {"approve": [], "reject": []}
