"""JSON as a tree of rows, made in Python: a template that includes itself takes seconds for what an agent may send."""

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from interventions.templatetags.console import as_json, host, kind, visible

register = template.Library()

# What one tree shows: nobody reads more, and a page of 30,000 rows is slow. The raw JSON beside it is always whole.
MAX_VALUES = 1000
MAX_ENTRIES = 200
MAX_TEXT = 4000
# Longer ones start closed: a pilot reads what stands around them first.
MAX_OPEN = 50
# Deeper levels are not indented any further, or a narrow screen would have no room for the text.
MAX_INDENTED = 8

_NEW_TAB = '<span class="sr-only">opens in a new tab,</span> ↗'


@register.simple_tag
def tree(value: dict[str, Any] | list[Any]) -> SafeString:
    """An object or list as nested lists; containers open and close, with or without script."""
    return _Tree().entries(value, depth=0)


class _Tree:
    """One rendering, and how many values it may still show."""

    def __init__(self) -> None:
        self.left = MAX_VALUES

    def entries(self, container: dict[str, Any] | list[Any], depth: int) -> SafeString:
        pairs = list(container.items()) if isinstance(container, dict) else list(enumerate(container))
        shown = pairs[: min(MAX_ENTRIES, self.left)]
        # Paid for before any of them is opened, so that one long list does not take its neighbours' room.
        self.left -= len(shown)
        rows = [self._row(key, item, depth) for key, item in shown]
        if len(shown) < len(pairs):
            rows.append(_more(len(pairs) - len(shown), has_some=bool(shown)))
        style = ("mapping" if isinstance(container, dict) else "items") + (" deep" if depth > MAX_INDENTED else "")
        inside = mark_safe("".join(rows))  # noqa: S308 -- each row is escaped
        return format_html('<ul class="{}" role="list">{}</ul>', style, inside)

    def _row(self, key: str | int, item: Any, depth: int) -> SafeString:
        name, sort = visible(key), kind(item)
        if sort not in ("object", "list"):
            return format_html(
                '<li><div class="pair {}"><span class="key" dir="auto">{}</span> '
                '<span class="value" dir="auto">{}</span></div></li>',
                sort,
                name,
                _value(item, sort),
            )
        return format_html(
            '<li><details{}><summary class="pair {}"><span class="key" dir="auto">{}</span> '
            '<span class="size">{}</span></summary>{}</details></li>',
            SafeString(" open" if len(item) <= MAX_OPEN else ""),
            sort,
            name,
            _size(item),
            self.entries(item, depth + 1),
        )


def _value(item: Any, sort: str) -> SafeString:
    if sort == "link" and len(item) <= MAX_TEXT:
        return format_html(
            '<a href="{}" target="_blank" rel="noopener noreferrer nofollow">{}</a> <span class="faint">{} {}</span>',
            item,
            visible(item),
            SafeString(_NEW_TAB),
            visible(host(item)),
        )
    if not isinstance(item, str):
        return visible(as_json(item))
    if len(item) <= MAX_TEXT:
        return visible(item)
    rest = f"and {len(item) - MAX_TEXT:,} more characters, in the raw JSON"
    return format_html('{}… <span class="rest">{}</span>', visible(item[:MAX_TEXT]), rest)


def _size(item: dict[str, Any] | list[Any]) -> str:
    unit = "key" if isinstance(item, dict) else "item"
    return f"{len(item):,} {unit}{'' if len(item) == 1 else 's'}"


def _more(count: int, *, has_some: bool) -> SafeString:
    text = f"and {count:,} more, in the raw JSON" if has_some else f"{count:,}, in the raw JSON"
    return format_html('<li class="rest">{}</li>', text)
