"""A message into a channel of an organization's chat."""

import orjson

from interventions.delivery import hooks, targets
from interventions.delivery.cards import CARDS
from interventions.delivery.errors import TryLater, Undeliverable
from interventions.delivery.links import absolute
from interventions.delivery.message import Message
from interventions.models import ChatHook
from interventions.spelling import spelled
from pilots.models import Organization

_HEADERS = {"Content-Type": "application/json"}
_MAX_SAID = 120


def send_to(hook: ChatHook, message: Message) -> str:
    """Sends it, notes at the channel how that went, and returns what was answered. Raises Undeliverable or TryLater."""
    try:
        said = _send(hook, message)
    except (Undeliverable, TryLater) as error:
        hooks.note(hook, str(error), good=False)
        raise
    hooks.note(hook, said, good=True)
    return said


def send_by_id(organization: Organization, hook_id: int, message: Message) -> None:
    """As `send_to`, to a channel that may have been removed or paused since it was chosen."""
    hook = next((row for row in hooks.active_of(organization) if row.pk == hook_id), None)
    if hook is None:
        raise Undeliverable("the channel is told no more")
    send_to(hook, message)


def _send(hook: ChatHook, message: Message) -> str:
    card = CARDS[hook.kind](message, absolute(message.path))
    answer = targets.post(hooks.url_of(hook), orjson.dumps(card), _HEADERS)
    said = f"answered {answer.status}{_quoted(answer.text)}"
    if answer.is_good:
        return said
    if answer.is_for_good:
        raise Undeliverable(said)
    raise TryLater(said, answer.retry_after)


def _quoted(text: str) -> str:
    """The beginning of what the receiver wrote: it names what is wrong in its own words."""
    words = spelled(" ".join(text[: _MAX_SAID * 2].split()))[:_MAX_SAID]
    return f": {words}" if words else ""
