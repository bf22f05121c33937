"""A push service as browsers have one: takes messages by the Web Push protocol and reads them as the browser would.

It believes nothing of ours: signature, claims and encryption are checked by the standards' words, with the keys that a
browser makes when it subscribes.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from interventions.delivery.encryption import decode, encode, point


@dataclass
class Browser:
    """What a browser knows of its subscription, and what it was told."""

    endpoint: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    auth: bytes = b"0123456789abcdef"
    told: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def posted(self) -> dict[str, str]:
        return {"endpoint": self.endpoint, "p256dh": encode(point(self.key)), "auth": encode(self.auth)}

    def read(self, body: bytes) -> dict[str, Any]:
        """RFC 8291, section 3.4, from the receiver's side."""
        salt, theirs = body[:16], body[21:86]
        assert body[20] == 65
        shared = self.key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs))
        info = b"WebPush: info\x00" + point(self.key) + theirs
        secret = _hmac(_hmac(self.auth, shared), info + b"\x01")
        pseudo = _hmac(salt, secret)
        content_key = _hmac(pseudo, b"Content-Encoding: aes128gcm\x00\x01")[:16]
        nonce = _hmac(pseudo, b"Content-Encoding: nonce\x00\x01")[:12]
        text = AESGCM(content_key).decrypt(nonce, body[86:], None)
        assert text[-1:] == b"\x02"
        told: dict[str, Any] = json.loads(text[:-1])
        return told


@dataclass
class PushService:
    """Running on this machine. `answer` is what it says to whatever comes, and `retry_after` when to come again; where
    it has a `meeting` nobody is answered before that many are there."""

    address: str
    answer: int = 201
    retry_after: str = ""
    meeting: threading.Barrier | None = None
    browsers: dict[str, Browser] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def browser(self, name: str = "one") -> Browser:
        return self.browsers.setdefault(f"/push/{name}", Browser(f"{self.address}/push/{name}"))

    def reset(self) -> None:
        self.answer, self.retry_after, self.meeting = 201, "", None
        self.browsers.clear()
        self.wrong.clear()

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        if self.meeting:
            self.meeting.wait()
        browser = self.browsers.get(path)
        if browser is None:
            return 404
        if self.answer == 201:
            self._require(headers)
            browser.told.append(browser.read(body))
            browser.headers.append(headers)
        return self.answer

    def _require(self, headers: dict[str, str]) -> None:
        scheme, _, rest = headers["authorization"].partition(" ")
        fields = dict(part.strip().split("=", 1) for part in rest.split(","))
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decode(fields["k"]))
        claims = jwt.decode(
            fields["t"], key, ["ES256"], audience=self.address, options={"require": ["exp", "aud", "sub"]}
        )
        assert scheme == "vapid"
        assert claims["sub"].startswith(("mailto:", "https://"))
        assert headers["content-encoding"] == "aes128gcm"
        assert headers["ttl"].isdigit()
        assert headers["urgency"] in ("very-low", "low", "normal", "high")
        assert len(headers.get("topic", "")) <= 32


@contextmanager
def running() -> Iterator[PushService]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                status = service.take(self.path, headers, body)
            except Exception as error:
                service.wrong.append(repr(error))
                status = 400
            self.send_response(status)
            if service.retry_after:
                self.send_header("Retry-After", service.retry_after)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing on the tests' output."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        service = PushService(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield service
        server.shutdown()
        thread.join(5)


def _hmac(key: bytes, data: bytes) -> bytes:
    mac = hmac.HMAC(key, hashes.SHA256())
    mac.update(data)
    return mac.finalize()
