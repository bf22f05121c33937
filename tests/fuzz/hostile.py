"""What is sent where a program or a browser would send something sensible; and how much of it.

`FUZZ=20` in the environment asks for twenty times as many cases as a plain run has.
"""

import os
from urllib.parse import quote

from tests.corpus import TEXTS

TIMES = max(1, int(os.environ.get("FUZZ", "1")))

# Raw, as they stand percent-encoded in a form, a query or an address.
BYTES: dict[str, bytes] = {
    "nothing": b"",
    "white space": b" \t\r\n",
    "NUL": b"\x00",
    "NUL inside": b"a\x00b",
    "no UTF-8": b"\xff\xfe",
    "overlong UTF-8": b"\xc0\xaf",
    "half a surrogate pair": b"\xed\xa0\x80",
    "beyond Unicode": b"\xf4\x90\x80\x80",
    "cut off": b"\xf0\x9f",
    "long": b"x" * 70_000,
    "a long number": b"9" * 5_000,
    "a number beyond 64 bits": b"9" * 20,
    "a number beyond 32 bits": b"9" * 10,
    "negative": b"-1",
    "a fraction": b"1.5",
    "infinite": b"1e400",
    "no number": b"NaN",
    "digits of another script": "٣²Ⅷ".encode(),
    "JSON": b'{"a": [null, true]}',
    "deep JSON": b"[" * 5_000,
    "an address that is none": b"http://[",
    "an address elsewhere": b"//evil.example/%00",
    "a path": b"../../etc/passwd",
    "a format": b"%s %(x)s {0.__class__} {% debug %}",
    "an e-mail address": ("a" * 300 + "@" + "b" * 300 + ".example").encode(),
    "a date": b"9999-12-31T23:59:59.999999-23:59",
    "no date": b"0000-00-00",
}
BYTES |= {f"text: {name}": TEXTS[name].encode() for name in ("script", "sql", "all bidi controls", "controls", "emoji")}

# What PostgreSQL, UTF-8 and the parser of addresses each refuse: never left out.
NUL = BYTES["NUL inside"]
CORE = [BYTES[name] for name in ("NUL inside", "no UTF-8", "an address that is none")]


def encoded(raw: bytes) -> str:
    """As it stands in an address; a slash too, so that it stays one part of it."""
    return quote(raw, safe="")


def some(count: int, seed: int, longest: int = 100_000) -> list[bytes]:
    """The core, and `count` times FUZZ of the others: always the same ones, others for another seed."""
    others = [raw for raw in BYTES.values() if raw not in CORE and len(raw) <= longest]
    count = min(len(others), count * TIMES)
    return CORE + [others[(seed * 7 + place * len(others) // count) % len(others)] for place in range(count)]
