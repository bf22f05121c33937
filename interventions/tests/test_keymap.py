"""Which key may stand for what: as it is typed, as it is stored, and what two commands may not share."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interventions import keymap
from pilots.errors import InvalidInput
from pilots.models import Pilot

SCRIPT = Path(__file__).parents[2] / "static" / "js" / "keys" / "commands.js"


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("w", "w"),
        ("W", "W"),
        ("Shift+w", "W"),
        (" é ", "é"),
        ("+", "+"),
        ("q z", "q z"),
        ("q then z", "q z"),
        ("Ctrl+E", "Mod+e"),
        ("cmd+e", "Mod+e"),
        ("⌘ + e", "Mod+e"),
        ("Option+Q", "Alt+q"),
        ("f2", "F2"),
        ("Shift + F2", "Shift+F2"),
        ("right", "ArrowRight"),
        ("", ""),
    ],
)
def test_a_key_is_read_as_people_write_it(typed: str, stored: str) -> None:
    assert keymap.chosen({"mute": typed}) == {"mute": stored}


NO_KEYS = ["ab", "q z x", "Hyper+q", "Ctrl+Alt+q", "Shift+.", "\u202e", "a\u0301", "Ctrl+", "é é é", "\x00", "qq z"]
OF_THE_BROWSER = ["Ctrl+T", "Ctrl+W", "Cmd+Q", "Ctrl+1", "Alt+D", "Alt+Left", "F5", "F11", "Tab", "Space", "Shift+Tab"]


@pytest.mark.parametrize("typed", [*NO_KEYS, *OF_THE_BROWSER])
def test_what_is_no_key_or_the_browsers_is_refused(typed: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        keymap.chosen({"mute": typed, "find": "F2"})
    assert list(refused.value.errors or {}) == ["preferences.keys.mute"]


@pytest.mark.parametrize("typed", [{"next": "ArrowUp"}, {"mute": "g"}, {"mute": "j q"}, {"mute": "q", "find": "q"}])
def test_no_key_stands_for_two(typed: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        keymap.chosen(typed)


def test_as_we_mean_them_no_two_clash_and_each_is_read_back() -> None:
    usual = {name: keymap.spelled(command.key) for name, command in keymap.COMMANDS.items()}
    assert keymap.chosen(usual) == {}
    assert keymap.of(Pilot()) == keymap._resolve({})


@given(st.text(max_size=keymap.MAX_LENGTH))
def test_whatever_is_taken_is_spelled_so_that_it_is_taken_again(typed: str) -> None:
    try:
        own = keymap.chosen({"mute": typed})
    except InvalidInput:
        return
    pilot = Pilot(preferences={"keys": own})
    assert keymap.of(pilot)["mute"] == tuple(filter(None, [own.get("mute", "m")]))
    assert keymap.chosen({"mute": keymap.spelled(own.get("mute", "m"))}) == own


def test_each_command_does_something() -> None:
    does = SCRIPT.read_text().partition("const does = {")[2].partition("\n};")[0]
    assert set(re.findall(r"^  (\w+): \{", does, re.MULTILINE)) == set(keymap.COMMANDS)
