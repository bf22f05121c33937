"""Is this id_token true? Signed by its issuer, for us, for this very sign-in, and not over yet."""

import hmac
from typing import Any

import jwt

from pilots.sign_in.trouble import Trouble

# Signatures that need the issuer's private key; never `none`, never one made with a secret we share with it.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
# Clocks of two machines differ by so much at most.
LEEWAY_SECONDS = 60


def claims_of(text: str, keys: dict[str, Any], *, issuer: str, client_id: str, nonce: str) -> dict[str, Any]:
    """What the token says, once everything about it is right; raises Trouble naming what is not."""
    try:
        header = jwt.get_unverified_header(text)
        claims: dict[str, Any] = jwt.decode(
            text,
            _key(header, keys),
            algorithms=ALGORITHMS,
            audience=client_id,
            issuer=issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": ["iss", "sub", "aud", "exp", "iat"]},
        )
    except jwt.PyJWTError as error:
        raise Trouble("untrusted", f"id_token, {type(error).__name__}") from error
    if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != client_id:
        raise Trouble("untrusted", "id_token, made for several and asked for by another")
    if not nonce or not hmac.compare_digest(str(claims.get("nonce")).encode(), nonce.encode()):
        raise Trouble("untrusted", "id_token, nonce of another sign-in")
    return claims


def _key(header: dict[str, Any], keys: dict[str, Any]) -> jwt.PyJWK:
    found = [key for key in jwt.PyJWKSet.from_dict(keys).keys if key.public_key_use in (None, "sig")]
    if "kid" in header:
        found = [key for key in found if key.key_id == header["kid"]]
    # A header that names no key leaves no choice only where there is one.
    if len(found) != 1 or header.get("alg") not in ALGORITHMS:
        raise Trouble("untrusted", "id_token, signed with no key of the issuer's")
    return found[0]
