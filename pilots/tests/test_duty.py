"""When a pilot is on duty, what may ring, and what the page of duty takes."""

from datetime import UTC, datetime
from typing import Any

import pytest

from conftest import World
from pilots import duty
from pilots.memberships import count_on_duty
from pilots.models import Pilot

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]
DUTY = "/o/acme/settings/duty"
HOURS = {"mon": ["09:00", "17:00"], "fri": ["22:00", "06:00"], "sun": ["20:00", "00:00"]}


def at(text: str) -> datetime:
    """2026-11-30 was a Monday."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def pilot(**fields: Any) -> Pilot:
    return Pilot(pilot_id="local:x", **fields)


@pytest.mark.parametrize(
    ("moment", "state"),
    [
        ("2026-11-30T08:59", "outside"),
        ("2026-11-30T09:00", "on"),
        ("2026-11-30T16:59", "on"),
        ("2026-11-30T17:00", "outside"),
        ("2026-12-01T12:00", "outside"),
        ("2026-12-04T05:00", "outside"),
        ("2026-12-04T23:00", "on"),
        ("2026-12-05T05:59", "on"),
        ("2026-12-05T06:00", "outside"),
        ("2026-12-06T23:59", "on"),
        ("2026-12-07T00:00", "outside"),
    ],
)
def test_working_hours_also_over_midnight(moment: str, state: str) -> None:
    assert duty.state(pilot(working_hours=HOURS), at(moment)) == state


def test_hours_are_those_of_the_pilots_zone_and_the_switch_stands_above_them() -> None:
    tokyo = pilot(working_hours={"mon": ["09:00", "17:00"]}, timezone="Asia/Tokyo")
    assert duty.state(tokyo, at("2026-11-30T01:00")) == "on"
    assert duty.state(tokyo, at("2026-11-30T10:00")) == "outside"
    assert duty.state(pilot(on_duty=False), at("2026-11-30T01:00")) == "off"


@pytest.mark.parametrize("nonsense", [[], None, {"mon": "9 to 5"}, {"mon": ["x", 1]}, {"day": ["09:00", "10:00"]}, 7])
def test_hours_of_another_hand_that_make_no_sense_are_none(nonsense: Any) -> None:
    assert duty.state(pilot(working_hours=nonsense), at("2026-11-30T01:00")) == "on"
    odd = pilot(notifications={"quiet_hours": nonsense})
    assert duty.rings(odd, at("2026-11-30T01:00")) == "all"
    assert duty.rings(pilot(notifications=nonsense), at("2026-11-30T01:00")) == "all"


@pytest.mark.parametrize(
    ("moment", "critical_rings", "rings"),
    [
        ("2026-11-30T21:59", True, "all"),
        ("2026-11-30T22:00", True, "critical"),
        ("2026-11-30T22:00", False, "none"),
        ("2026-12-01T06:59", True, "critical"),
        ("2026-12-01T07:00", True, "all"),
    ],
)
def test_quiet_hours(moment: str, critical_rings: bool, rings: str) -> None:
    quiet = {"quiet_hours": {"from": "22:00", "to": "07:00", "critical_rings": critical_rings}}
    assert duty.rings(pilot(notifications=quiet), at(moment)) == rings
    assert duty.rings(pilot(notifications=quiet, on_duty=False), at(moment)) == "none"


def test_quiet_hours_go_by_the_device_until_a_zone_is_chosen() -> None:
    quiet = {"quiet_hours": {"from": "22:00", "to": "07:00"}}
    night_in_tokyo = at("2026-11-30T14:00")
    assert duty.rings(pilot(notifications=quiet), night_in_tokyo, "Asia/Tokyo") == "none"
    assert duty.rings(pilot(notifications=quiet), night_in_tokyo, "../../etc/passwd") == "all"
    assert duty.rings(pilot(notifications=quiet, timezone="Europe/Paris"), night_in_tokyo, "Asia/Tokyo") == "all"


def test_who_is_off_duty_or_outside_their_hours_is_not_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pilots.database.now", lambda: at("2026-12-01T12:00"))
    assert count_on_duty(world.acme.pk) == 3
    world.session("otto").post(DUTY, {"on_duty": "off"})
    assert count_on_duty(world.acme.pk) == 2
    world.session("olga").post(DUTY, {"mon_from": "09:00", "mon_to": "17:00"})
    assert count_on_duty(world.acme.pk) == 1
    page = world.session("ada").get("/o/acme/team").content.decode()
    assert [page.count(f'">{text}</span>') for text in ("off duty", "outside working hours")] == [1, 1]
    assert world.session("otto").get("/o/acme/settings/ringing").content == b"none"
    assert world.session("ada").get("/o/acme/settings/ringing?zone=Nowhere").content == b"all"


def test_what_is_set_is_saved_and_what_is_not_sent_stays(world: World) -> None:
    Pilot.objects.filter(pilot_id="local:otto").update(notifications={"email": True})
    otto = world.session("otto")
    typed = {"mon_from": "09:00", "mon_to": "17:00", "quiet_from": "22:00", "quiet_to": "07:00"}
    page = otto.post(DUTY, typed | {"quiet_critical": ["off", "on"]}, follow=True).content.decode()
    assert "Saved." in page
    assert 'value="22:00"' in page
    assert otto.post(DUTY, {"on_duty": "off"}, headers={"HX-Request": "true"}).status_code == 204
    row = Pilot.objects.get(pilot_id="local:otto")
    assert (row.on_duty, row.working_hours) == (False, {"mon": ["09:00", "17:00"]})
    quiet = {"from": "22:00", "to": "07:00", "critical_rings": True}
    assert row.notifications == {"email": True, "quiet_hours": quiet}
    otto.post(DUTY, {"mon_from": "", "quiet_from": ""})
    row.refresh_from_db()
    assert (row.working_hours, row.notifications) == ({}, {"email": True, "quiet_hours": None})


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"mon_from": "09:00"}, "mon"),
        ({"mon_from": "9", "mon_to": "17:00"}, "mon"),
        ({"tue_from": "09:00", "tue_to": "24:00"}, "tue"),
        ({"sun_from": "09:00", "sun_to": "09:00"}, "sun"),
        ({"fri_from": "x" * 10_000, "fri_to": "<script>"}, "fri"),
        ({"quiet_from": "22:00"}, "quiet-to"),
        ({"quiet_from": "22:00", "quiet_to": "22:00"}, "quiet-to"),
        ({"quiet_from": "2200", "quiet_to": "07:00"}, "quiet-from"),
        ({"quiet_from": "22:00", "quiet_to": "07:00", "quiet_critical": "maybe"}, "quiet-critical"),
        ({"on_duty": "perhaps"}, "on-duty"),
    ],
)
def test_a_wrong_time_is_named_at_its_field_and_nothing_is_saved(
    world: World, typed: dict[str, str], field: str
) -> None:
    otto = world.session("otto")
    before = Pilot.objects.filter(pilot_id="local:otto").values().get()
    answer = otto.post(DUTY, typed)
    assert (answer.status_code, f'id="{field}-wrong"' in answer.content.decode()) == (422, True)
    assert Pilot.objects.filter(pilot_id="local:otto").values().get() == before


@pytest.mark.parametrize(
    "changes",
    [
        {"working_hours": {"mon": ["09:00", "09:00"]}},
        {"working_hours": {"mon": ["09:00"]}},
        {"working_hours": {"someday": ["09:00", "10:00"]}},
        {"notifications": {"quiet_hours": {"from": "22:00"}}},
        {"notifications": {"quiet_hours": {"from": "22:00", "to": "22:00"}}},
        {"notifications": {"quiet_hours": "always"}},
        {"notifications": {"note": "x" * 9000}},
        {"quiet_hours": {"from": "22:00", "to": "07:00"}},
    ],
)
def test_the_api_checks_the_same(api: Any, changes: dict[str, Any]) -> None:
    assert api("otto").patch("/api/pilots/me", changes).status_code == 400
