"""The pages on which pilots set how the console looks and listens: what is saved, and what is refused where."""

from typing import Any

import pytest

from conftest import World
from pilots.models import Membership, Pilot

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]
DISPLAY = "/o/acme/settings/display"
KEYS = "/o/acme/settings/keys"
PROFILE = "/o/acme/settings"


def stored(name: str = "otto") -> Pilot:
    return Pilot.objects.get(pilot_id=f"local:{name}")


def test_what_is_chosen_is_saved_said_and_shown_before_the_first_paint(world: World) -> None:
    otto = world.session("otto")
    chosen = {"theme": "dark", "density": "compact", "timezone": "Asia/Tokyo"}
    otto.post(KEYS, {"letters": "off"})
    page = otto.post(DISPLAY, chosen, follow=True).content.decode()
    assert "Saved." in page
    assert '<html lang="en" data-theme="dark" data-density="compact" data-letters="off">' in page
    assert stored().preferences == {"theme": "dark", "density": "compact", "letters": False}
    assert stored().timezone == "Asia/Tokyo"
    # A box that is ticked is sent after the hidden field that stands for one that is not.
    otto.post(KEYS, {"letters": ["off", "on"]})
    assert stored().preferences == {"theme": "dark", "density": "compact", "letters": True}
    assert 'data-timezone="Asia/Tokyo"' in otto.get("/o/acme/").content.decode()


def test_the_time_zone_goes_back_to_the_devices(world: World, api) -> None:
    world.session("otto").post(DISPLAY, {"timezone": "UTC"})
    assert stored().timezone == "UTC"
    world.session("otto").post(DISPLAY, {"timezone": ""})
    assert (stored().timezone, api("otto").get("/api/pilots/me").json()["timezone"]) == ("", "UTC")


def test_a_page_nobody_chose_anything_for_says_nothing(world: World) -> None:
    Pilot.objects.filter(pilot_id="local:otto").update(
        preferences={"theme": "<b>", "density": 7, "letters": "x", "y": 1}
    )
    assert '<html lang="en">' in world.session("otto").get("/o/acme/").content.decode()
    Pilot.objects.filter(pilot_id="local:otto").update(preferences=["nonsense"])
    assert '<html lang="en">' in world.session("otto").get("/o/acme/").content.decode()


WRONG = [
    ("theme", "pink"),
    ("theme", ""),
    ("density", "x" * 10_000),
    ("timezone", "Mars/Olympus"),
]
WRONG += [("timezone", "../etc/passwd"), ("timezone", "x" * 10_000), ("timezone", "Factory"), ("theme", "'\"><script>")]


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_a_wrong_value_is_named_at_its_field_and_nothing_is_saved(world: World, field: str, value: str) -> None:
    answer = world.session("otto").post(DISPLAY, {"theme": "light", field: value})
    assert answer.status_code == 422
    assert f'id="{field}-wrong"' in answer.content.decode()
    assert (stored().preferences, stored().timezone) == ({}, "")
    part = world.session("otto").post(DISPLAY, {field: value}, headers={"HX-Request": "true"})
    assert (part.status_code, field in part.content.decode()) == (422, True)
    assert len(part.content) < 500


def test_a_page_saves_one_of_them_and_leaves_the_others(world: World) -> None:
    otto = world.session("otto")
    otto.post(DISPLAY, {"theme": "dark", "timezone": "Asia/Tokyo"})
    assert otto.post(DISPLAY, {"density": "compact"}, headers={"HX-Request": "true"}).status_code == 204
    assert otto.post(DISPLAY, {}).status_code == 302
    assert (stored().preferences, stored().timezone) == ({"theme": "dark", "density": "compact"}, "Asia/Tokyo")


def test_a_pilot_of_two_organizations_has_one_profile(world: World) -> None:
    Membership.objects.create(organization=world.globex, pilot=stored(), role="VIEWER")
    otto = world.session("otto")
    otto.post(DISPLAY, {"theme": "contrast"})
    assert 'data-theme="contrast"' in otto.get("/o/globex/settings/display").content.decode()
    assert otto.get("/o/nowhere/settings/display").status_code == 404


def test_programs_neither_read_nor_write_looks(api: Any) -> None:
    assert "preferences" not in api("otto").get("/api/pilots/me").json()
    assert api("otto").patch("/api/pilots/me", {"preferences": {"theme": "dark"}}).status_code == 400
    assert api("otto").patch("/api/pilots/me", {"timezone": None}).json()["timezone"] == "UTC"


def test_a_key_of_ones_own_is_shown_everywhere_and_the_usual_ones_come_back(world: World) -> None:
    otto = world.session("otto")
    page = otto.post(KEYS, {"key_next_unclaimed": "w", "key_pause": "", "key_palette": "ctrl + e"}, follow=True)
    assert "Saved." in page.content.decode()
    assert stored().preferences == {"keys": {"next_unclaimed": "w", "pause": "", "palette": "Mod+e"}}
    queue = otto.get("/o/acme/").content.decode()
    assert '<kbd data-key="next_unclaimed">w</kbd>' in queue
    assert '<kbd data-key="palette">Ctrl+E</kbd>' in queue
    assert 'title="Pause live updates"' in queue
    assert "&quot;Next unclaimed by urgency&quot;,[&quot;w&quot;]]" in queue
    # The sheet's switch is saved by itself; each device of the pilot, and nobody else's, has the keys.
    otto.post(KEYS, {"letters": "off"}, headers={"HX-Request": "true"})
    assert stored().preferences["keys"]["next_unclaimed"] == "w"
    assert '<kbd data-key="next_unclaimed">n</kbd>' in world.session("olga").get("/o/acme/").content.decode()
    page = otto.get(KEYS).content.decode()
    assert 'id="next_unclaimed-usual">usually n' in page
    otto.post(KEYS, {"reset": "yes", "key_next_unclaimed": "w"})
    assert '<kbd data-key="next_unclaimed">n</kbd>' in otto.get("/o/acme/").content.decode()


@pytest.mark.parametrize(
    ("typed", "field", "said"),
    [
        ({"key_approve": "r"}, "approve", "already stands for “Reject…”"),
        ({"key_approve": "g"}, "approve", "cannot go with g d of “Go to the queue”"),
        ({"key_approve": "Ctrl+T"}, "approve", "the browser&#x27;s"),
        ({"key_approve": "F5"}, "approve", "the browser&#x27;s"),
        ({"key_commit": "q"}, "commit", "no single key decides"),
        ({"key_mute": "<script>\u202e"}, "mute", "Must be one key"),
        ({"key_mute": "x" * 65_536}, "mute", "at most 24 characters"),
        ({"letters": "maybe"}, "letters", "true or false"),
    ],
)
def test_a_key_that_cannot_be_is_named_and_nothing_is_saved(
    world: World, typed: dict[str, str], field: str, said: str
) -> None:
    answer = world.session("otto").post(KEYS, {"key_find": "F2"} | typed)
    page = answer.content.decode()
    assert (answer.status_code, len(page) < 60_000) == (422, True)
    assert f'id="{field}-wrong"' in page
    assert said in page
    assert 'value="F2"' in page
    assert "<script>\u202e" not in page
    assert stored().preferences == {}


def test_two_keys_may_be_exchanged(world: World) -> None:
    world.session("otto").post(KEYS, {"key_approve": "r", "key_reject": "a"})
    assert stored().preferences == {"keys": {"approve": "r", "reject": "a"}}


@pytest.mark.parametrize("keys", [{"approve": "r"}, {"approve": "Ctrl+T"}, {"bomb": "q"}, {"approve": 7}, ["a"], None])
def test_keys_of_another_hand_that_make_no_sense_are_the_usual_ones(world: World, keys: Any) -> None:
    Pilot.objects.filter(pilot_id="local:otto").update(preferences={"keys": keys})
    assert '<kbd data-key="next_unclaimed">n</kbd>' in world.session("otto").get("/o/acme/").content.decode()


def test_a_name_is_shown_wherever_the_pilots_is(world: World, ask: Any) -> None:
    row = ask()
    otto = world.session("otto")
    otto.post(PROFILE, {"name": "  Otto <b>Ω "})
    assert stored().name == "Otto <b>Ω"
    for path in ("", "history", f"interventions/{row.request_id}", "settings"):
        page = otto.get(f"/o/acme/{path}").content.decode()
        assert "Otto &lt;b&gt;Ω" in page, path
        assert "<b>Ω" not in page
    for path in ("team", f"interventions/{row.request_id}", ""):
        assert "Otto &lt;b&gt;Ω" in world.session("ada").get(f"/o/acme/{path}").content.decode(), path


def test_the_profile_says_who_one_is(world: World) -> None:
    Membership.objects.create(organization=world.globex, pilot=stored(), role="VIEWER")
    page = world.session("otto").get(PROFILE).content.decode()
    for said in ("local:otto", "OPERATOR", "Acme", "Globex", "viewer", "local"):
        assert said in page
    assert 'data-field="last_login"' in page


def test_tags_are_ticked_added_and_kept_once(world: World, api: Any) -> None:
    api("otto").patch("/api/pilots/me", {"expertise_tags": ["a, b", " x", "fraud", "fraud"]})
    assert stored().expertise_tags == ["a, b", " x", "fraud"]
    otto = world.session("otto")
    assert 'value="a, b"' in otto.get(PROFILE).content.decode()
    otto.post(PROFILE, {"tag": ["a, b", " x"], "tags_added": "refunds ,, Refunds,fraud, refunds,"})
    assert stored().expertise_tags == ["a, b", " x", "refunds", "Refunds", "fraud"]
    assert api("otto").get("/api/pilots/me").json()["expertise_tags"] == stored().expertise_tags
    otto.post(PROFILE, {"name": "Otto"})
    assert len(stored().expertise_tags) == 5
    otto.post(PROFILE, {"tags_added": ""})
    assert stored().expertise_tags == []


@pytest.mark.parametrize(
    ("typed", "field", "said"),
    [
        ({"name": " "}, "name", "more than white space"),
        ({"name": "x" * 256}, "name", "at most 255 characters"),
        ({"tags_added": "y" * 51}, "expertise_tags", "at most 50 characters"),
        ({"tags_added": "<script>" * 8192}, "expertise_tags", "at most 50 characters"),
        ({"tags_added": ",".join(map(str, range(51)))}, "expertise_tags", "at most 50 entries"),
    ],
)
def test_a_wrong_profile_is_said_at_its_field_and_nothing_is_saved(
    world: World, typed: dict[str, str], field: str, said: str
) -> None:
    answer = world.session("otto").post(PROFILE, {"tag": ["kept"]} | typed)
    page = answer.content.decode()
    assert (answer.status_code, len(page) < 60_000) == (422, True)
    assert f'id="{field}-wrong"' in page
    assert said in page
    assert "<script><script>" not in page
    assert 'name="tag" value="kept" checked' in " ".join(page.split())
    assert (stored().name, stored().expertise_tags) == ("Otto", [])
