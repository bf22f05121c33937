"""What a message looks like in each chat. Words of agents stand where no markup is read; there is one link, and no
button that decides."""

from collections.abc import Callable, Sequence
from typing import Any

from interventions.delivery.message import Message
from interventions.spelling import spelled

type Card = dict[str, Any]

_MAX_TITLE = 150
_MAX_TEXT = 500
_MAX_LINES = 10
_OPEN = "Open in Chameleon"


def slack(message: Message, link: str) -> Card:
    """Slack's blocks. `plain_text` is shown as it is; where mrkdwn is read, what would be a mention or link is
    escaped."""
    title, body, lines = _words(message)
    blocks: list[Card] = [{"type": "header", "text": _plain(title)}]
    blocks += [{"type": "section", "text": _plain(text)} for text in (body, "\n".join(lines)) if text]
    # Made by us, of characters that end nothing.
    blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": f"<{link}|{_OPEN}>"}})
    # What a phone shows, and a reader without blocks hears.
    return {"text": _escaped(f"{title}: {body}" if body else title), "blocks": blocks, "unfurl_links": False}


def teams(message: Message, link: str) -> Card:
    """An Adaptive Card in the envelope that a Teams workflow takes. A TextRun reads no Markdown; a TextBlock would."""
    title, body, lines = _words(message)
    runs = [{"type": "TextRun", "text": title, "weight": "Bolder", "size": "Medium"}]
    content: list[Card] = [{"type": "RichTextBlock", "inlines": runs}]
    content += [
        {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text}]} for text in (body, *lines) if text
    ]
    card: Card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": content,
        "actions": [{"type": "Action.OpenUrl", "title": _OPEN, "url": link}],
        "fallbackText": f"{title}: {body}" if body else title,
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


CARDS: dict[str, Callable[[Message, str], Card]] = {"slack": slack, "teams": teams}


def _words(message: Message) -> tuple[str, str, Sequence[str]]:
    lines = [f"• {_short(line, _MAX_TITLE)}" for line in message.lines[:_MAX_LINES]]
    if len(message.lines) > _MAX_LINES:
        lines.append(f"… and {len(message.lines) - _MAX_LINES} more")
    return _short(message.title, _MAX_TITLE) or "Chameleon", _short(message.body, _MAX_TEXT), lines


def _short(text: str, most: int) -> str:
    """On one line, and without what could hide or reorder letters."""
    text = spelled(" ".join(text[: most * 2].split()))
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _plain(text: str) -> Card:
    return {"type": "plain_text", "text": text, "emoji": False}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
