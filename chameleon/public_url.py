"""By which address do people reach this installation? Mails and messages need it: no request is there to tell."""

import re

from environs import ValidationError

_ORIGIN = re.compile(r"https?://[^\s/?#@]+/?")


def leads_there(url: str) -> None:
    """Raises ValidationError for what is no origin; empty is none."""
    if url and not _ORIGIN.fullmatch(url):
        raise ValidationError("Must be the address people open, without a path, as in https://chameleon.example.com.")


def guess(hosts: list[str], port: int | None) -> str:
    """On a developer's machine its own port; else the first host it answers to."""
    host = hosts[0].lstrip(".") if hosts else ""
    return f"http://127.0.0.1:{port}" if port or host in ("", "*") else f"https://{host}"
