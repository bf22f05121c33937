"""Message encryption for web push (RFC 8291, with the aes128gcm coding of RFC 8188): one record, for one browser.

By hand on `cryptography`: what is kept on PyPI for it comes as source, or brings a second HTTP client along.
"""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

RECORD = 4096
# What a push service must take is 4096 bytes, of which head, tag and delimiter are 103.
MAX_TEXT = RECORD - 103
_CURVE = ec.SECP256R1()
_LAST = b"\x02"


def encrypt(
    text: bytes, p256dh: str, auth: str, *, key: ec.EllipticCurvePrivateKey | None = None, salt: bytes | None = None
) -> bytes:
    """The body to send. Key and salt are new each time; the standard's example gives its own."""
    own, salt = key or ec.generate_private_key(_CURVE), salt or os.urandom(16)
    theirs, public = decode(p256dh), point(own)
    shared = own.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, theirs))
    secret = _derive(shared, decode(auth), b"WebPush: info\0" + theirs + public, 32)
    content_key = _derive(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derive(secret, salt, b"Content-Encoding: nonce\0", 12)
    head = salt + RECORD.to_bytes(4) + bytes([len(public)]) + public
    return head + AESGCM(content_key).encrypt(nonce, text + _LAST, None)


def check(p256dh: str, auth: str) -> None:
    """Raises ValueError where these are not a browser's keys."""
    ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, decode(p256dh))
    if len(decode(p256dh)) != 65 or len(decode(auth)) != 16:
        raise ValueError("keys of another length")


def point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def encode(data: bytes) -> str:
    """base64url without its padding, as all of web push writes it."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Raises ValueError."""
    if len(text) > 100:
        raise ValueError("too long")
    return urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))


def _derive(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)
