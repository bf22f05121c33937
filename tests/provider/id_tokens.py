"""The id_tokens of the local provider, good ones and forged ones, and its keys."""

import json
import time
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from tests.provider.people import OTHER_TENANT, TENANT, Person

KEY_ID = "key-1"


@cache
def key(name: str = "published") -> rsa.RSAPrivateKey:
    # The name only tells one key from another.
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def keys() -> dict[str, Any]:
    """The JSON Web Key Set the issuer publishes."""
    published: dict[str, Any] = json.loads(RSAAlgorithm.to_jwk(key().public_key()))
    return {"keys": [published | {"kid": KEY_ID, "use": "sig", "alg": "RS256"}]}


def profile(person: Person, faults: set[str]) -> dict[str, Any]:
    """What both id_token and userinfo say of the person."""
    claims: dict[str, Any] = {"sub": person.id, "name": person.name, "email": person.email}
    if person.kind == "microsoft":
        # The subject differs from application to application there; `oid` is who it is.
        tenant = OTHER_TENANT if "wrong_tenant" in faults else TENANT
        claims |= {"sub": f"pairwise-{person.login}", "oid": person.id, "tid": tenant, "xms_edov": person.verified}
        claims["preferred_username"] = f"{person.login}@corp.onmicrosoft.com"
    elif person.kind == "google":
        claims |= {"email_verified": person.verified, "hd": person.email.rpartition("@")[2]}
    else:
        claims |= {"email_verified": person.verified, "preferred_username": person.login}
    return claims


def id_token(person: Person, issuer: str, client_id: str, secret: str, nonce: str, faults: set[str]) -> str:
    now = int(time.time())
    claims = profile(person, faults) | {"iss": issuer, "aud": client_id, "iat": now, "exp": now + 3600, "nonce": nonce}
    if "thin_id_token" in faults:
        del claims["name"], claims["email"]
    claims |= _forged(faults, client_id, now)
    for name in ("nonce",) if "no_nonce" in faults else ("sub", "oid") if "no_subject" in faults else ():
        claims.pop(name, None)
    if "unsigned" in faults:
        return jwt.encode(claims, None, algorithm="none", headers={"kid": KEY_ID})
    if "signed_with_secret" in faults:
        return jwt.encode(claims, secret, algorithm="HS256", headers={"kid": KEY_ID})
    signer = key("rogue") if "wrong_key" in faults else key()
    return jwt.encode(claims, signer, algorithm="RS256", headers={"kid": KEY_ID})


def _forged(faults: set[str], client_id: str, now: int) -> dict[str, Any]:
    lies: dict[str, dict[str, Any]] = {
        "wrong_nonce": {"nonce": "made-for-another-sign-in"},
        "wrong_audience": {"aud": "another-application"},
        "two_audiences": {"aud": [client_id, "another-application"], "azp": "another-application"},
        "wrong_issuer": {"iss": "https://issuer.example"},
        "expired": {"iat": now - 7200, "exp": now - 3600},
    }
    return {name: value for fault in faults for name, value in lies.get(fault, {}).items()}
