"""Out to an address that somebody typed in: over TLS, not into our own networks, not for long, and nowhere else.

The address is judged at the moment of the call: its name is resolved once, and the call goes to what was resolved. A
name that answers differently the next moment leads nowhere new. No redirect is followed, no proxy of the environment's
is asked, and no connection is kept.
"""

import re
import socket
import ssl
import time
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import cache
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import httpcore
import httpx
from django.conf import settings

from interventions.delivery import addresses
from interventions.delivery.errors import TryLater, Undeliverable

SECONDS = 5.0
MAX_URL = 2000
# Of an answer nobody needs more than its first words.
MAX_BYTES = 16 * 1024
# Below 1024 live services that a stranger's request should never reach.
_WELL_KNOWN = (80, 443)
_LOWEST_OTHER = 1024
_LONGEST_WAIT = 24 * 3600.0
_CHUNK = 4096
_VISIBLE = re.compile(r"[!-~]+")


class Refused(Undeliverable):
    """This address is not called; the text says why, to whoever gave it."""


class Unreachable(TryLater):
    """Nobody answered, or not in time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`text` is the beginning of the body."""

    status: int
    text: str
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 300

    @property
    def is_for_good(self) -> bool:
        """A refusal that the same request would get again."""
        return not self.is_good and self.status < 500 and self.status not in (408, 425, 429)

    @property
    def retry_after(self) -> float | None:
        """Seconds, however the other side writes them; None where it does not say, or nothing sensible."""
        text = self.headers.get("retry-after", "")
        if text.isascii() and text.isdigit():
            return min(float(text), _LONGEST_WAIT)
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return None
        return min(max(moment.timestamp() - time.time(), 0.0), _LONGEST_WAIT)


def check(url: str) -> None:
    """Raises Refused where the address, as its name is resolved now, would not be called; Unreachable where there is no
    such name."""
    target = _read(url)
    _resolve(target, SECONDS)


def origin(url: str) -> str:
    """Scheme, host and port. Raises Refused."""
    target = _read(url)
    return f"{target.scheme}://{target.authority}"


def post(url: str, body: bytes, headers: dict[str, str]) -> Answer:
    """Raises Refused or Unreachable; whatever the other side says is an Answer."""
    target = _read(url)
    calls = _OnlyWhatIsAllowed(target, time.monotonic() + SECONDS)
    given = {"Host": target.authority, "User-Agent": "Chameleon", "Connection": "close"} | headers
    try:
        with (
            httpcore.ConnectionPool(ssl_context=_tls(), network_backend=calls, retries=0) as pool,
            pool.stream("POST", target.url, headers=list(given.items()), content=body) as response,
        ):
            return _answer(response)
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
        # The library's words may quote what the other side sent.
        raise Unreachable(_WORDS.get(type(error), "the connection failed")) from error


_WORDS: dict[type[Exception], str] = {
    httpcore.ConnectTimeout: f"no connection within {SECONDS:.0f} s",
    httpcore.ReadTimeout: f"no answer within {SECONDS:.0f} s",
    httpcore.WriteTimeout: f"nothing was taken within {SECONDS:.0f} s",
    httpcore.ConnectError: "no connection, or no valid certificate",
    httpcore.RemoteProtocolError: "the answer is not HTTP",
}


@dataclass(frozen=True, slots=True)
class _Target:
    scheme: str
    host: str
    port: int
    path: str

    @property
    def is_plain(self) -> bool:
        return self.scheme == "http"

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (80 if self.is_plain else 443) else f"{host}:{self.port}"

    @property
    def url(self) -> httpcore.URL:
        # From what was checked, so that no other reading of the text is called.
        return httpcore.URL(
            scheme=self.scheme.encode(), host=self.host.encode(), port=self.port, target=self.path.encode()
        )


def _read(url: str) -> _Target:
    if len(url) > MAX_URL:
        raise Refused(f"must have at most {MAX_URL} characters")
    if not _VISIBLE.fullmatch(url) or "\\" in url:
        raise Refused("must be an address of plain characters, as in https://hooks.example.com/…")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = parts.hostname or ""
    except ValueError as error:
        raise Refused("is not an address") from error
    if parts.scheme != "https" and not (parts.scheme == "http" and settings.ALLOW_PRIVATE_TARGETS):
        raise Refused("must begin with https://")
    if not host:
        raise Refused("names no host")
    if parts.username is not None or parts.password is not None:
        raise Refused("must not hold a name or password before the host")
    if port is None:
        port = 443 if parts.scheme == "https" else 80
    if port not in _WELL_KNOWN and port < _LOWEST_OTHER:
        raise Refused(f"must not lead to port {port}: 443, or one from {_LOWEST_OTHER} on")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return _Target(parts.scheme, host, port, path)


def _resolve(target: _Target, seconds: float) -> list[str]:
    """The addresses that the name stands for, all of which may be called. Raises Refused and Unreachable."""
    found = list(dict.fromkeys(_looked_up(target, seconds)))
    for text in found:
        address = addresses.read(text)
        if not addresses.may_be_called(address, settings.ALLOW_PRIVATE_TARGETS, plain=target.is_plain):
            raise Refused(_why_not(target, address))
    return found


def _why_not(target: _Target, address: addresses.Address) -> str:
    if addresses.is_public(address):
        return "must begin with https:// outside the networks that the operator allows"
    return f"leads to {address}, which is not on the public Internet; the operator can allow it (ALLOW_PRIVATE_TARGETS)"


def _looked_up(target: _Target, seconds: float) -> Iterable[str]:
    # The system's resolver knows no time limit of ours: it is left behind where it takes too long.
    answer: Future[list[Any]] = Future()
    Thread(target=_look_up, args=(answer, target), daemon=True).start()
    try:
        return [str(entry[4][0]) for entry in answer.result(max(seconds, 0))]
    except TimeoutError as error:
        raise Unreachable(f"the name {target.host} was not resolved in time") from error
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"there is no host {target.host}") from error


def _look_up(answer: "Future[list[Any]]", target: _Target) -> None:
    try:
        answer.set_result(socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM))
    except Exception as error:
        answer.set_exception(error)


class _OnlyWhatIsAllowed(httpcore.NetworkBackend):
    """Connects to addresses that were judged, whatever the name would answer now; all within one limit of time."""

    def __init__(self, target: _Target, deadline: float) -> None:
        self._target, self._deadline = target, deadline
        self._inner = httpcore.SyncBackend()

    def connect_tcp(self, host: str, port: int, *_rest: Any, **_options: Any) -> httpcore.NetworkStream:
        failure: Exception | None = None
        for address in _resolve(self._target, _left(self._deadline)):
            try:
                stream = self._inner.connect_tcp(address, port, _left(self._deadline))
                return _UntilTheDeadline(stream, self._deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError()


class _UntilTheDeadline(httpcore.NetworkStream):
    """A stream whose every step has only what is left of the time: one byte a second is no way to go on for ever."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: float) -> None:
        self._inner, self._deadline = inner, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._left(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # In pieces that a socket takes at once where it takes any: the library would give each byte the whole time.
        for start in range(0, len(buffer), _CHUNK):
            self._inner.write(buffer[start : start + _CHUNK], self._left(httpcore.WriteTimeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._left(httpcore.ConnectTimeout)
        return _UntilTheDeadline(self._inner.start_tls(ssl_context, server_hostname, left), self._deadline)

    def close(self) -> None:
        self._inner.close()

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    def _left(self, late: type[Exception]) -> float:
        left = _left(self._deadline)
        if left <= 0:
            raise late
        return left


def _left(deadline: float) -> float:
    return deadline - time.monotonic()


def _answer(response: httpcore.Response) -> Answer:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
    return Answer(response.status, _beginning(response).decode("utf-8", "replace"), headers)


def _beginning(response: httpcore.Response) -> bytes:
    body = b""
    for part in response.iter_stream():
        body += part
        if len(body) >= MAX_BYTES:
            break
    return body[:MAX_BYTES]


@cache
def _tls() -> ssl.SSLContext:
    # The authorities that sign-in by providers trusts too: SSL_CERT_FILE where it is set.
    return httpx.create_ssl_context()
