"""Which key stands for which command: as we meant it, and as a pilot has chosen.

A key is written as the page's script names it: `a`, `?`, `A` (with Shift), `g d` (one after the other), `Enter`,
`Shift+Enter`, `Alt+l`, and `Mod+k` for Ctrl, or ⌘ on a Mac.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Any, Final

from pilots import preferences
from pilots.errors import InvalidInput
from pilots.models import Pilot

MAX_LENGTH = 24


@dataclass(frozen=True, slots=True)
class Command:
    """What can be done by a key. `besides` always work; the pilot's own takes the place of `key` only."""

    id: str
    group: str
    name: str
    key: str
    besides: tuple[str, ...] = ()


# What each does is said in static/js/keys/commands.js, under the same ids.
COMMANDS: Final[dict[str, Command]] = {
    command.id: command
    for command in (
        Command("sheet", "Anywhere", "Show the keys", "?"),
        Command("palette", "Anywhere", "Find a command", "Mod+k"),
        Command("search", "Anywhere", "Search requests", "/"),
        Command("go_queue", "Anywhere", "Go to the queue", "g d"),
        Command("go_history", "Anywhere", "Go to the history", "g h"),
        Command("go_team", "Anywhere", "Go to the team", "g t"),
        Command("go_settings", "Anywhere", "Go to settings", "g s"),
        Command("pause", "Anywhere", "Pause live updates, or go on", "Alt+l"),
        Command("mute", "Anywhere", "Mute alerts for 15 minutes", "m"),
        Command("back", "Anywhere", "Back, or put away", "Escape"),
        Command("next", "Queue", "Next in the list", "j", ("ArrowDown",)),
        Command("previous", "Queue", "Previous in the list", "k", ("ArrowUp",)),
        Command("open", "Queue", "Open beside the list", "Enter"),
        Command("open_page", "Queue", "Open as a page", "Shift+Enter"),
        Command("select", "Queue", "Select", "x"),
        Command("next_unclaimed", "Queue", "Next unclaimed by urgency", "n"),
        Command("show_new", "Queue", "Show what is new", "."),
        Command("priority", "Queue", "Narrow to a priority", "p"),
        Command("approve", "Request", "Approve…", "a"),
        Command("reject", "Request", "Reject…", "r"),
        Command("commit", "Request", "Commit the decision", "Mod+Enter"),
        Command("claim", "Request", "Claim or release", "c"),
        Command("next_request", "Request", "Next request", "]"),
        Command("previous_request", "Request", "Previous request", "["),
        Command("find", "Request", "Find in the context", "f"),
        Command("copy_link", "Request", "Copy the link", "y"),
        Command("up", "Request", "Back to the list", "u"),
    )
}

_MODIFIERS = {"ctrl": "Mod", "control": "Mod", "cmd": "Mod", "command": "Mod", "meta": "Mod", "mod": "Mod", "⌘": "Mod"}
_MODIFIERS |= {"alt": "Alt", "option": "Alt", "⌥": "Alt", "shift": "Shift", "⇧": "Shift"}
_NAMED = {"enter": "Enter", "return": "Enter", "↵": "Enter", "esc": "Escape", "escape": "Escape"}
_NAMED |= {
    f"{prefix}{way}": f"Arrow{way.capitalize()}" for way in ("up", "down", "left", "right") for prefix in ("", "arrow")
}
_NAMED |= {"↑": "ArrowUp", "↓": "ArrowDown", "←": "ArrowLeft", "→": "ArrowRight"}
_NAMED |= {f"f{number}": f"F{number}" for number in (2, 4, 8, 9)}
# What no browser on any system keeps for itself, or takes more amiss than we gain.
_WITH: Final[dict[str, set[str]]] = {
    "Mod": {*"beikm.;/'\\", "Enter"},
    "Alt": set("acgijklmnopqruwxyz"),
    "Shift": {"Enter", "F2", "F4", "F8", "F9"},
}
_FUNCTION = re.compile(r"f\d\d?")
_LEFT_ALONE = {"tab", "space", "backspace", "delete", "insert", "home", "end", "pageup", "pagedown"}
_COMBINED = re.compile(r"((?:[^+\s]+\s*\+\s*)*)(\S+)")
_NO_KEY = "must be one key, as a or Ctrl+K, or two one after the other, as g d"
_OF_THE_BROWSER = "must be another key: this one is the browser's, or not on every keyboard"
_WORDS = {"Mod": "Ctrl", "Escape": "Esc", "ArrowUp": "Up", "ArrowDown": "Down"}
_WORDS |= {"ArrowLeft": "Left", "ArrowRight": "Right"}

type Keys = dict[str, tuple[str, ...]]


def of(pilot: Pilot) -> Keys:
    """The keys of each command for this pilot, their own first. What makes no sense counts as not chosen."""
    chosen = preferences.of(pilot).get("keys", {})
    try:
        return _resolve({name: key for name, key in chosen.items() if name in COMMANDS and _is_read_back(key)})
    except InvalidInput:
        return _resolve({})


def chosen(typed: dict[str, str]) -> dict[str, str]:
    """What is to be stored of what somebody typed, by command: those that are not as we meant them, '' for none.

    Raises InvalidInput naming each command whose key cannot be, or is another's.
    """
    read: dict[str, str] = {}
    errors: dict[str, list[str]] = {}
    for name, text in typed.items():
        try:
            read[name] = _read(text)
        except ValueError as error:
            errors[_field(name)] = [str(error)]
    if errors:
        raise InvalidInput("Some keys cannot be used.", errors=errors)
    own = {name: key for name, key in read.items() if key != COMMANDS[name].key}
    _resolve(own)
    return own


def spelled(key: str) -> str:
    """As a person writes it, and `chosen` reads it: `Ctrl+K`, `Shift+A`, `g d`."""
    if " " in key:
        return key
    if key.isalpha() and key.lower() != key == key.upper():
        return f"Shift+{key}"
    *modifiers, last = _parts(key)
    return "+".join(
        _WORDS.get(part, part) for part in (*modifiers, last.upper() if modifiers and len(last) == 1 else last)
    )


def _resolve(own: dict[str, str]) -> Keys:
    keys = {name: _keys_of(command, own.get(name, command.key)) for name, command in COMMANDS.items()}
    errors: dict[str, list[str]] = {}
    for name in own:
        problem = _clash(name, keys) or _rule_broken(name, own[name])
        if problem:
            errors[_field(name)] = [problem]
    if errors:
        raise InvalidInput("Some keys stand for two commands.", errors=errors)
    return keys


def _keys_of(command: Command, key: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for each in (key, *command.besides) if each))


def _clash(name: str, keys: Keys) -> str:
    for other, theirs in keys.items():
        if other == name:
            continue
        for mine in keys[name]:
            for key in theirs:
                if mine == key:
                    return f"{spelled(mine)} already stands for “{COMMANDS[other].name}”"
                if key.startswith(f"{mine} ") or mine.startswith(f"{key} "):
                    return f"{spelled(mine)} cannot go with {spelled(key)} of “{COMMANDS[other].name}”"
    return ""


def _rule_broken(name: str, key: str) -> str:
    if name == "commit" and key and not key.startswith(("Mod+", "Alt+")):
        return "needs Ctrl or Alt: no single key decides"
    return ""


def _field(name: str) -> str:
    return f"preferences.keys.{name}"


def _is_read_back(key: Any) -> bool:
    try:
        return isinstance(key, str) and _read(spelled(key) if key else "") == key
    except ValueError:
        return False


def _read(text: str) -> str:
    """Raises ValueError, with what would be right, for what is no key or is the browser's."""
    text = text.strip()
    if not text:
        return ""
    if len(text) > MAX_LENGTH:
        raise ValueError(f"must have at most {MAX_LENGTH} characters, not {len(text):,}")
    steps = text.replace(" then ", " ").split()
    if len(steps) == 2 and all(map(_is_sign, steps)):
        return " ".join(steps)
    found = _COMBINED.fullmatch(text)
    if found is None:
        raise ValueError(_NO_KEY)
    modifiers = [part.strip().lower() for part in found[1].split("+") if part.strip()]
    return _combined(sorted({_MODIFIERS.get(each, "?") for each in modifiers}), found[2])


def _combined(modifiers: list[str], last: str) -> str:
    named = _NAMED.get(last.lower())
    if last.lower() in _LEFT_ALONE or (_FUNCTION.fullmatch(last.lower()) and not named):
        raise ValueError(_OF_THE_BROWSER)
    if "?" in modifiers or not (named or _is_sign(last)):
        raise ValueError(_NO_KEY)
    key = named or (last.lower() if {"Mod", "Alt"} & set(modifiers) else last)
    if not modifiers:
        return key
    if modifiers == ["Shift"] and last.isalpha() and _is_sign(last.upper()):
        return last.upper()
    if key not in _WITH.get("+".join(modifiers), set()):
        raise ValueError(_OF_THE_BROWSER)
    return f"{modifiers[0]}+{key}"


def _is_sign(text: str) -> bool:
    """One character that a key makes."""
    return len(text) == 1 and text.isprintable() and not text.isspace() and unicodedata.category(text)[0] != "M"


def _parts(key: str) -> list[str]:
    return re.split(r"\+(?=.)", key)
