"""Both sockets, told what no client of ours says: each frame is answered or passed over, and the socket lives on."""

import json
import random
from typing import Any

import pytest

from conftest import World
from interventions.live import program
from interventions.live.database import in_thread
from interventions.live.protocol import CODES, MAX_BYTES, SCHEMAS
from interventions.tests.sockets import Client, connected, create, run
from tests.corpus import TEXTS
from tests.fuzz.hostile import TIMES
from tests.fuzz.tables import fingerprint

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]

FRAMES: list[str | bytes] = [
    "",
    " ",
    "null",
    "[]",
    "5",
    '"ping"',
    "{",
    "{}",
    '{"type": null}',
    '{"type": 5}',
    '{"type": ["ping"]}',
    '{"type": {"type": "ping"}}',
    '{"type": ""}',
    '{"type": "PING"}',
    '{"type": "ping ", "id": 1}',
    '{"type": "__class__"}',
    '{"type": "ping", "type": "get_metrics"}',
    '{"type": "ping", "id": NaN}',
    '{"type": "ping", "id": 1e400}',
    '{"type": "ping", "id": 9007199254740993}',
    '{"type": "ping", "id": ' + "9" * 5000 + "}",
    '{"type": "ping", "id": "\\u0000"}',
    '{"type": "ping", "id": "\\ud800"}',
    '{"type": "ping", "id": "\ud800"}',
    '{"\\ud800": 1, "type": "ping"}',
    '{"type": "ping", "\x00": 1}',
    '{"type": "\\u0000"}',
    "\ufeff{}",
    "[" * 60_000,
    '{"a":' * 10_000,
    '{"type": "ping", "payload": ' + "[" * 99 + "]" * 99 + "}",
    '{"type": "ping", "payload": []}',
    '{"type": "ping", "data": "x", "payload": {}}',
    '{"type": "get_pending", "payload": {"payload": {"limit": 5}}}',
    '{"type": "ping", "n": "' + "x" * MAX_BYTES + '"}',
    "{" + ",".join(f'"k{number}": {number}' for number in range(4000)) + "}",
    b"",
    b"\x00",
    b"\xff\xfe",
    b'{"type": "ping"}',
    b"\x80" * MAX_BYTES * 2,
]
VALUES: list[Any] = [None, True, 0, -1, 1.5, 2**53 - 1, "", "x" * 3000, [], ["x"], {}, {"a": {"b": []}}, "open"]
VALUES += ["approve", "local:otto", *TEXTS.values()]
FIELDS = sorted({name for schema in SCHEMAS.values() for name in schema["properties"]})
KNOWN = {code for _, code in CODES} | {"EXPIRED"}
# What reads only, and `action` as a viewer, who may do nothing.
SEED = 20261128


def messages(count: int) -> list[str | bytes]:
    """Messages of known kinds with wrong fields, and some of those with bytes turned, cut and doubled."""
    chance = random.Random(SEED)  # noqa: S311
    made: list[str | bytes] = []
    for number in range(count):
        message = {"type": chance.choice([*SCHEMAS, "viewing", chance.choice(list(TEXTS))]), "id": number}
        message["kind"] = chance.choice(["ping", "viewing", message["type"], 5])
        fields = {name: chance.choice(VALUES) for name in chance.sample(FIELDS, chance.randint(0, 4))}
        if chance.random() < 0.3:
            message[chance.choice(["payload", "data"])] = fields
        text = json.dumps(message | fields, ensure_ascii=chance.random() < 0.5)
        made.append(_mutated(text, chance) if chance.random() < 0.4 else text)
    return made


def _mutated(text: str, chance: random.Random) -> str | bytes:
    at = chance.randrange(len(text))
    match chance.randrange(5):
        case 0:
            return text[:at]
        case 1:
            return text[:at] + chance.choice('\x00"{}[]\\,:\ud800\u202e') + text[at + 1 :]
        case 2:
            return text + text
        case 3:
            return text[:at] + text[at:] * chance.randint(2, 40)
        case _:
            return text.encode(errors="replace")


async def _send(client: Client, frame: str | bytes) -> None:
    await client.socket.send_input({"type": "websocket.receive", "text" if isinstance(frame, str) else "bytes": frame})


@pytest.mark.parametrize("who", ["vera", "reader"])
def test_a_program_may_say_anything(world: World, who: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "MESSAGES_PER_SECOND", 10_000)

    async def test() -> None:
        await create(world, request_id="open")
        async with connected(world, who) as client:
            before = await in_thread(fingerprint)
            for frame in [*FRAMES, *messages(150 * TIMES)]:
                await _send(client, frame)
                reply = await client.frame(lambda reply: "seq" not in reply and reply["type"] != "metrics_update")
                if reply["type"] == "error":
                    assert reply["error"]["code"] in KNOWN - {"UNAVAILABLE"}, (frame[:200], reply)
            assert (await client.ask("ping"))["type"] == "pong"
            assert await in_thread(fingerprint) == before

    run(test)


def test_a_page_may_say_anything(world: World) -> None:
    session = world.session("vera").cookies["sessionid"].value
    headers = {"Cookie": f"sessionid={session}", "Origin": "http://testserver", "Host": "testserver"}
    viewing = [{"kind": "viewing", "request_id": value, "state": value, "since": value} for value in VALUES]

    async def test() -> None:
        await create(world, request_id="open")
        client = await Client("/ws/o/acme/console", headers=headers).open()
        before = await in_thread(fingerprint)
        for frame in [*FRAMES, *map(json.dumps, viewing), *messages(150 * TIMES)]:
            await _send(client, frame)
        await _send(client, '{"kind": "ping"}')
        await client.frame(lambda frame: frame["kind"] == "pong")
        assert await in_thread(fingerprint) == before
        await client.leave()

    run(test)


OURS = [(b"origin", b"http://testserver"), (b"host", b"testserver")]
HANDSHAKES: list[dict[str, Any]] = [
    {"query_string": b"token=\xff%ff%00"},
    {"query_string": b"token=" + b"x" * 60_000},
    {"query_string": b"&".join(b"a=%d" % number for number in range(5000))},
    {"query_string": b"token=chm_%ed%a0%80_x"},
    {"headers": [(b"origin", b"http://["), (b"cookie", b"sessionid=x")]},
    {"headers": [(b"origin", b"\xff"), (b"host", b"\xff")]},
    {"headers": [(b"origin", b"http://testserver:99999999"), (b"host", b"testserver:x")]},
    {"headers": [*OURS, (b"cookie", b'sessionid="\\000"; \xff')]},
    {
        "headers": [
            (b"origin", b"http://testserver"),
            (b"host", b"testserver"),
            (b"cookie", b"sessionid=" + b"a" * 9000),
        ]
    },
    {"headers": [(b"authorization", b"Bearer \xff\xfe"), (b"x-api-key", b"\x00")]},
    {"headers": [(b"authorization", b"Basic OjA=")]},
    {"headers": [(b"x-forwarded-for", b"\xff,,;"), (b"authorization", b"Bearer x.y.z")]},
]


@pytest.mark.parametrize("path", ["/ws", "/ws/o/acme/console", "/ws/o/%00/console"])
def test_a_strange_handshake_is_refused_and_is_no_fault(world: World, path: str) -> None:
    async def test() -> None:
        before = await in_thread(fingerprint)
        for number, scope in enumerate(HANDSHAKES):
            client = Client(path.replace("%00", "\x00"), client=f"10.1.0.{number}")
            client.socket.scope |= scope
            answer = await client.handshake()
            if answer["type"] == "websocket.accept":
                assert await client.closed() in (4401, 4403), scope
            else:
                assert answer["status"] == 404, scope
        assert await in_thread(fingerprint) == before

    run(test)


def test_a_flood_is_answered_and_leaves_the_others_alone(world: World) -> None:
    """Two thousand messages at once, half of them no messages: as many are answered as the limit lets pass."""

    async def test() -> None:
        async with connected(world, "vera") as loud, connected(world, "otto") as quiet:
            for number in range(1000):
                await _send(loud, f'{{"type": "ping", "id": {number}}}')
                await _send(loud, b"\x00" if number % 2 else "[" * 100)
            assert (await quiet.ask("ping"))["type"] == "pong"
            replies = [await loud.frame() for _ in range(2000)]
            refused = [reply for reply in replies if reply["type"] == "error"]
            assert {reply["error"]["code"] for reply in refused} <= {"RATE_LIMITED", "INVALID"}
            limited = sum(reply["error"]["code"] == "RATE_LIMITED" for reply in refused)
            assert 0 < 2000 - limited < 1000
            assert "websocket.close" not in {reply["type"] for reply in replies}

    run(test)
