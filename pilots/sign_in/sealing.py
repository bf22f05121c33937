"""How secrets that must be read again lie in the database: sealed with a key that only the settings know."""

import base64
import hmac

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class Unreadable(Exception):
    """Sealed with a key that is neither SECRET_KEY nor one of SECRET_KEY_FALLBACKS."""


def seal(text: str) -> str:
    return _keys().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """The text; raises Unreadable."""
    try:
        return _keys().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise Unreadable from error


def renew(sealed: str) -> str:
    """The same, sealed with today's key, so that an old one can be taken out of the settings one day."""
    try:
        return _keys().rotate(sealed.encode()).decode()
    except InvalidToken as error:
        raise Unreadable from error


def marks() -> list[str]:
    """A text sealed with each key of the settings, today's first: whoever can unseal one has that key."""
    return [_key(secret).encrypt(b"chameleon").decode() for secret in _secrets()]


def is_ours(sealed: str) -> bool:
    """Whether a key of the settings opens it."""
    try:
        unseal(sealed)
    except Unreadable:
        return False
    return True


def _keys() -> MultiFernet:
    return MultiFernet([_key(secret) for secret in _secrets()])


def _secrets() -> list[str]:
    return [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]


def _key(secret: str) -> Fernet:
    # A key of its own: what is signed elsewhere with SECRET_KEY tells nothing about it.
    return Fernet(base64.urlsafe_b64encode(hmac.digest(secret.encode(), b"chameleon.sealing", "sha256")))
