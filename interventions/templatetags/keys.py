"""A pilot's own keys on a page: as hints beside what they stand for, and all of them for the page's script."""

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from interventions import keymap
from interventions.templatetags.console import as_line
from pilots.models import Pilot

register = template.Library()


@register.simple_tag(takes_context=True)
def key(context: dict[str, Any], command: str, says: str = "") -> SafeString:
    """The key of a command, and what it does; nothing where this pilot wants none."""
    own = _first(context, command)
    return format_html('<kbd data-key="{}">{}</kbd> {}', command, own, says) if own else SafeString("")


@register.simple_tag(takes_context=True)
def key_words(context: dict[str, Any], command: str) -> str:
    """The same for a title: ` (Alt+L)`."""
    own = _first(context, command)
    return f" ({own})" if own else ""


@register.simple_tag(takes_context=True)
def keymap_json(context: dict[str, Any]) -> str:
    """`[id, group, name, [key, …]]` of each command."""
    known = _of(context)
    return as_line([[name, each.group, each.name, known[name]] for name, each in keymap.COMMANDS.items()])


@register.filter
def command_name(name: str) -> str:
    return keymap.COMMANDS[name].name if name in keymap.COMMANDS else "Single letters"


@register.filter
def usual_key(name: str) -> str:
    """As we meant it, for whoever has chosen another."""
    return keymap.spelled(keymap.COMMANDS[name].key)


def _first(context: dict[str, Any], command: str) -> str:
    return keymap.spelled(next(iter(_of(context)[command]), ""))


def _of(context: dict[str, Any]) -> keymap.Keys:
    """Reckoned once for a page: it has a dozen hints."""
    request = context["request"]
    if not hasattr(request, "keys_of_pilot"):
        pilot = request.user
        request.keys_of_pilot = keymap.of(pilot if isinstance(pilot, Pilot) else Pilot())
    known: keymap.Keys = request.keys_of_pilot
    return known
