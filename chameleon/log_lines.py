"""What may stand in a line of the log: one line of text, however hostile the request, and nothing that opens a door."""

import logging
import re

# One-time links and invitations in addresses, API keys, access and refresh tokens, and parameters that carry such.
_SECRETS = [
    (re.compile(r"((?:accounts/link|invitations|accounts/password/reset/key)/)[^/\s\"'?]+"), r"\1…"),
    (re.compile(r"chm_[0-9A-Za-z]+_[0-9A-Za-z]+"), "chm_…"),
    (re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*"), "eyJ…"),
    (re.compile(r"\b((?:code|state|token|password|secret|id_token|access_token|refresh_token)=)[^&\s\"']+"), r"\1…"),
]
# Line breaks and terminal controls, C0 and C1, and what Unicode takes for the end of a line.
_CONTROLS = {code: rf"\x{code:02x}" for code in (*range(32), *range(127, 160))} | {0x2028: r"\u2028", 0x2029: r"\u2029"}


def safe(text: str) -> str:
    """The text on one line, its secrets struck out."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text.translate(_CONTROLS)


class OneLine(logging.Formatter):
    """A message stays one line; a traceback keeps its lines, which start with white space or name an exception."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return safe(super().formatMessage(record))

    def formatException(self, ei: object) -> str:
        lines = super().formatException(ei).splitlines()  # type: ignore[arg-type]
        # Indented as a whole, so that the text of an exception cannot begin a line of its own.
        return "\n".join(f"  {safe(line)}" for line in lines)
