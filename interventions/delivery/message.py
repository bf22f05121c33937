"""What is said to somebody who is not looking: the same for every channel, each of which shows what it can."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """Titles and a way to the page, never the context of a request: what is sent leaves the house.

    `path` is the page's, below our own address; messages of one `tag` replace each other where the channel can.
    """

    title: str
    body: str
    path: str
    urgent: bool
    tag: str
    lines: tuple[str, ...] = ()
