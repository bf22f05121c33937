"""What is no good HTTP, said to real servers: an answer of four hundred and something, or a closed connection.

What reaches the application under /api is answered with a problem document; what the server itself cannot read it
refuses itself, without a body of Django's.
"""

import json
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from django.conf import settings

from conftest import World
from interventions.tests.processes import Server
from tests.fuzz.tables import fingerprint

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 20.0
LIST, CREATE = b"/api/interventions", b"POST /api/interventions HTTP/1.1"
HOST = b"Host: localhost\r\nConnection: close\r\n"
SIGN_IN = b"POST /accounts/login/ HTTP/1.1"
JSON = b"Content-Type: application/json\r\n"
UPGRADE = b"Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
UPGRADE += b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"


def get(target: bytes, headers: bytes = b"", host: bytes = HOST, method: bytes = b"GET") -> bytes:
    return method + b" " + target + b" HTTP/1.1\r\n" + host + headers + b"\r\n"


def post(body: bytes, headers: bytes, line: bytes = CREATE) -> bytes:
    return line + b"\r\n" + HOST + headers + b"\r\n" + body


def sized(body: bytes, kind: bytes, line: bytes = CREATE) -> bytes:
    return post(body, b"Content-Type: " + kind + b"\r\nContent-Length: %d\r\n" % len(body), line)


# Whole requests that a server may well hand on: Django answers, or the server with 400, 414 or 431.
REQUESTS: dict[str, bytes] = {
    "percent alone": get(LIST + b"/%"),
    "percent and no digits": get(LIST + b"/%zz"),
    "percent and no UTF-8": get(b"/api/%ff%fe"),
    "NUL in percent": get(LIST + b"/a%00b"),
    "CRLF in percent": get(LIST + b"/a%0d%0aSet-Cookie:x=y"),
    "half a surrogate pair": get(LIST + b"/%ed%a0%80"),
    "NUL": get(LIST + b"/a\x00b"),
    "no ASCII": get(LIST + b"/\xff\xfe"),
    "a space": get(LIST + b"/a b"),
    "up": get(b"/api/../admin/"),
    "a fragment": get(LIST + b"#x"),
    "no UTF-8 in the query": get(LIST + b"?q=%ff"),
    "no ASCII in the query": get(LIST + b"?q=\xff"),
    "many parameters": get(LIST + b"?" + b"&".join(b"a%d=1" % number for number in range(5000))),
    "a long path": get(b"/api/" + b"a" * 60_000),
    "a longer path": get(b"/api/" + b"a" * 200_000),
    "a long query": get(LIST + b"?q=" + b"a" * 60_000),
    "a longer query": get(LIST + b"?q=" + b"a" * 200_000),
    "a long header": get(b"/api/nothing", b"X-Long: " + b"a" * 60_000 + b"\r\n"),
    "a longer header": get(LIST, b"X-Long: " + b"a" * 200_000 + b"\r\n"),
    "many headers": get(b"/api/nothing", b"".join(b"X-%d: a\r\n" % number for number in range(600))),
    "a header without a colon": get(LIST, b"nonsense\r\n"),
    "a space in a header's name": get(LIST, b"X Y: a\r\n"),
    "brackets in a header's name": get(LIST, b"X(Y): a\r\n"),
    "NUL in a header": get(LIST, b"X-Y: a\x00b\r\n"),
    "a key that is no ASCII": get(LIST, b"X-API-Key: \xff\xfe\r\n"),
    "a token that is no ASCII": get(LIST, b"Authorization: Bearer \xff\xfe\r\n"),
    "a cookie that is none": get(LIST, b'Cookie: sessionid="\\000\xff; a="\r\n'),
    "an organization that is no ASCII": get(LIST, b"X-Organization: \xff\r\n"),
    "where it is mounted": get(b"/api/nothing", b"Daphne-Root-Path: \xff\r\n"),
    "two hosts": get(LIST, b"Host: evil.example\r\n"),
    "no host name": get(LIST, host=b"Host: a b\xff\r\nConnection: close\r\n"),
    "another's host": get(LIST, host=b"Host: evil.example\r\nConnection: close\r\n"),
    "an unknown method": get(LIST, method=b"BREW"),
    "a long method": get(LIST, method=b"A" * 5000),
    "no method": get(LIST, method=b"G\xffT"),
    "CONNECT": get(LIST, method=b"CONNECT"),
    "TRACE": get(LIST, method=b"TRACE"),
    "no version": b"GET /api/nothing\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "a length in words": post(b"{}", JSON + b"Content-Length: five\r\n"),
    "a negative length": post(b"{}", JSON + b"Content-Length: -5\r\n"),
    "two lengths": post(b"{}", JSON + b"Content-Length: 2\r\nContent-Length: 3\r\n"),
    "length and pieces": post(b"2\r\n{}\r\n0\r\n\r\n", JSON + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n"),
    "an unknown encoding": post(b"{}", JSON + b"Transfer-Encoding: x\r\n"),
    "a piece without a size": post(b"zz\r\n{}\r\n0\r\n\r\n", JSON + b"Transfer-Encoding: chunked\r\n"),
    "no UTF-8 in the body": sized(b'{"title": "\xff"}', b"application/json"),
    "UTF-16": sized("{}".encode("utf-16"), b"application/json"),
    "compressed": post(b"\x1f\x8b\x08\x00", JSON + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n"),
    "parts": sized(b"--x\r\nasdfa", b"multipart/form-data; boundary=x"),
    "parts without a boundary": sized(b"--x\r\nasdfa", b"multipart/form-data"),
    "parts with a bad boundary": sized(b"--x\r\nasdfa", b'multipart/form-data; boundary=\xff"'),
    "a form": sized(b"title=%ff&" * 2000, b"application/x-www-form-urlencoded"),
    "a type that is none": sized(b"{}", b"\xff; charset=\xff"),
    "a charset that is none": sized(b"{}", b"application/json; charset=nonsense"),
    "a refresh cookie that is none": get(b"/api/token/refresh", b"Cookie: refresh_token=\xff\r\n", method=b"POST"),
}
# Of these no more is asked than that they are no fault.
OTHERS: dict[str, bytes] = {
    "a way back that is no address": get(b"/accounts/login/?next=http://["),
    "a way out that is no address": get(b"/accounts/logout/?next=http://["),
    "parts to a page": sized(b"--x\r\nasdfa", b"multipart/form-data", SIGN_IN),
    "a charset to a page": sized(
        b"a=%f", b"application/x-www-form-urlencoded; charset=z", b"POST /accounts/login/ HTTP/1.1"
    ),
    "an origin that is no address": get(b"/accounts/login/", b"Origin: http://[\r\n", method=b"POST"),
    "an address as the path": get(b"http://[::1/api"),
    "a star": get(b"*", method=b"OPTIONS"),
    "a range that is none": get(b"/static/css/base.css", b"Range: bytes=9-1,\xff\r\nAccept-Encoding: \xff;q=x\r\n"),
    "NUL in a file's name": get(b"/static/%00"),
    "up from the files": get(b"/static/%2e%2e/%2e%2e/manage.py"),
    "NUL in a page's path": get(b"/o/acme/interventions/a%00b"),
    "a socket with a protocol that is no ASCII": get(b"/ws", b"Sec-WebSocket-Protocol: \xff\r\n", UPGRADE),
    "a socket that says where it is mounted": get(b"/nows", b"Daphne-Root-Path: \xff\r\n", UPGRADE),
    "a socket with a bad extension": get(b"/nows", b"Sec-WebSocket-Extensions: permessage-deflate; x=\r\n", UPGRADE),
    "a socket with a bad key": get(b"/ws", b"Sec-WebSocket-Key: A\r\n", UPGRADE),
    "a socket nowhere": get(b"/ws/%ff?since=%ff", b"", UPGRADE),
}
BROKEN_OFF = [b"GET /api/interv", CREATE + b"\r\n" + HOST + JSON + b"Content-Length: 99\r\n\r\n{", b""]


@pytest.fixture(scope="module", params=["daphne", "uvicorn"])
def server(request, django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    log = tmp_path_factory.mktemp("http") / request.param
    server = Server(request.param, log, settings.REDIS_URL)
    try:
        server.wait_until_ready()
        yield server, log
    finally:
        server.end()


def ask(port: int, raw: bytes, first: bool = False) -> tuple[int, dict[str, str], bytes]:
    """What the server answers until it closes, or the `first` piece of it; 0 where it only closes."""
    data = b""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        # A server that has read enough closes before all is sent.
        with suppress(ConnectionError):
            connection.sendall(raw)
        with suppress(ConnectionError):
            while piece := connection.recv(65536):
                data += piece
                if first:
                    break
    found = re.match(rb"HTTP/1\.\d (\d{3})", data)
    if found is None:
        return 0, {}, data
    head, _, body = data.partition(b"\r\n\r\n")
    lines = [line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:]]
    return int(found[1]), {name.lower(): value.strip() for name, _, value in lines}, body


def test_bad_http_is_refused(world: World, server: tuple[Server, Path]) -> None:
    running, log = server
    before = fingerprint()
    for name, raw in REQUESTS.items():
        status, headers, body = ask(running.port, raw)
        assert 400 <= status < 500, (name, status, body[:300])
        kind = headers.get("content-type", "")
        assert "html" not in kind, (name, body[:300])
        if "json" in kind:
            assert kind == "application/problem+json"
            said = json.loads(body[body.index(b"{") : body.rindex(b"}") + 1])
            assert (said["status"], bool(said["code"])) == (status, True), name
    for name, raw in OTHERS.items():
        status, _, body = ask(running.port, raw, first=True)
        assert status < 500, (name, status, body[:300])
    for raw in BROKEN_OFF:
        with socket.create_connection(("127.0.0.1", running.port), timeout=PATIENCE) as connection:
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
    assert ask(running.port, get(b"/health"))[0] == 200
    assert fingerprint() == before
    assert re.findall(r"^[\d-]+ [\d:,]+ (?:ERROR|CRITICAL) .*", log.read_text(), re.MULTILINE) == []


def test_what_is_whole_http_is_answered_by_the_api_itself(world: World, server: tuple[Server, Path]) -> None:
    whole = ["percent and no digits", "NUL in percent", "parts without a boundary", "parts with a bad boundary"]
    whole += [
        "a form",
        "a long path",
        "an unknown method",
        "another's host",
        "no UTF-8 in the body",
        "where it is mounted",
    ]
    for name in whole:
        _, headers, body = ask(server[0].port, REQUESTS[name])
        assert headers.get("content-type") == "application/problem+json", (name, body[:300])
