"""How facts read on a page: times, names, and the hostile text of agents made harmless."""

import json
import re
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django import template
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

from interventions import policy, spelling
from interventions.answers import answer_needed
from interventions.facets import Facets
from interventions.history_filters import HistoryFilters
from interventions.lifecycle import Status, reason_needed
from pilots import policy as people
from pilots.caller import Caller

register = template.Library()

_ACRONYM = 2


@register.filter
def visible(text: object) -> SafeString:
    """Escaped text in which every character that could hide or reorder others shows as its code point."""
    marked = spelling.INVISIBLE.sub(_shown, str(conditional_escape(str(text))))
    return mark_safe(marked)  # noqa: S308 -- escaped above; only our own marks are added


@register.filter
def spelled(text: object) -> str:
    """As `visible`, for places that hold no markup: attributes, titles, options."""
    return spelling.spelled(str(text))


@register.filter
def may(caller: Caller, verb: str) -> bool:
    """What the policy says of a button: `read_team`, or `command kill_switch` where the type matters."""
    name, _, kind = verb.partition(" ")
    return people.may(caller, name) if name in people.TABLE else policy.may(caller, name, kind or None)


@register.simple_tag
def ago(value: str | None) -> SafeString:
    """A past moment; times.js keeps it relative and true."""
    return _time(value, "ago", "%-d %b %H:%M UTC")


@register.simple_tag
def left(value: str | None) -> SafeString:
    """A deadline; times.js counts it down by the server's clock."""
    return _time(value, "left", "until %-d %b %H:%M UTC")


@register.simple_tag
def clock(value: str | None) -> SafeString:
    """The time of day, as a timeline has it."""
    return _time(value, "clock", "%H:%M:%S", title="%Y-%m-%d %H:%M:%S UTC")


@register.simple_tag
def day(value: str | None) -> SafeString:
    """A moment far off, with its day and year."""
    return _time(value, "day", "%-d %b %Y, %H:%M UTC")


@register.filter
def pilot(actor: str | None) -> SafeString:
    """Who, by the short name; times.js says "you" where it is the reader."""
    if not actor:
        return SafeString("")
    if actor == "system":
        return SafeString("Chameleon")
    return format_html(
        '<bdi class="pilot" data-pilot="{}" title="{}">{}</bdi>', actor, spelled(actor), visible(short_name(actor))
    )


@register.filter
def initials(actor: str | None) -> str:
    """Two letters for a name's disc."""
    words = re.findall(r"\w+", short_name(actor or ""))
    letters = "".join(word[0] for word in words[:_ACRONYM]) if len(words) > 1 else "".join(words)[:_ACRONYM]
    return letters.upper()


@register.filter
def words(name: str) -> str:
    """`kill_switch` as people write it."""
    return name.replace("_", " ")


@register.filter
def grouped(number: int) -> str:
    """A large number as it is read."""
    return f"{number:,}"


@register.filter
def field_label(name: str) -> str:
    """What a field of the history's filters is called beside what is wrong with it."""
    return {"q": "Search", "since": "From", "until": "To", "actor": "Decided by"}.get(name, name.capitalize())


@register.filter
def duration(seconds: float | None) -> str:
    """A length of time in at most two units: `0:48` and `12:05` below an hour, then `3 h 10 min`, `2 d 4 h`."""
    if seconds is None:
        return "–"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}:{rest:02}"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"


@register.filter
def delivery_time(item: dict[str, Any]) -> str:
    """From a decision to its delivery, in the unit that fits."""
    decided, delivered = (datetime.fromisoformat(item[name]) for name in ("action_timestamp", "delivered_at"))
    seconds = max((delivered - decided).total_seconds(), 0.0)
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 60 else duration(seconds)


@register.filter
def kind(value: object) -> str:
    """Which sort of JSON value this is, for a template that shows each its own way."""
    match value:
        case dict():
            return "object" if value else "empty"
        case list():
            return "list" if value else "empty"
        case bool() | None:
            return "word"
        case int() | float():
            return "number"
        case _:
            return "link" if re.fullmatch(r"https?://[^\s\"'<>\\]+", str(value)) else "text"


@register.filter
def as_json(value: object) -> str:
    """JSON as a person reads it; a plain value on one line."""
    return json.dumps(value, indent=2, ensure_ascii=False)


@register.filter
def as_line(value: object) -> str:
    """JSON for the page's script, on one line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@register.filter
def needs_no_word(item: dict[str, Any]) -> bool:
    """Whether it can be approved by a click: where neither a reason nor an answer is asked for."""
    asks = answer_needed(item["response_schema"]) and item["response"] is None
    return not asks and not reason_needed(item["intervention_type"], Status.APPROVED)


@register.simple_tag
def narrowed(facets: Facets | HistoryFilters, **changes: str) -> str:
    """The query of an address in a list as it is narrowed, with these on top; '' for the whole list."""
    query = facets.query(**changes)
    return f"?{query}" if query else ""


@register.simple_tag
def narrowed_to(tab: str) -> str:
    """The query of a tab's whole queue."""
    return narrowed(Facets(tab=tab))


@register.filter
def host(address: str) -> str:
    """The host a link really leads to, in ASCII: letters of other scripts look like ours."""
    try:
        name = urlsplit(address).hostname or ""
        return name.encode("idna").decode()
    except ValueError:
        return "a host that cannot be read"


def short_name(actor: str) -> str:
    """`local:dana` → `dana`, `key:refund-agent` → `refund-agent`."""
    return actor.rpartition(":")[2] or actor


def _time(value: str | None, manner: str, fallback: str, title: str = "") -> SafeString:
    if value is None:
        return SafeString("")
    moment = datetime.fromisoformat(value)
    # Where the text names the day, times.js adds the rest: two hundred cards would carry each moment four times.
    whole = format_html(' title="{}"', moment.strftime(title)) if title else ""
    text = moment.strftime(fallback)
    return format_html('<time datetime="{}" data-time="{}"{}>{}</time>', value, manner, whole, text)


def _shown(match: re.Match[str]) -> str:
    code = spelling.code(match[0])
    return f'<span class="control" title="invisible character {code}">{code}</span>'
