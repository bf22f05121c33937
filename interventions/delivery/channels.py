"""By which ways can somebody be reached? One line for each; nothing else in the product knows how many there are."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from interventions.delivery import chat, devices, hooks, mail, push
from interventions.delivery.errors import Undeliverable
from interventions.delivery.message import Message
from interventions.models import Notice
from pilots.models import Organization, Pilot

# Raises Undeliverable, or any other error where it is to be tried again.
type Send = Callable[[Notice, Message], object]


@dataclass(frozen=True, slots=True)
class Personal:
    """A way to pilots, who choose in `pilots.notifications.WAYS` what comes by it.

    `why_not` says why it cannot be had here ('' where it can); `reached` gives the pks of those it would find;
    `where` is what a pilot reads of where a test went, `page` the name of the page on which it is set up.
    """

    send: Send
    where: Callable[[Organization, Pilot], str]
    reached: Callable[[Organization, Iterable[Pilot]], set[int]]
    why_not: Callable[[], str] = str
    page: str = ""


class Hook(Protocol):
    """One of an organization's own, with the least urgent priority it is told of, by its number."""

    pk: int
    lowest_priority: int


@dataclass(frozen=True, slots=True)
class Shared:
    """A way to an organization's own hooks, which are for no single pilot."""

    send: Send
    hooks: Callable[[Organization], Iterable[Hook]]


def _push(notice: Notice, message: Message) -> None:
    if notice.pilot is None or not push.send_to(notice.pilot, notice.organization, message):
        raise Undeliverable("no device of the pilot's is left")


def _chat(notice: Notice, message: Message) -> None:
    chat.send_by_id(notice.organization, notice.hook_id or 0, message)


PERSONAL: Final[Mapping[str, Personal]] = {
    "mail": Personal(mail.send, mail.where, mail.reached, mail.why_not),
    "push": Personal(_push, devices.where, devices.reached, page="settings_devices"),
}
SHARED: Final[Mapping[str, Shared]] = {"chat": Shared(_chat, hooks.active_of)}


def offered() -> dict[str, Personal]:
    """The ways to pilots that can be had in this installation."""
    return {name: channel for name, channel in PERSONAL.items() if not channel.why_not()}


def send_by(name: str) -> Send | None:
    """None: it is not there any more."""
    channel: Any = PERSONAL.get(name) or SHARED.get(name)
    return channel.send if channel else None
