"""The pilot's own keys: which stands for which command, and whether single letters are commands at all."""

from itertools import groupby
from typing import Any

from django.http import QueryDict

from interventions import keymap
from interventions.views.own_form import Form, own_page, switch
from pilots import preferences
from pilots.caller import Caller
from pilots.models import Pilot

_PREFIX = "key_"


def _read(posted: QueryDict, pilot: Pilot) -> dict[str, Any]:
    """Only what was sent: the sheet of keys sends its switch alone."""
    wanted: dict[str, Any] = {}
    if "letters" in posted:
        wanted["letters"] = switch(posted, "letters")
    if "reset" in posted:
        wanted["keys"] = {}
    elif any(name.startswith(_PREFIX) for name in posted):
        wanted["keys"] = keymap.chosen(_values(pilot) | _sent(posted))
    return {"preferences": wanted} if wanted else {}


def _sent(posted: QueryDict) -> dict[str, str]:
    return {name: str(posted[_PREFIX + name]) for name in keymap.COMMANDS if _PREFIX + name in posted}


def _values(pilot: Pilot) -> dict[str, str]:
    """The key of each command as it stands in its field: '' where it has none."""
    known = keymap.of(pilot)
    return {
        name: keymap.spelled(next((key for key in known[name] if key not in command.besides), ""))
        for name, command in keymap.COMMANDS.items()
    }


def _shows(pilot: Pilot, _caller: Caller) -> dict[str, Any]:
    return {
        "letters": preferences.of(pilot).get("letters", True),
        "groups": [(group, list(them)) for group, them in groupby(keymap.COMMANDS.values(), lambda each: each.group)],
        "values": _values(pilot),
        "max_length": keymap.MAX_LENGTH,
    }


def _typed(posted: QueryDict) -> dict[str, Any]:
    return {"values": {name: text[: keymap.MAX_LENGTH * 2] for name, text in _sent(posted).items()}}


def _field(name: str) -> str:
    """`approve` of preferences.keys.approve."""
    return name.removeprefix("preferences.").removeprefix("keys.")


keys = own_page(Form("settings_keys", _read, _shows, _typed, _field))
