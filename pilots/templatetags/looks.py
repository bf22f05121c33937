"""What pages show of a pilot's own settings: looks, before anything is painted, and whether they are on duty."""

from typing import Any

from django import template
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from pilots import database, duty, preferences
from pilots.models import Pilot

register = template.Library()
_LOOKS = ("theme", "density", "letters")


@register.simple_tag(takes_context=True)
def looks(context: dict[str, Any]) -> SafeString:
    """Nothing of nobody, and nothing that is not chosen: then it is as this device remembers."""
    pilot = getattr(context.get("request"), "user", None)
    if not isinstance(pilot, Pilot):
        return SafeString("")
    known = preferences.of(pilot)
    chosen = {name: known[name] for name in _LOOKS if name in known}
    if "letters" in chosen:
        chosen["letters"] = "on" if chosen["letters"] else "off"
    return format_html_join("", ' data-{}="{}"', chosen.items())


@register.filter
def duty_state(pilot: Any) -> str:
    """`on`, `off` or `outside` (of working hours)."""
    return duty.state(pilot, database.now()) if isinstance(pilot, Pilot) else ""


@register.filter
def entry(mapping: dict[str, Any], key: str) -> Any:
    """What a template knows the name of only once it runs."""
    return mapping.get(key, "")
