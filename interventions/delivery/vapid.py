"""By what a push service knows our messages (RFC 8292): a key of ours, which browsers are given when they subscribe.

The key follows from SECRET_KEY: nothing to make, to store or to lose, and every process has the same.
"""

import hmac
import time
from functools import cache

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings

from interventions.delivery import encryption, targets
from interventions.delivery.errors import Undeliverable
from interventions.delivery.links import guess

# The order of P-256: a private key is a number below it.
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
# At most a day, says the standard; clocks may differ.
_VALID_SECONDS = 12 * 3600


def public_key() -> str:
    """What a browser subscribes with from now on."""
    return _text(settings.SECRET_KEY)


def header(endpoint: str, server_key: str) -> str:
    """`Authorization` for a message to this endpoint, whose browser was given this public key.

    Raises Undeliverable where that was of a SECRET_KEY that is neither the present one nor among its fallbacks.
    """
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    secret = next((each for each in secrets if _text(each) == server_key), None)
    if secret is None:
        raise Undeliverable("was set up with a key that this server no longer has; switch it on again there")
    claims = {"aud": targets.origin(endpoint), "exp": int(time.time()) + _VALID_SECONDS, "sub": subject()}
    return f"vapid t={jwt.encode(claims, _key(secret), algorithm='ES256')}, k={server_key}"


def subject() -> str:
    """Whom a push service may write to about us: some want an address that leads somewhere."""
    if settings.VAPID_SUBJECT:
        return str(settings.VAPID_SUBJECT)
    leads_there = settings.PUBLIC_URL.startswith("https://") and not guess()
    return settings.PUBLIC_URL if leads_there else f"mailto:{settings.DEFAULT_FROM_EMAIL}"


@cache
def _key(secret: str) -> ec.EllipticCurvePrivateKey:
    # A key of its own: what is signed elsewhere with SECRET_KEY tells nothing about it.
    number = int.from_bytes(hmac.digest(secret.encode(), b"chameleon.push", "sha512"))
    return ec.derive_private_key(number % (_ORDER - 1) + 1, ec.SECP256R1())


@cache
def _text(secret: str) -> str:
    return encryption.encode(encryption.point(_key(secret)))
