"""What is called when somebody typed in an address: the public Internet, what the operator allows, and nothing else."""

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from environs import ValidationError

from chameleon import private_targets
from interventions.delivery import addresses, targets
from interventions.delivery.targets import Refused, Unreachable

# Words on lines are read better than a column of fifty.
NOT_PUBLIC = re.findall(
    r"\S+",
    """
    0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.255.0.1 169.254.0.1
    169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.8 192.0.0.9 192.0.0.170 192.0.2.1 192.88.99.1 192.168.0.1
    198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 :: ::1
    ::7f00:1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:0:7f00:1 64:ff9b::7f00:1
    64:ff9b::808:808 64:ff9b:1::1 100::1 100:0:0:1::1 2001::1 2001:2::1 2001:10::1 2001:db8::1 2002:7f00:1::1
    2002:808:808::1 3fff::1 4000::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%lo fec0::1 ff02::1 ff0e::1
    """,
)
PUBLIC = re.findall(
    r"\S+",
    """
    1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1 192.167.0.1 198.17.0.1 223.255.255.254
    ::ffff:8.8.8.8 2606:4700:4700::1111 2a00:1450:4001:81b::200e
    """,
)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_an_address_that_is_not_public_is_not_called(text: str) -> None:
    assert not addresses.may_be_called(addresses.read(text), (), plain=False)


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_one_is_over_tls_only(text: str) -> None:
    address = addresses.read(text)
    assert addresses.may_be_called(address, (), plain=False)
    assert not addresses.may_be_called(address, private_targets.read("on"), plain=True)


def test_what_the_operator_names_is_called_and_nothing_beside_it() -> None:
    named = private_targets.read("10.1.0.0/16, fd00:1::/32")
    for text, may in {"10.1.2.3": True, "10.2.0.1": False, "fd00:1::1": True, "::ffff:10.1.0.9": True}.items():
        assert addresses.may_be_called(addresses.read(text), named, plain=True) is may
    # The address at which clouds give out credentials is never meant by a mere "on".
    assert not addresses.may_be_called(addresses.read("169.254.169.254"), private_targets.read("on"), plain=False)
    assert private_targets.read("off") == ()
    with pytest.raises(ValidationError, match="ALLOW_PRIVATE_TARGETS"):
        private_targets.read("everything")


@pytest.mark.parametrize(
    ("url", "why"),
    {
        "http://hooks.example.com/x": "begin with https",
        "ftp://hooks.example.com/x": "begin with https",
        "//hooks.example.com/x": "begin with https",
        "https:///x": "names no host",
        "https://user:word@hooks.example.com/": "name or password",
        "https://@hooks.example.com/": "name or password",
        "https://hooks.example.com:22/": "port 22",
        "https://hooks.example.com:99999/": "not an address",
        "https://hooks.example.com\\@10.0.0.1/": "plain characters",
        "https://hooks.example.com/ x": "plain characters",
        "https://hooks.example.com/\r\nHost: x": "plain characters",
        "https://hoоks.example.com/": "plain characters",
        "https://[::1": "not an address",
        "https://hooks.example.com/" + "x" * 2000: "at most 2000",
        # However it is written: the system's resolver reads all of these as 127.0.0.1, and so do we.
        "https://127.0.0.1/": "not on the public Internet",
        "https://2130706433/": "not on the public Internet",
        "https://0x7f.1/": "not on the public Internet",
        "https://0177.0.0.1/": "not on the public Internet",
        "https://[::ffff:7f00:1]/": "not on the public Internet",
        "https://localhost/": "not on the public Internet",
    }.items(),
)
def test_an_address_of_another_shape_is_refused_in_words(url: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        targets.check(url)
    with pytest.raises(Refused, match=why):
        targets.post(url, b"", {})


def test_a_name_that_is_not_there_may_be_there_later() -> None:
    with pytest.raises(Unreachable, match="no host"):
        targets.post("https://nowhere.invalid/", b"", {})


type Talk = Callable[[socket.socket], None]


def request_of(peer: socket.socket) -> bytes:
    """Head and body, however many segments they come in; of what is no HTTP (a TLS greeting), the first."""
    read = b""
    while some := peer.recv(65536):
        read += some
        head, end, body = read.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)^content-length: *(\d+)", head, re.MULTILINE)
        if (end and len(body) >= (int(length[1]) if length else 0)) or not read.startswith(b"POST "):
            break
    return read


@contextmanager
def listening(talk: Talk, host: str = "127.0.0.1", port: int = 0) -> Iterator[tuple[int, list[bytes]]]:
    """A server that reads one request and then talks; with what it was asked."""
    asked: list[bytes] = []
    with socket.create_server((host, port)) as server:

        def serve() -> None:
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:
                    return
                with peer:
                    asked.append(request_of(peer))
                    with suppress(OSError):
                        talk(peer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1], asked
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


@pytest.fixture
def allowed(settings: Any) -> Any:
    settings.ALLOW_PRIVATE_TARGETS = private_targets.read("127.0.0.1")
    return settings


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "SECONDS", 0.5)


def test_a_call_carries_what_it_should_and_no_proxy_is_asked(allowed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with listening(lambda peer: peer.sendall(ANSWER)) as (port, asked):
        answer = targets.post(f"http://127.0.0.1:{port}/a?b=c#d", b"body", {"TTL": "60"})
    assert (answer.status, answer.text, answer.is_good) == (200, "ok", True)
    head, _, body = asked[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /a?b=c HTTP/1.1\r\n")
    assert body == b"body"
    assert f"Host: 127.0.0.1:{port}".encode() in head
    assert b"TTL: 60" in head


def test_a_redirect_is_an_answer_like_others(allowed: Any) -> None:
    with listening(lambda peer: peer.sendall(ANSWER)) as (inside, reached):
        moved = f"HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:{inside}/\r\nContent-Length: 0\r\n\r\n".encode()
        with listening(lambda peer: peer.sendall(moved)) as (port, _):
            answer = targets.post(f"http://127.0.0.1:{port}/", b"", {})
    assert (answer.status, answer.is_for_good, reached) == (307, True, [])


def test_a_name_that_answers_differently_the_next_moment_leads_nowhere_new(
    allowed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed.ALLOW_PRIVATE_TARGETS = private_targets.read("127.0.0.2")
    answers = iter(["127.0.0.2", "127.0.0.1", "127.0.0.1"])
    real = socket.getaddrinfo

    def rebinding(host: str, port: int, *rest: Any, **options: Any) -> Any:
        name = next(answers) if host == "rebinding.example.com" else host
        return real(name, port, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    with (
        listening(lambda peer: peer.sendall(ANSWER)) as (port, secret),
        listening(lambda peer: peer.sendall(ANSWER), "127.0.0.2", port) as (_, meant),
    ):
        url = f"http://rebinding.example.com:{port}/"
        assert targets.post(url, b"", {}).status == 200
        with pytest.raises(Refused, match=r"leads to 127\.0\.0\.1"):
            targets.post(url, b"", {})
    assert (len(meant), secret) == (1, [])


def test_of_several_addresses_each_must_be_allowed(allowed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo
    both = [*real("127.0.0.1", 443, type=socket.SOCK_STREAM), *real("10.0.0.1", 443, type=socket.SOCK_STREAM)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
    with pytest.raises(Refused, match=r"leads to 10\.0\.0\.1"):
        targets.check("https://two.example.com/")


def _slowly(peer: socket.socket) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        peer.sendall(b"X: y\r\n")
        time.sleep(0.1)


def _endlessly(peer: socket.socket) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        peer.sendall(b"x" * 65536)


def test_an_answer_by_drips_ends_with_the_time(allowed: Any, hurried: None) -> None:
    with listening(_slowly) as (port, _), pytest.raises(Unreachable, match="no answer within"):
        targets.post(f"http://127.0.0.1:{port}/", b"", {})


def test_of_an_endless_answer_the_beginning_is_read(allowed: Any) -> None:
    with listening(_endlessly) as (port, _):
        assert len(targets.post(f"http://127.0.0.1:{port}/", b"", {}).text) == targets.MAX_BYTES


def test_a_resolver_that_hangs_is_left_behind(hurried: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(3))
    with pytest.raises(Unreachable, match="not resolved in time"):
        targets.post("https://slow.example.com/", b"", {})


def test_what_is_no_http_and_what_is_no_tls_is_unreachable(allowed: Any, hurried: None) -> None:
    with listening(lambda peer: peer.sendall(b"\x00nonsense\r\n\r\n")) as (port, _):
        with pytest.raises(Unreachable, match="not HTTP"):
            targets.post(f"http://127.0.0.1:{port}/", b"", {})
        with pytest.raises(Unreachable, match="certificate"):
            targets.post(f"https://127.0.0.1:{port}/", b"", {})


@pytest.mark.parametrize(
    ("text", "seconds"), {"7": 7, "": None, "soon": None, "9999999": 86400, "Sat, 01 Jan 2000 00:00:00 GMT": 0}.items()
)
def test_how_long_to_wait_is_read_as_it_is_written(text: str, seconds: float | None) -> None:
    assert targets.Answer(429, "", {"retry-after": text}).retry_after == seconds
