"""How is an API key written? `chm_<id>_<secret><checksum>`: found by its id, known by its hash, mistyped by its sum."""

import hashlib
import re
import secrets
import string
import zlib

PREFIX = "chm_"
_ALPHABET = string.digits + string.ascii_letters
_CHECKSUM_LENGTH = 6
_WRITTEN = re.compile(r"chm_([0-9A-Za-z]{12})_[0-9A-Za-z]{38}")


def new() -> tuple[str, str]:
    """A key's id and its whole text."""
    key_id = _random(12)
    body = f"{PREFIX}{key_id}_{_random(32)}"
    return key_id, body + checksum(body)


def id_of(text: str) -> str | None:
    """The id in a key that was copied whole; None where it cannot be one."""
    written = _WRITTEN.fullmatch(text)
    if written is None or checksum(text[:-_CHECKSUM_LENGTH]) != text[-_CHECKSUM_LENGTH:]:
        return None
    return written[1]


def digest(text: str) -> str:
    # A plain hash is enough: the secret has 190 bits, and a server-wide pepper would tie all keys to one setting.
    return hashlib.sha256(text.encode()).hexdigest()


def checksum(body: str) -> str:
    number, digits = zlib.crc32(body.encode()), []
    for _ in range(_CHECKSUM_LENGTH):
        number, rest = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[rest])
    return "".join(digits)


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
